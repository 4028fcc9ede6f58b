//! Standard output and standard error, which somebody may have closed.

use std::io::{self, ErrorKind, Write};

/// Says something on standard error. Where nobody can hear it, nobody has to.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "bpflink: {message}");
}

/// Prints a text; answers whether that went well.
pub fn print(text: &str) -> bool {
    let mut stdout = io::stdout().lock();
    let printed = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match printed {
        Ok(()) => true,
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => true,
        Err(error) => {
            complain(&format!("cannot write: {error}"));
            false
        }
    }
}
