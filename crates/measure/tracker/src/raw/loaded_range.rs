use libc::{PT_LOAD, c_int, c_void, dl_phdr_info};
use std::ops::Range;
use std::slice;

struct Search {
    address: usize,
    found: Range<usize>,
}

/// From the first to the last byte of the loaded object that contains `address`; empty if none does.
pub(super) fn around(address: usize) -> Range<usize> {
    let mut search = Search { address, found: 0..0 };
    // SAFETY: `look_into` is given the search that lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(look_into), (&raw mut search).cast()) };
    search.found
}

unsafe extern "C" fn look_into(
    info: *mut dl_phdr_info,
    _bytes: usize,
    search: *mut c_void,
) -> c_int {
    // SAFETY: `around` passes a search that nothing else refers to; the dynamic linker passes a valid `info`, with its headers.
    let (base, search, headers) = unsafe {
        let info = &*info;
        let headers = slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum));
        (info.dlpi_addr as usize, &mut *search.cast::<Search>(), headers)
    };
    let loaded = headers.iter().filter(|header| header.p_type == PT_LOAD).map(|header| {
        let start = base + header.p_vaddr as usize;
        start..start + header.p_memsz as usize
    });
    let whole = loaded.reduce(|whole, part| whole.start.min(part.start)..whole.end.max(part.end));
    match whole {
        Some(whole) if whole.contains(&search.address) => {
            search.found = whole;
            1
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_lies_in_its_object_and_the_stack_in_none() {
        let own = around(around as *const () as usize);
        assert!(own.contains(&(look_into as *const () as usize)));
        assert!(!own.contains(&(libc::malloc as *const () as usize)));
        assert!(around((&raw const own) as usize).is_empty());
    }
}
