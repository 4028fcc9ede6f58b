//! A kernel's files for tests: a directory that stands for `/`.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

use super::running::RunningKernel;

/// A root directory with files in it, gone with the value. Its kernel is 5.4.0-9-amd64.
pub(crate) struct Root(PathBuf);

impl Root {
    pub fn new(files: &[(&str, &[u8])]) -> Root {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, SeqCst);
        let name = format!("bpflink-root-{}-{number}", std::process::id());
        let root = Root(std::env::temp_dir().join(name));
        fs::create_dir_all(&root.0).unwrap();
        root.add("proc/sys/kernel/osrelease", b"5.4.0-9-amd64\n");
        files.iter().for_each(|(path, bytes)| root.add(path, bytes));
        root
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn add(&self, path: &str, bytes: &[u8]) {
        fs::write(self.place(path), bytes).unwrap();
    }

    /// A file that tells how often it was read.
    pub fn add_counted(&self, path: &str, bytes: &[u8]) -> Counted {
        let path = self.place(path);
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("coreutils has mkfifo").success());
        Counted::serve(path, bytes.to_vec())
    }

    fn place(&self, path: &str) -> PathBuf {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// The kernel, which must not be probed.
    pub(super) fn kernel(&self) -> RunningKernel {
        RunningKernel::new(self.0.clone(), |_| panic!("probed"))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A pipe with a name, which gives its contents to each who opens it.
pub(crate) struct Counted {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    /// Ends with the number of those who read it.
    server: JoinHandle<usize>,
}

impl Counted {
    fn serve(path: PathBuf, bytes: Vec<u8>) -> Counted {
        let stop = Arc::new(AtomicBool::new(false));
        let (pipe, stopped) = (path.clone(), stop.clone());
        let serve = move || {
            let mut readers = 0;
            loop {
                // Waits until somebody opens the other end.
                let mut file = File::options().write(true).open(&pipe).unwrap();
                if stopped.load(SeqCst) {
                    return readers;
                }
                file.write_all(&bytes).unwrap();
                drop(file);
                readers += 1;
                while !stopped.load(SeqCst) && has_reader(&pipe) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        };
        Counted {
            path,
            stop,
            server: std::thread::spawn(serve),
        }
    }

    /// How often the file was read; nobody may read it any more.
    pub fn reads(self) -> usize {
        self.stop.store(true, SeqCst);
        let _last = File::open(&self.path).unwrap();
        self.server.join().unwrap()
    }
}

/// Whether who read the last contents has yet to close the pipe.
fn has_reader(pipe: &Path) -> bool {
    let at_once = File::options()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(pipe);
    at_once.is_ok()
}
