#![expect(
    unsafe_code,
    reason = "system calls on a descriptor and on mappings that this module owns"
)]

use super::errno::{self, ErrnoKept};
use super::own_path::OwnPath;
use crate::StopReason;
use std::ffi::CStr;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

/// The open file: grown with real disk blocks, so that writing to a mapping of it never raises SIGBUS on a full disk.
///
/// The descriptor lies high, out of the way of the program's own numbers. A program may close descriptors that are not
/// its own (daemons do): each use checks that it is still this file, and opens it again by its path otherwise.
#[derive(Debug)]
pub struct CaptureFile {
    descriptor: i32,
    device: u64,
    inode: u64,
    path: OwnPath,
    length: u64,
    is_hidden: bool,
    /// The file system cannot keep blocks for what is written later.
    is_written_at_once: bool,
}

impl CaptureFile {
    /// Creates the file anew. A file of the same name is unlinked, not emptied: another process may have it mapped.
    pub fn create(path: &CStr) -> Result<Self, i32> {
        let _errno = ErrnoKept::new();
        let own_path = OwnPath::of(path)?;
        let descriptor = create_new(path)?;
        let Some((device, inode)) = identity(descriptor) else {
            return Err(errno::current());
        };
        Ok(Self {
            descriptor: moved_high(descriptor),
            device,
            inode,
            path: own_path,
            length: 0,
            is_hidden: false,
            is_written_at_once: false,
        })
    }

    /// Adds `bytes` to the end of the file, backed by disk, zeroed; returns where they start.
    pub fn extend(&mut self, bytes: usize) -> Result<u64, StopReason> {
        let _errno = ErrnoKept::new();
        let descriptor = self.usable_descriptor()?;
        let offset = self.length;
        let end = offset.checked_add(bytes as u64).ok_or(StopReason::CaptureFull)?;
        if end > file_size_limit() {
            return Err(StopReason::StorageFull);
        }
        let allocated = self.allocate(descriptor, offset, bytes);
        self.close_if_hidden();
        allocated?;
        self.length = end;
        Ok(offset)
    }

    /// Writes what is there already to a part of the file that nobody has written to, so that the kernel has it in memory.
    /// In vain is no harm.
    pub fn write_zeros(&mut self, start: u64, end: u64) {
        let _errno = ErrnoKept::new();
        if self.is_written_at_once || end > file_size_limit() {
            return;
        }
        let (Ok(descriptor), Ok(bytes)) = (self.usable_descriptor(), usize::try_from(end - start))
        else {
            return;
        };
        let _ = write_zeros(descriptor, start, bytes);
        self.close_if_hidden();
    }

    /// Maps a part of the file, shared and writable, where the kernel likes.
    pub fn map(&mut self, offset: u64, bytes: usize) -> Result<NonNull<u8>, StopReason> {
        // SAFETY: without MAP_FIXED no existing mapping is touched.
        unsafe { self.map_with(ptr::null_mut(), offset, bytes, 0) }
    }

    /// Maps a part of the file at `address`.
    ///
    /// # Safety
    /// `address .. address + bytes` lies in a reservation of the caller's that holds nothing yet.
    pub unsafe fn map_at(
        &mut self,
        address: NonNull<u8>,
        offset: u64,
        bytes: usize,
    ) -> Result<(), StopReason> {
        // SAFETY: the caller owns the address range, so MAP_FIXED replaces nothing of anybody else's.
        unsafe { self.map_with(address.as_ptr(), offset, bytes, libc::MAP_FIXED) }.map(|_| ())
    }

    /// # Safety
    /// With `MAP_FIXED` in `flags` the address range is the caller's to replace.
    unsafe fn map_with(
        &mut self,
        address: *mut u8,
        offset: u64,
        bytes: usize,
        flags: i32,
    ) -> Result<NonNull<u8>, StopReason> {
        let _errno = ErrnoKept::new();
        let descriptor = self.usable_descriptor()?;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | flags;
        // SAFETY: the descriptor is open on our file; the caller vouches for the address.
        let mapped = unsafe {
            libc::mmap(address.cast(), bytes, protection, flags, descriptor, offset.cast_signed())
        };
        self.close_if_hidden();
        if mapped == libc::MAP_FAILED { Err(StopReason::StorageFailed) } else { non_null(mapped) }
    }

    /// Whether `path` leads to this file.
    pub fn is_at(&self, path: &CStr) -> bool {
        let mut found = MaybeUninit::<libc::stat>::uninit();
        // SAFETY: `path` is a C string and `found` has room for the answer.
        if unsafe { libc::stat(path.as_ptr(), found.as_mut_ptr()) } != 0 {
            return false;
        }
        // SAFETY: stat succeeded, so it filled the answer.
        let found = unsafe { found.assume_init() };
        (found.st_dev, found.st_ino) == (self.device, self.inode)
    }

    /// The open file under a descriptor of its own.
    pub fn duplicate(&mut self) -> Result<File, StopReason> {
        let descriptor = self.usable_descriptor()?;
        // SAFETY: the descriptor is open, and borrowed for this call only.
        let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
        borrowed.try_clone_to_owned().map(File::from).map_err(|_| StopReason::StorageFailed)
    }

    /// Cuts the file to `length`. No mapping may be used beyond it afterwards.
    pub fn cut(&mut self, length: u64) {
        let _errno = ErrnoKept::new();
        if let Ok(descriptor) = self.usable_descriptor() {
            // SAFETY: a plain system call on our own file. A failure leaves a longer file, which is as readable.
            unsafe { libc::ftruncate(descriptor, length.cast_signed()) };
            self.close_if_hidden();
        }
    }

    /// From now on there is a descriptor only while it is used: the program finds none among its own. The file cannot
    /// grow any more where it may not be opened again.
    pub fn hide(&mut self) {
        let _errno = ErrnoKept::new();
        self.is_hidden = true;
        self.close_if_hidden();
    }

    fn allocate(&mut self, descriptor: i32, offset: u64, bytes: usize) -> Result<(), StopReason> {
        let (at, length) = (offset.cast_signed(), bytes.cast_signed() as i64);
        // SAFETY: a plain system call on our own file.
        while unsafe { libc::fallocate(descriptor, 0, at, length) } != 0 {
            match errno::current() {
                libc::EINTR => {}
                libc::EOPNOTSUPP | libc::ENOSYS => {
                    self.is_written_at_once = true;
                    return write_zeros(descriptor, offset, bytes);
                }
                refused => return Err(storage_reason(refused)),
            }
        }
        Ok(())
    }

    fn close_if_hidden(&mut self) {
        if self.is_hidden && identity(self.descriptor) == Some((self.device, self.inode)) {
            // SAFETY: the descriptor is ours, and its number is forgotten.
            unsafe { libc::close(self.descriptor) };
            self.descriptor = -1;
        }
    }

    /// Closes the descriptor if it is still this file's.
    pub fn close(self) {
        let _errno = ErrnoKept::new();
        if identity(self.descriptor) == Some((self.device, self.inode)) {
            // SAFETY: the descriptor is ours, and `self` is gone afterwards.
            unsafe { libc::close(self.descriptor) };
        }
    }

    fn usable_descriptor(&mut self) -> Result<i32, StopReason> {
        let expected = Some((self.device, self.inode));
        if identity(self.descriptor) == expected {
            return Ok(self.descriptor);
        }
        let path = self.path.as_c_str();
        // SAFETY: `path` is a C string.
        let opened = unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        if opened < 0 {
            return Err(StopReason::StorageFailed);
        }
        if identity(opened) != expected {
            // SAFETY: just opened here.
            unsafe { libc::close(opened) };
            return Err(StopReason::StorageFailed);
        }
        self.descriptor = moved_high(opened);
        Ok(self.descriptor)
    }
}

fn create_new(path: &CStr) -> Result<i32, i32> {
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
    // SAFETY: `path` is a C string; the mode is passed as open(2) wants it.
    let open = || unsafe { libc::open(path.as_ptr(), flags, 0o644) };
    let mut descriptor = open();
    if descriptor < 0 && errno::current() == libc::EEXIST && is_replaceable(path) {
        // SAFETY: `path` is a C string.
        unsafe { libc::unlink(path.as_ptr()) };
        descriptor = open();
    }
    if descriptor < 0 { Err(errno::current()) } else { Ok(descriptor) }
}

/// Regular files and links are replaced; devices, sockets and folders are not ours to unlink.
fn is_replaceable(path: &CStr) -> bool {
    let mut found = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `path` is a C string and `found` has room for the answer.
    if unsafe { libc::lstat(path.as_ptr(), found.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: lstat succeeded, so it filled the answer.
    let mode = unsafe { found.assume_init() }.st_mode & libc::S_IFMT;
    mode == libc::S_IFREG || mode == libc::S_IFLNK
}

/// Device and inode of an open descriptor.
fn identity(descriptor: i32) -> Option<(u64, u64)> {
    let mut found = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `found` has room for the answer; a bad descriptor is an error, not undefined.
    if unsafe { libc::fstat(descriptor, found.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: fstat succeeded, so it filled the answer.
    let found = unsafe { found.assume_init() };
    Some((found.st_dev, found.st_ino))
}

/// The same open file under a number that programs do not count on; the given one where there is none.
fn moved_high(descriptor: i32) -> i32 {
    let limit = soft_limit(libc::RLIMIT_NOFILE).min(1024);
    let lowest = i32::try_from(limit.saturating_sub(32)).unwrap_or(descriptor);
    // SAFETY: duplicates a descriptor that this module owns.
    let high = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, lowest) };
    if high < 0 {
        return descriptor;
    }
    // SAFETY: the low number is ours and no longer needed.
    unsafe { libc::close(descriptor) };
    high
}

/// Beyond this size the kernel would send SIGXFSZ.
fn file_size_limit() -> u64 {
    soft_limit(libc::RLIMIT_FSIZE)
}

/// A resource limit of this process; the largest number where there is none.
pub fn soft_limit(resource: libc::__rlimit_resource_t) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: u64::MAX, rlim_max: u64::MAX };
    // SAFETY: `limit` is filled by the kernel or left as it is.
    unsafe { libc::getrlimit(resource, &raw mut limit) };
    limit.rlim_cur
}

/// Many pieces in one system call, all from one page.
fn write_zeros(descriptor: i32, offset: u64, bytes: usize) -> Result<(), StopReason> {
    static ZEROS: [u8; 4096] = [0; 4096];
    let piece = libc::iovec { iov_base: ZEROS.as_ptr().cast_mut().cast(), iov_len: ZEROS.len() };
    let mut written = 0;
    while written < bytes {
        let mut pieces = [piece; 64];
        let left = bytes - written;
        let count = left.div_ceil(ZEROS.len()).min(pieces.len());
        pieces[count - 1].iov_len = (left - (count - 1) * ZEROS.len()).min(ZEROS.len());
        let at = (offset + written as u64).cast_signed();
        // By the system call alone: the C library's function is a point where a thread may be cancelled.
        // SAFETY: the first `count` pieces lie within `ZEROS`, which is only read; the offset's upper half is in the
        // lower one's register.
        let count =
            unsafe { libc::syscall(libc::SYS_pwritev, descriptor, pieces.as_ptr(), count, at, 0) };
        match usize::try_from(count) {
            Ok(count) => written += count,
            Err(_) if errno::current() == libc::EINTR => {}
            Err(_) => return Err(storage_reason(errno::current())),
        }
    }
    Ok(())
}

fn storage_reason(errno: i32) -> StopReason {
    match errno {
        libc::ENOSPC | libc::EDQUOT | libc::EFBIG => StopReason::StorageFull,
        _ => StopReason::StorageFailed,
    }
}

fn non_null(address: *mut libc::c_void) -> Result<NonNull<u8>, StopReason> {
    NonNull::new(address.cast()).ok_or(StopReason::StorageFailed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    fn file_in(folder: &std::path::Path) -> CaptureFile {
        let path = CString::new(folder.join("a.capture").as_os_str().as_bytes()).unwrap();
        CaptureFile::create(&path).unwrap()
    }

    #[test]
    fn the_descriptor_lies_out_of_the_programs_way() {
        let folder = tempfile::tempdir().unwrap();
        assert!(file_in(folder.path()).descriptor > 200);
    }

    #[test]
    fn a_hidden_file_has_no_descriptor_and_grows() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = file_in(folder.path());
        file.hide();
        assert_eq!((file.extend(4096), file.extend(4096)), (Ok(0), Ok(4096)));
        assert!(file.map(0, 4096).is_ok());
        assert_eq!(file.descriptor, -1);
        file.cut(4096);
        assert_eq!(std::fs::metadata(folder.path().join("a.capture")).unwrap().len(), 4096);
    }

    #[test]
    fn a_descriptor_closed_by_the_program_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = file_in(folder.path());
        file.extend(4096).unwrap();
        // SAFETY: the test takes the program's part; nobody else uses the number meanwhile.
        unsafe { libc::close(file.descriptor) };
        assert_eq!(file.extend(4096), Ok(4096));
        assert_eq!(std::fs::metadata(folder.path().join("a.capture")).unwrap().len(), 8192);
    }

    /// Runs the ignored test below in a process of its own, which SIGXFSZ would end.
    #[test]
    fn a_program_that_limits_its_files_is_not_ended_by_what_is_written_ahead() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "raw::file::tests::writes_ahead_of_a_limit", "--ignored"])
            .status()
            .unwrap();
        assert!(status.success());
    }

    #[test]
    #[ignore = "the other half of a_program_that_limits_its_files"]
    fn writes_ahead_of_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = file_in(folder.path());
        file.extend(8192).unwrap();
        let limit = libc::rlimit { rlim_cur: 4096, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the limit is a valid one, and this process is the test's own.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
        file.write_zeros(4096, 8192);
        assert_eq!(file.extend(4096), Err(StopReason::StorageFull));
    }

    #[test]
    fn a_deleted_file_whose_descriptor_was_taken_over_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = file_in(folder.path());
        std::fs::remove_file(folder.path().join("a.capture")).unwrap();
        assert_eq!(file.extend(4096), Ok(0));
        let other = std::fs::File::create(folder.path().join("other")).unwrap();
        // SAFETY: both numbers are open; the test takes the part of a program that reuses descriptors.
        unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&other), file.descriptor) };
        assert_eq!(file.extend(4096), Err(StopReason::StorageFailed));
        assert_eq!(other.metadata().unwrap().len(), 0);
    }
}
