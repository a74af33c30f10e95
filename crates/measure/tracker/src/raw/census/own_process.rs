use crate::raw::errno;
use crate::raw::own_memory::PAGE_BYTES;
use std::ptr;

/// Copies the words at an address of this process that may not be mapped, and says whether they could be: the kernel
/// looks, and says no where a plain read would end the process.
pub(super) fn copy_words(address: usize, to: &mut [u64]) -> bool {
    match copy_through_kernel(address, to) {
        Ok(is_whole) => is_whole,
        Err(libc::EPERM | libc::ENOSYS) => copy_if_readable(address, to),
        Err(_) => false,
    }
}

/// Whether all words could be read, or why none as an `errno`.
fn copy_through_kernel(address: usize, words: &mut [u64]) -> Result<bool, libc::c_int> {
    let bytes = size_of_val(words);
    let to = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
    let from = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes };
    // SAFETY: the kernel writes at most `bytes` into `words`, and checks where it reads.
    let copied =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const to, 1, &raw const from, 1, 0) };
    usize::try_from(copied).map(|copied| copied == bytes).map_err(|_| errno::current())
}

/// For sandboxes that forbid the call above.
fn copy_if_readable(address: usize, to: &mut [u64]) -> bool {
    debug_assert!(size_of_val(to) <= PAGE_BYTES, "the words lie on two pages at most");
    let last = address + size_of_val(to).saturating_sub(size_of::<u64>());
    if !is_readable(address) || !is_readable(last) {
        return false;
    }
    // SAFETY: both pages can be read, the kernel says; nobody unmaps a type object that a live object names.
    unsafe {
        ptr::copy_nonoverlapping(address as *const u8, to.as_mut_ptr().cast(), size_of_val(to));
    };
    true
}

/// The kernel reads a set of signals at `address`, and only then finds that it does not know what to do with it.
fn is_readable(address: usize) -> bool {
    const UNKNOWN: libc::c_int = -1;
    let nowhere = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: a call with an unknown request changes nothing.
    let done = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, UNKNOWN, address, nowhere, size_of::<u64>())
    };
    done == -1 && errno::current() == libc::EINVAL
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words at `address`, if both ways of looking see the same.
    fn copied<const WORDS: usize>(address: usize) -> Option<[u64; WORDS]> {
        let [one, other] = [copy_words, copy_if_readable].map(|copy| {
            let mut words = [0; WORDS];
            copy(address, &mut words).then_some(words)
        });
        assert_eq!(one, other);
        one
    }

    #[test]
    fn memory_that_is_not_there_is_not_read() {
        let words = [3_u64, 4, 5];
        let second = words.as_ptr() as usize + 8;
        assert_eq!(copied(second), Some([4, 5]));
        assert_eq!(copied::<2>(1 << 16), None);
    }

    #[test]
    fn errno_is_as_it_was() {
        let mut words = [0; 2];
        let answer = errno::with_errno_kept(|| copy_through_kernel(1 << 16, &mut words));
        assert_eq!(answer, Err(libc::EFAULT));
        let before = errno::current();
        assert!(!errno::with_errno_kept(|| copy_words(1 << 16, &mut words)));
        assert_eq!(errno::current(), before);
    }

    #[test]
    fn words_that_reach_into_a_page_that_is_not_there_are_not_read() {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping of two pages, of which the second is given back; nobody else knows it.
        let start = unsafe {
            let start = libc::mmap(ptr::null_mut(), 8192, libc::PROT_READ, flags, -1, 0);
            libc::munmap(start.byte_add(4096), 4096);
            start as usize
        };
        assert_eq!(copied(start + 4096 - 16), Some([0, 0]));
        assert_eq!(copied::<2>(start + 4096 - 8), None);
    }
}
