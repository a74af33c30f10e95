//! dlopen(3), dlclose(3) and dlsym(3): what is loaded later is patched, and who asks for a hooked function gets the hook.
//!
//! dlopen and dlsym look at the address they return to, to know on whose behalf they search (RPATH, `RTLD_NEXT`, `RTLD_DEFAULT`). So
//! the hooks jump to the original with the caller's return address in place, unless the answer does not depend on it.

use super::{INTERPOSER, original, place};
use crate::raw::native_stack::objects_changed;
use std::arch::naked_asm;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

type Open = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;
type Close = unsafe extern "C" fn(*mut c_void) -> c_int;
type Look = unsafe extern "C" fn(*mut c_void, *const c_char) -> *mut c_void;

/// The caller gets `value` if `is_final`, otherwise what the original says.
#[repr(C)]
struct Answer {
    value: *mut c_void,
    is_final: usize,
}

const ASK_THE_ORIGINAL: Answer = Answer { value: ptr::null_mut(), is_final: 0 };

/// Defines a function that calls `$decide` with its two arguments, and either returns the answer or jumps to the original.
macro_rules! hook_that_jumps {
    ($name:ident, $decide:ident, $original:ident) => {
        #[unsafe(naked)]
        pub(super) unsafe extern "C" fn $name() {
            naked_asm!(
                "push rdi",
                "push rsi",
                "sub rsp, 8",
                "call {decide}",
                "add rsp, 8",
                "pop rsi",
                "pop rdi",
                "test rdx, rdx",
                "jnz 2f",
                "push rdi",
                "push rsi",
                "sub rsp, 8",
                "call {original}",
                "add rsp, 8",
                "pop rsi",
                "pop rdi",
                "jmp rax",
                "2: ret",
                decide = sym $decide,
                original = sym $original,
            )
        }
    };
}

hook_that_jumps!(dlopen, decide_dlopen, original_dlopen);
hook_that_jumps!(dlsym, decide_dlsym, original_dlsym);

extern "C" fn original_dlopen() -> *mut c_void {
    // SAFETY: the hook is reached through a patched slot, so `install` was called; an address is asked for.
    unsafe { original::<*mut c_void>(place::DLOPEN) }
}

extern "C" fn original_dlsym() -> *mut c_void {
    // SAFETY: as in `original_dlopen`.
    unsafe { original::<*mut c_void>(place::DLSYM) }
}

/// A path with a slash and without a `$` names one file, whoever asks. Other names are searched where the caller says;
/// what that loads is patched when a symbol of it is first looked up.
unsafe extern "C" fn decide_dlopen(file: *const c_char, flags: c_int) -> Answer {
    objects_changed();
    if file.is_null() {
        return ASK_THE_ORIGINAL;
    }
    // SAFETY: dlopen's caller passes a C string or null.
    let name = unsafe { CStr::from_ptr(file) }.to_bytes();
    if !name.contains(&b'/') || name.contains(&b'$') {
        return ASK_THE_ORIGINAL;
    }
    // SAFETY: passed on as it came.
    let handle = unsafe { original::<Open>(place::DLOPEN)(file, flags) };
    patch_what_is_new();
    Answer { value: handle, is_final: 1 }
}

pub(super) unsafe extern "C" fn dlclose(handle: *mut c_void) -> c_int {
    objects_changed();
    // SAFETY: passed on as it came.
    let status = unsafe { original::<Close>(place::DLCLOSE)(handle) };
    objects_changed();
    status
}

unsafe extern "C" fn decide_dlsym(handle: *mut c_void, name: *const c_char) -> Answer {
    patch_what_is_new();
    // Whoever asks for the next definition is a hook himself, and must get behind himself. After the recording nobody
    // gets a hook any more.
    if handle == libc::RTLD_NEXT || name.is_null() || !INTERPOSER.is_on() {
        return ASK_THE_ORIGINAL;
    }
    // SAFETY: dlsym's caller passes a C string.
    if !INTERPOSER.replaces(unsafe { CStr::from_ptr(name) }) {
        return ASK_THE_ORIGINAL;
    }
    // SAFETY: passed on as it came; for RTLD_DEFAULT libc is in the global scope, which all callers share.
    let found = unsafe { original::<Look>(place::DLSYM)(handle, name) };
    INTERPOSER
        .replacement_of(found)
        .map_or(ASK_THE_ORIGINAL, |hook| Answer { value: hook, is_final: 1 })
}

fn patch_what_is_new() {
    // What cannot be patched is not recorded, as if the object called the kernel itself; the program must not notice.
    let _ = INTERPOSER.patch_new();
}
