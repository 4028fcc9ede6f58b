//! Warnings for the caller, during the call and on its thread.

use std::ffi::{c_char, c_void};

use super::error::c_text;

/// Something odd that is no reason to fail.
pub const BPFLINK_LOG_WARNING: u32 = 1;

/// Called with a level (`BPFLINK_LOG_*`) and one line of text, during the call
/// whose options name it and on that thread. The text is borrowed for the callback.
pub type bpflink_log_fn =
    Option<unsafe extern "C" fn(context: *mut c_void, level: u32, message: *const c_char)>;

/// Where a call's warnings go.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub callback: bpflink_log_fn,
    pub context: *mut c_void,
}

impl Log {
    pub(super) fn warn(&self, warnings: &[String]) {
        let Some(callback) = self.callback else {
            return;
        };
        for warning in warnings {
            let text = c_text(warning);
            // SAFETY: the caller's function, called as its type says.
            unsafe { callback(self.context, BPFLINK_LOG_WARNING, text.as_ptr()) };
        }
    }
}
