//! `dlopen`, because what is loaded later changes files too.

use super::replaced::patch_loaded;
use std::ffi::{CStr, c_char, c_int, c_void};

/// glibc looks up a bare name along the RPATH of its caller, which it tells by the return address; so a bare name must
/// be passed on by a jump, and what it loads is patched when the next object is loaded.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn dlopen(name: *const c_char, flags: c_int) -> *mut c_void {
    std::arch::naked_asm!(
        "push rdi",
        "push rsi",
        "sub rsp, 8",
        "call {choose}",
        "add rsp, 8",
        "pop rsi",
        "pop rdi",
        "jmp rax",
        choose = sym choose,
    )
}

type Dlopen = unsafe extern "C" fn(*const c_char, c_int) -> *mut c_void;

/// Which function goes on with the call.
unsafe extern "C" fn choose(name: *const c_char) -> Dlopen {
    // SAFETY: the caller passes `dlopen` null or a C string.
    let is_path = !name.is_null() && unsafe { CStr::from_ptr(name) }.to_bytes().contains(&b'/');
    if is_path {
        return load;
    }
    patch_loaded();
    libc::dlopen
}

unsafe extern "C" fn load(name: *const c_char, flags: c_int) -> *mut c_void {
    // SAFETY: the caller's own arguments.
    let object = unsafe { libc::dlopen(name, flags) };
    patch_loaded();
    object
}
