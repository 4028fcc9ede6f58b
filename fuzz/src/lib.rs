//! What the targets share: parts of what the tests do.

#[path = "../../tests/support/describe.rs"]
mod describe;
#[path = "../../tests/support/real.rs"]
pub mod real;
#[path = "../../tests/support/skip.rs"]
mod skip;

use std::sync::Arc;

use bpflink::{Linker, Object, Target};

/// Links for it, and reads all that there is to read of what comes out.
pub fn link(object: &Arc<Object>, target: &Target) {
    let mut text = describe::Text::default();
    text.object(object);
    let linked = Linker::new(target).link(object);
    text.outcome("link", &linked);
    if let Ok(set) = linked {
        text.set(&set);
    }
}
