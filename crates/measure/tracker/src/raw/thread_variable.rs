//! Where CPython 3.12 and later keep a thread's own thread state: a thread-local variable that they do not export. Reading
//! it directly saves a call through two libraries on every event.

use libc::{Elf64_Phdr, PT_TLS, c_int, c_void, dl_phdr_info};
use std::slice;

/// Looks for the variable in the thread-local storage of the object that `code` lies in.
struct Search {
    code: usize,
    value: usize,
    /// Addresses of words that hold `value`, at most as many as here.
    found: [usize; MOST_FOUND],
    found_count: usize,
}

const MOST_FOUND: usize = 4;

/// The address of the only word that holds `value` in this thread's storage of the object that contains `code`.
pub(super) fn find(code: usize, value: usize) -> Option<usize> {
    let mut search = Search { code, value, found: [0; MOST_FOUND], found_count: 0 };
    // SAFETY: `look_into` is given the search that lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(look_into), (&raw mut search).cast()) };
    (search.found_count == 1).then_some(search.found[0])
}

unsafe extern "C" fn look_into(
    info: *mut dl_phdr_info,
    _bytes: usize,
    search: *mut c_void,
) -> c_int {
    // SAFETY: `find` passes a search that nothing else refers to; the dynamic linker passes a valid `info`, with its headers.
    let (info, search, headers) = unsafe {
        let info = &*info;
        let headers = slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        (info, &mut *search.cast::<Search>(), headers)
    };
    let base = info.dlpi_addr as usize;
    if !headers.iter().any(|header| is_loaded_at(header, base, search.code)) {
        return 0;
    }
    let storage = info.dlpi_tls_data as usize;
    let bytes = headers
        .iter()
        .find(|header| header.p_type == PT_TLS)
        .map_or(0, |header| header.p_memsz as usize);
    if storage != 0 && storage.is_multiple_of(size_of::<usize>()) {
        // SAFETY: the dynamic linker gave this thread so many bytes of storage there; only this thread writes them.
        let words =
            unsafe { slice::from_raw_parts(storage as *const usize, bytes / size_of::<usize>()) };
        for word in words.iter().filter(|word| **word == search.value) {
            if let Some(place) = search.found.get_mut(search.found_count) {
                *place = std::ptr::from_ref(word) as usize;
            }
            search.found_count += 1;
        }
    }
    1
}

fn is_loaded_at(header: &Elf64_Phdr, base: usize, address: usize) -> bool {
    let start = base + header.p_vaddr as usize;
    header.p_type == libc::PT_LOAD && (start..start + header.p_memsz as usize).contains(&address)
}
