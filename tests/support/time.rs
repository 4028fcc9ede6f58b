//! A limit on time, so that a hang is a failed test and not a stuck one.

#![allow(dead_code)] // Every test binary uses another part of it.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs `job` on a thread of its own, whose stack is small; panics where that
/// takes longer than ten seconds (real work here takes milliseconds).
#[track_caller]
pub fn bounded<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    let worker = thread::Builder::new().stack_size(256 << 10);
    let handle = worker.spawn(move || send.send(job()));
    let handle = handle.expect("a thread can be started");
    match receive.recv_timeout(Duration::from_secs(10)) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("still running after ten seconds"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match handle.join() {
            Err(payload) => std::panic::resume_unwind(payload),
            Ok(_) => unreachable!("a job that ends has sent its result"),
        },
    }
}
