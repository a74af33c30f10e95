//! What the launcher orders while the program runs (see `lowtide_capture::control`): read from a page that both map, as
//! nothing is to be sent to the program. There the launcher is told when a recording has ended.
//!
//! Whoever records looks at it now and then, and whoever finds the gate closed each time. So an order is carried out as
//! soon as there is something to record, and a program that waits is left alone.

use super::errno;
use lowtide_capture::control::{CONTROL_BYTES, recordings, wants_recording};
use std::ffi::CStr;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// The number of orders given, in the page; null while nobody gives any.
static ORDERS: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
/// How many recordings have ended, in the page; null while nobody wants to know.
static ENDS: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
/// How many orders have been carried out.
static CARRIED_OUT: AtomicU32 = AtomicU32::new(0);
/// Whether the recording that goes on was ordered. One that the program itself began, it also ends.
static IS_ORDERED: AtomicBool = AtomicBool::new(false);

/// Obeys from now on the orders in the file at `path`; the `errno` where that cannot be mapped.
pub(super) fn follow(path: &CStr) -> Result<(), i32> {
    // SAFETY: the path is a C string; the mapping touches nothing that exists; the descriptor is closed by its only user.
    unsafe {
        let file = libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
        if file < 0 {
            return Err(errno::current());
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let page = libc::mmap(ptr::null_mut(), CONTROL_BYTES, access, libc::MAP_SHARED, file, 0);
        let failed = errno::current();
        libc::close(file);
        if page == libc::MAP_FAILED {
            return Err(failed);
        }
        ORDERS.store(page.cast(), Ordering::Relaxed);
        ENDS.store(page.cast::<AtomicU32>().add(1), Ordering::Relaxed);
    }
    Ok(())
}

/// Obeys nobody any more.
pub(super) fn leave() {
    ORDERS.store(ptr::null_mut(), Ordering::Relaxed);
}

pub(super) fn is_followed() -> bool {
    !ORDERS.load(Ordering::Relaxed).is_null()
}

/// What is to be carried out now.
pub(super) enum Order {
    /// Begin the recording with this number.
    Begin(u32),
    /// Record nothing.
    Rest,
}

/// The order that was not carried out yet, if there is one; told once.
pub(super) fn take() -> Option<Order> {
    let given = given()?;
    if CARRIED_OUT.swap(given, Ordering::Relaxed) == given {
        return None;
    }
    let is_on = wants_recording(given);
    Some(if is_on { Order::Begin(recordings(given)) } else { Order::Rest })
}

/// Says whether the recording that begins was ordered.
pub(super) fn set_ordered(is_ordered: bool) {
    IS_ORDERED.store(is_ordered, Ordering::Relaxed);
}

/// Whether the recording that goes on was ordered to end.
pub(super) fn ends_recording() -> bool {
    let carried_out = CARRIED_OUT.load(Ordering::Relaxed);
    IS_ORDERED.load(Ordering::Relaxed) && given().is_some_and(|given| given != carried_out)
}

/// Tells the launcher that a recording has ended, whose capture is complete.
pub(super) fn tell_end() {
    let ends = ENDS.load(Ordering::Relaxed);
    // SAFETY: null, or a word of the page, which stays mapped as long as the process lives.
    let Some(ends) = (unsafe { ends.as_ref() }) else { return };
    ends.fetch_add(1, Ordering::Release);
    // SAFETY: the word is aligned and mapped. Nobody may be waiting, and the result does not matter.
    errno::with_errno_kept(|| unsafe {
        libc::syscall(libc::SYS_futex, ends.as_ptr(), libc::FUTEX_WAKE, i32::MAX);
    });
}

fn given() -> Option<u32> {
    let orders = ORDERS.load(Ordering::Relaxed);
    // SAFETY: null, or a word of the page, which stays mapped as long as the process lives.
    unsafe { orders.as_ref() }.map(|orders| orders.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::fs;

    #[test]
    fn the_launcher_sees_how_many_recordings_have_ended() {
        let path = std::env::temp_dir().join(format!("lowtide-control-{}", std::process::id()));
        fs::write(&path, [0; CONTROL_BYTES]).unwrap();
        tell_end();
        follow(&CString::new(path.to_str().unwrap()).unwrap()).unwrap();
        tell_end();
        leave();
        tell_end();
        let page = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(page, [0, 0, 0, 0, 2, 0, 0, 0], "the last after nobody was obeyed any more");
    }
}
