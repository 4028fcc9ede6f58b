//! A witness as a process that links one object after the other for one kernel, and is
//! started anew where an object breaks it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::target::Target;

/// A linker that hangs is a difference, not a reason to wait; a busy machine is none.
const PATIENCE: Duration = Duration::from_secs(600);

/// How the line starts that ends what is said of an object.
const END: &str = "{\"end\":";

/// What is said of an object whose linker does not survive it.
pub const BROKE: &str = "the linker broke: ";

/// A witness.
pub struct Server<'a> {
    tool: PathBuf,
    target: &'a Target,
    options: &'a [&'a str],
    process: Option<Process>,
}

struct Process {
    child: Child,
    paths: ChildStdin,
    answers: Receiver<String>,
}

impl<'a> Server<'a> {
    /// Started with the first object.
    pub fn new(tool: &Path, target: &'a Target, options: &'a [&'a str]) -> Self {
        Self {
            tool: tool.to_owned(),
            target,
            options,
            process: None,
        }
    }

    /// Hands it an object; what comes of that `answer` says.
    pub fn ask(&mut self, object: &Path) -> Result<(), String> {
        if self.process.is_none() {
            self.process = Some(self.start()?);
        }
        let process = self.process.as_mut().ok_or("no process")?;
        let path = object.to_str().ok_or("a path that is no UTF-8")?;
        if writeln!(process.paths, "{path}").is_err() {
            // It ended between two objects; the next one says how.
            self.stop();
            let mut process = self.start()?;
            writeln!(process.paths, "{path}").map_err(|e| self.fail(&e.to_string()))?;
            self.process = Some(process);
        }
        Ok(())
    }

    /// What the witness says of the object that it was handed, line by line; the inner
    /// error is how it broke.
    pub fn answer(&mut self) -> Result<Result<String, String>, String> {
        let process = self.process.as_mut().ok_or("nothing was asked")?;
        let broke = match process.answers.recv_timeout(PATIENCE) {
            Ok(mut text) => {
                let end = text.rfind(END).ok_or("no end")?;
                let status = text.split_off(end);
                let status = status[END.len()..].trim_end_matches(['}', '\n']).to_owned();
                if matches!(status.as_str(), "0" | "1") {
                    return Ok(Ok(text));
                }
                return Ok(Err(format!("{BROKE}status {status}")));
            }
            Err(RecvTimeoutError::Timeout) => format!("no answer within {PATIENCE:?}"),
            Err(RecvTimeoutError::Disconnected) => {
                let status = process.child.wait().map_err(|e| e.to_string())?;
                status.to_string()
            }
        };
        self.stop();
        Ok(Err(format!("{BROKE}{broke}")))
    }

    fn fail(&self, what: &str) -> String {
        format!("{}: {what}", self.tool.display())
    }

    fn start(&self) -> Result<Process, String> {
        let mut child = Command::new(&self.tool)
            .arg("--serve")
            .args(self.options)
            .args(&self.target.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| self.fail(&e.to_string()))?;
        let paths = child.stdin.take().ok_or("no input")?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let (send, answers) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = BufReader::with_capacity(1 << 16, stdout);
            let mut text = Vec::new();
            loop {
                let start = text.len();
                match stdout.read_until(b'\n', &mut text) {
                    Ok(0) | Err(_) => break,
                    Ok(_) if !text[start..].starts_with(END.as_bytes()) => {}
                    Ok(_) => {
                        let whole = std::mem::take(&mut text);
                        if send
                            .send(String::from_utf8_lossy(&whole).into_owned())
                            .is_err()
                        {
                            break;
                        }
                    }
                }
            }
        });
        Ok(Process {
            child,
            paths,
            answers,
        })
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended already.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}
