//! The border that no panic crosses.

use super::super::error::{bpflink_error_free, bpflink_error_message, bpflink_error_status};
use super::super::status::BPFLINK_E_INTERNAL;
use super::*;

struct Thing(Handle<u32>);
opaque!(Thing, u32, "the thing");

#[repr(C)]
#[derive(Clone, Copy)]
struct Info {
    size: usize,
    number: u64,
}
// SAFETY: integers, their size first.
unsafe impl SizeFirst for Info {}

fn thing() -> *mut Thing {
    into_raw(7)
}

fn number_of(thing: *const Thing) -> (bpflink_status, u64) {
    let mut info = Info {
        size: size_of::<Info>(),
        number: 99,
    };
    let body = |&number: &u32| {
        Some(Info {
            size: 0,
            number: number.into(),
        })
    };
    // SAFETY: a live handle and a whole struct.
    let status = unsafe { describe(thing, &mut info, body) };
    (status, info.number)
}

fn breaks(work: impl FnOnce(*mut Thing) -> bpflink_status) {
    let thing = thing();
    assert_eq!(number_of(thing), (BPFLINK_OK, 7));
    assert_eq!(work(thing), BPFLINK_E_INTERNAL);
    // It refuses further use of every sort, and can be freed.
    assert_eq!(number_of(thing), (BPFLINK_E_INTERNAL, 99));
    // SAFETY: a live handle, given up last.
    unsafe {
        assert_eq!(query(thing, 5, |&number| number), 5);
        let status = change(thing, std::ptr::null_mut(), |_| Ok(()));
        assert_eq!(status, BPFLINK_E_INTERNAL);
        free(thing);
    }
}

#[test]
fn a_panic_while_a_handle_is_changed_breaks_it() {
    breaks(|thing| {
        let mut error = std::ptr::null_mut();
        // SAFETY: a live handle, a place for an error that is freed once.
        unsafe {
            let status = change(thing, &mut error, |_| panic!("sum {} is odd", 3));
            assert_eq!(bpflink_error_status(error), status);
            let message = CStr::from_ptr(bpflink_error_message(error));
            assert!(message.to_string_lossy().contains("sum 3 is odd"));
            bpflink_error_free(error);
            status
        }
    });
}

#[test]
fn a_panic_while_a_handle_is_described_breaks_it() {
    breaks(|thing| {
        let mut info = Info {
            size: size_of::<Info>(),
            number: 0,
        };
        // SAFETY: a live handle and a whole struct.
        unsafe { describe(thing, &mut info, |_| panic!("odd")) }
    });
}

#[test]
fn a_panic_while_another_handle_is_made_of_it_breaks_it() {
    breaks(|thing| {
        let mut made: *mut Thing = thing;
        // SAFETY: a live handle, a place for another.
        let status = unsafe {
            create(&mut made, std::ptr::null_mut(), || {
                using(thing, |_| panic!("odd"))
            })
        };
        assert!(made.is_null());
        status
    });
}
