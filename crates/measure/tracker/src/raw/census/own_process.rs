use std::mem::MaybeUninit;

/// A copy of the words at an address of this process that may not be mapped: the kernel looks, and says no where a
/// plain read would end the process.
pub(super) fn copy_words<const WORDS: usize>(address: usize) -> Option<[u64; WORDS]> {
    let mut words = MaybeUninit::<[u64; WORDS]>::uninit();
    let bytes = size_of::<[u64; WORDS]>();
    let to = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
    let from = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes };
    // SAFETY: the kernel writes at most `bytes` into `words`, and checks where it reads.
    let copied =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const to, 1, &raw const from, 1, 0) };
    if usize::try_from(copied) != Ok(bytes) {
        return None;
    }
    // SAFETY: all words were written; any bits are a number.
    Some(unsafe { words.assume_init() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_not_there_is_not_read() {
        let words = [3_u64, 4, 5];
        assert_eq!(copy_words::<2>(words.as_ptr() as usize + 8), Some([4, 5]));
        assert_eq!(copy_words::<2>(1 << 16), None);
    }
}
