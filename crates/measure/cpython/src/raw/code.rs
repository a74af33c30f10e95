use super::{bytes_of, load, text_of};
use crate::layout::Layout;

/// The address of a live code object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeAddress(pub usize);

impl CodeAddress {
    /// `co_firstlineno`.
    ///
    /// # Safety
    /// The code object is alive.
    #[must_use]
    pub unsafe fn first_line(self, layout: &Layout) -> u32 {
        // SAFETY: the caller's promise.
        unsafe { load(self.0, layout.code.first_line) }
    }

    /// `co_filename` as `os.fsencode` gives it, cut to the buffer.
    ///
    /// # Safety
    /// The code object is alive as long as the text is used.
    pub unsafe fn filename<'b>(self, layout: &Layout, buffer: &'b mut [u8]) -> &'b [u8] {
        // SAFETY: the caller's promise; the field holds a `str`.
        unsafe { text_of(&layout.text, load(self.0, layout.code.filename), buffer) }
    }

    /// `co_qualname` (`co_name` on 3.10), cut to the buffer.
    ///
    /// # Safety
    /// The code object is alive as long as the text is used.
    pub unsafe fn qualified_name<'b>(self, layout: &Layout, buffer: &'b mut [u8]) -> &'b [u8] {
        // SAFETY: the caller's promise; the field holds a `str`.
        unsafe { text_of(&layout.text, load(self.0, layout.code.qualified_name), buffer) }
    }

    /// `co_linetable`.
    ///
    /// # Safety
    /// The code object is alive as long as the bytes are used.
    #[must_use]
    pub unsafe fn line_table<'a>(self, layout: &Layout) -> &'a [u8] {
        // SAFETY: the caller's promise; the field holds a `bytes`.
        unsafe { bytes_of(&layout.text, load(self.0, layout.code.line_table)) }
    }
}
