use super::loaded_object::LoadedObject;
use crate::InterposeError;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A symbol and the function that stands in for it.
pub struct Replacement {
    pub(super) symbol: &'static CStr,
    pub(super) function: *const (),
    original: AtomicPtr<c_void>,
    pub(super) spares: Spared,
}

/// What keeps the original, of the object that defines it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Spared {
    /// All its slots but those that spare nothing: a C library's functions call each other by means that nobody sees.
    WholeObject,
    /// Its slots of this symbol only.
    ThisSymbol,
    /// As the whole object, but not its slots of this symbol.
    AllButThisSymbol,
}

// SAFETY: `function` is the address of code, which any thread may read.
unsafe impl Sync for Replacement {}

impl Replacement {
    /// `function` has the signature and the contract of `symbol`.
    #[must_use]
    pub const fn new(symbol: &'static CStr, function: *const ()) -> Self {
        Self {
            symbol,
            function,
            original: AtomicPtr::new(ptr::null_mut()),
            spares: Spared::WholeObject,
        }
    }

    /// Lets other symbols be replaced in the object that defines this one: a program, which calls others as well.
    #[must_use]
    pub const fn of_program(mut self) -> Self {
        self.spares = Spared::ThisSymbol;
        self
    }

    /// What the program called before; null until [`Interposer::patch_loaded`] first ran.
    #[inline]
    #[must_use]
    pub fn original(&self) -> *mut c_void {
        self.original.load(Ordering::Relaxed)
    }

    /// Replaces the symbol in the object that defines it as well: the C library calls malloc and its like through slots
    /// of its own, so that a program may bring another (glibc manual, "Replacing malloc").
    #[must_use]
    pub const fn in_definer_too(mut self) -> Self {
        self.spares = Spared::AllButThisSymbol;
        self
    }

    pub(super) fn resolve(&self) -> Result<(), InterposeError> {
        if self.original().is_null() {
            // SAFETY: the name is a C string; the lookup runs no code of the program.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, self.symbol.as_ptr()) };
            if found.is_null() {
                return Err(InterposeError::Undefined { symbol: self.symbol });
            }
            self.original.store(self.behind_stub(found), Ordering::Relaxed);
        }
        Ok(())
    }

    /// A position-dependent program that takes a function's address gives the whole process a stub of its own as that
    /// address. The stub goes through a slot that gets patched, so the original must be what libc itself defines.
    fn behind_stub(&self, found: *mut c_void) -> *mut c_void {
        // SAFETY: both calls take C strings and a flag that loads nothing new; the handle is never closed.
        let in_libc = unsafe {
            let libc_handle =
                libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            if libc_handle.is_null() {
                ptr::null_mut()
            } else {
                libc::dlsym(libc_handle, self.symbol.as_ptr())
            }
        };
        if in_libc.is_null() || !is_imported_by_main_program(self.symbol, found as usize) {
            found
        } else {
            in_libc
        }
    }
}

/// Whether `address` lies in the main program although that only imports `symbol`.
fn is_imported_by_main_program(symbol: &CStr, address: usize) -> bool {
    let mut query = StubQuery { symbol, address, is_stub: false };
    // SAFETY: `look_for_stub` is given the query that lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(look_for_stub), (&raw mut query).cast()) };
    query.is_stub
}

struct StubQuery<'a> {
    symbol: &'a CStr,
    address: usize,
    is_stub: bool,
}

/// Ends the iteration at once: the first object is the main program.
unsafe extern "C" fn look_for_stub(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    query: *mut c_void,
) -> c_int {
    // SAFETY: the dynamic linker passes a valid `info`, `is_imported_by_main_program` a query that nothing else refers to.
    let (info, query) = unsafe { (&*info, &mut *query.cast::<StubQuery>()) };
    // SAFETY: `info` is used inside this callback only.
    let program = unsafe { LoadedObject::new(info) };
    if program.contains(query.address) {
        program.for_each_slot(|slot| {
            query.is_stub |= program.imported_name(slot.symbol) == Some(query.symbol);
        });
    }
    1
}
