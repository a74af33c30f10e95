use std::ffi::{CStr, c_char};
use std::marker::PhantomData;

/// C strings as execve(2) takes them: an array that ends with a null pointer, or none at all.
#[derive(Clone)]
pub(super) struct CStrings<'a> {
    next: *const *const c_char,
    lives: PhantomData<&'a CStr>,
}

impl CStrings<'_> {
    /// # Safety
    /// `array` is null, or leads to pointers to C strings up to a null pointer, all of which outlive this value.
    pub(super) unsafe fn new(array: *const *const c_char) -> Self {
        Self { next: array, lives: PhantomData }
    }
}

impl<'a> Iterator for CStrings<'a> {
    type Item = &'a CStr;

    fn next(&mut self) -> Option<&'a CStr> {
        if self.next.is_null() {
            return None;
        }
        // SAFETY: the promise of `new`: before the null pointer come pointers to C strings, which live for 'a.
        unsafe {
            let text = *self.next;
            if text.is_null() {
                return None;
            }
            self.next = self.next.add(1);
            Some(CStr::from_ptr(text))
        }
    }
}
