use crate::raw::errno;
use std::mem::MaybeUninit;

/// A copy of the words at an address of this process that may not be mapped: the kernel looks, and says no where a
/// plain read would end the process.
pub(super) fn copy_words<const WORDS: usize>(address: usize) -> Option<[u64; WORDS]> {
    match copy_through_kernel(address) {
        Ok(words) => Some(words),
        Err(libc::EPERM | libc::ENOSYS) => copy_if_readable(address),
        Err(_) => None,
    }
}

/// The words, or why not as an `errno`.
fn copy_through_kernel<const WORDS: usize>(address: usize) -> Result<[u64; WORDS], libc::c_int> {
    let mut words = MaybeUninit::<[u64; WORDS]>::uninit();
    let bytes = size_of::<[u64; WORDS]>();
    let to = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
    let from = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes };
    // SAFETY: the kernel writes at most `bytes` into `words`, and checks where it reads.
    let copied =
        unsafe { libc::process_vm_readv(libc::getpid(), &raw const to, 1, &raw const from, 1, 0) };
    match usize::try_from(copied) {
        // SAFETY: all words were written; any bits are a number.
        Ok(copied) if copied == bytes => Ok(unsafe { words.assume_init() }),
        Ok(_) => Err(libc::EFAULT),
        Err(_) => Err(errno::current()),
    }
}

/// For sandboxes that forbid the call above.
fn copy_if_readable<const WORDS: usize>(address: usize) -> Option<[u64; WORDS]> {
    const { assert!(WORDS * size_of::<u64>() < 4096, "the words lie on two pages at most") };
    let last = address + (WORDS - 1) * size_of::<u64>();
    if !is_readable(address) || !is_readable(last) {
        return None;
    }
    // SAFETY: both pages can be read, the kernel says; nobody unmaps a type object that a live object names.
    Some(unsafe { (address as *const [u64; WORDS]).read_unaligned() })
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

    #[test]
    fn memory_that_is_not_there_is_not_read() {
        let words = [3_u64, 4, 5];
        let second = words.as_ptr() as usize + 8;
        for copy in [copy_words::<2>, copy_if_readable::<2>] {
            assert_eq!(copy(second), Some([4, 5]));
            assert_eq!(copy(1 << 16), None);
        }
    }

    #[test]
    fn errno_is_as_it_was() {
        errno::with_errno_kept(|| assert_eq!(copy_through_kernel::<2>(1 << 16), Err(libc::EFAULT)));
        let before = errno::current();
        errno::with_errno_kept(|| copy_words::<2>(1 << 16));
        assert_eq!(errno::current(), before);
    }

    #[test]
    fn words_that_reach_into_a_page_that_is_not_there_are_not_read() {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping of two pages, of which the second is given back; nobody else knows it.
        let start = unsafe {
            let start = libc::mmap(std::ptr::null_mut(), 8192, libc::PROT_READ, flags, -1, 0);
            libc::munmap(start.byte_add(4096), 4096);
            start as usize
        };
        for copy in [copy_words::<2>, copy_if_readable::<2>] {
            assert_eq!(copy(start + 4096 - 16), Some([0, 0]));
            assert_eq!(copy(start + 4096 - 8), None);
        }
    }
}
