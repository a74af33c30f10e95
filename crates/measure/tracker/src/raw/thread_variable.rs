//! Where CPython 3.12 and later keep a thread's own thread state: a thread-local variable that they do not export. Reading
//! it directly saves a call through two libraries on every event.

use super::thread;
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

/// The address of the word that holds `value` in this thread's storage of the object that contains the function `code`,
/// which returns the variable. Where several do (3.15 has a copy that stays while others have the GIL), it is the one that
/// the function reads.
///
/// # Safety
/// `code` is the address of a function, or 0.
pub(super) unsafe fn find(code: usize, value: usize) -> Option<usize> {
    let mut search = Search { code, value, found: [0; MOST_FOUND], found_count: 0 };
    // SAFETY: `look_into` is given the search that lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(look_into), (&raw mut search).cast()) };
    match search.found.get(..search.found_count)? {
        [] => None,
        [only] => Some(*only),
        several => {
            // SAFETY: the caller's promise, and not 0, as it lies in an object that is loaded.
            let read = thread::pointer().wrapping_add_signed(unsafe { distance_read_by(code) }?);
            several.contains(&read).then_some(read)
        }
    }
}

/// How far from the thread pointer lies what this function returns, if it does nothing else than to read that: at a
/// distance in the instruction itself, or in a word near by that the dynamic linker has filled in.
///
/// # Safety
/// `code` is the address of a function.
unsafe fn distance_read_by(code: usize) -> Option<isize> {
    const BRANCH_TARGET: [u8; 4] = [0xf3, 0x0f, 0x1e, 0xfa];
    const READ_AT: [u8; 5] = [0x64, 0x48, 0x8b, 0x04, 0x25];
    const READ_DISTANCE: [u8; 3] = [0x48, 0x8b, 0x05];
    const READ_THERE: [u8; 4] = [0x64, 0x48, 0x8b, 0x00];
    const LONGEST: usize = 16;
    // SAFETY: functions are aligned to 16 bytes, and there are as many, if only those that fill the space behind them.
    let bytes = unsafe { (code as *const [u8; LONGEST]).read_unaligned() };
    let (first, bytes) = match bytes.strip_prefix(&BRANCH_TARGET) {
        Some(bytes) => (code + BRANCH_TARGET.len(), bytes),
        None => (code, bytes.as_slice()),
    };
    let number =
        |bytes: &[u8]| bytes.first_chunk().map(|bytes| i32::from_le_bytes(*bytes) as isize);
    if let Some(bytes) = bytes.strip_prefix(&READ_AT) {
        return number(bytes);
    }
    let bytes = bytes.strip_prefix(&READ_DISTANCE)?;
    let is_read = bytes.get(size_of::<i32>()..)?.starts_with(&READ_THERE);
    let next = first + READ_DISTANCE.len() + size_of::<i32>();
    let place = next.wrapping_add_signed(number(bytes)?) as *const isize;
    // SAFETY: the function itself reads a distance there.
    is_read.then(|| unsafe { place.read_unaligned() })
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
