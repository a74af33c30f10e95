use crate::mapping::MappingReader;
use std::arch::{asm, global_asm};
use std::ops::Range;

// Where this thread's stack lies, found out once per thread: two words at a fixed distance from its thread pointer, as
// a thread-local variable of a library that is loaded later may have to be allocated first.
global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 16",
    ".globl lowtide_stack_range",
    ".hidden lowtide_stack_range",
    ".type lowtide_stack_range, @object",
    ".size lowtide_stack_range, 16",
    "lowtide_stack_range: .zero 16",
    ".popsection",
);

/// The kernel keeps at least as much below the main thread's stack free of other mappings (`MIN_GAP` in mm/util.c).
const MAIN_STACK_BYTES: usize = 128 << 20;
const WORD_BYTES: usize = size_of::<usize>();

/// The addresses of one thread's stack: from where it may grow to, up to its outermost word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stack {
    low: usize,
    high: usize,
}

impl Stack {
    /// No address is on it, and `high` says that it need not be looked for again.
    const UNKNOWN: Self = Self { low: usize::MAX, high: usize::MAX };

    /// The stack that `stack_pointer` of this thread is on; `None` if it is not the thread's own: a signal's, or a
    /// coroutine's.
    pub(super) fn of_this_thread(main_stack_end: usize, stack_pointer: usize) -> Option<Self> {
        let place = range_place();
        // SAFETY: this thread's own storage of two words, zero at first, that nobody else touches.
        let mut range = unsafe { *place };
        if range.high == 0 {
            range = find(main_stack_end, stack_pointer);
            // SAFETY: as above.
            unsafe { *place = range };
        }
        (range.low..range.high).contains(&stack_pointer).then_some(range)
    }

    /// The word at `address`, if that is on the stack and not below `stack_pointer`.
    #[inline]
    pub(super) fn word(&self, address: usize, stack_pointer: usize) -> Option<usize> {
        let is_live = address >= stack_pointer && address <= self.high - WORD_BYTES;
        if !is_live || !address.is_multiple_of(WORD_BYTES) {
            return None;
        }
        // SAFETY: from the stack pointer to the end of the stack every word is mapped; it is this thread's own.
        Some(unsafe { (address as *const usize).read() })
    }
}

fn range_place() -> *mut Stack {
    let place: *mut Stack;
    // SAFETY: computes the address of this thread's static thread-local storage, which the symbol above reserves.
    unsafe {
        asm!(
            "mov {place}, qword ptr [rip + lowtide_stack_range@GOTTPOFF]",
            "add {place}, qword ptr fs:[0]",
            place = out(reg) place,
            options(nostack, readonly, pure),
        );
    }
    place
}

#[cold]
fn find(main_stack_end: usize, stack_pointer: usize) -> Stack {
    let main = Stack { low: main_stack_end.saturating_sub(MAIN_STACK_BYTES), high: main_stack_end };
    if (main.low..main.high).contains(&stack_pointer) {
        return main;
    }
    // The C library puts a thread's control block at the end of its stack. It would tell more, but only with a lock, and
    // with memory that it asks for.
    let high = thread_pointer();
    match readable_mapping_of(stack_pointer) {
        Some(mapping) if mapping.contains(&high) && stack_pointer < high => {
            Stack { low: mapping.start, high }
        }
        _ => Stack::UNKNOWN,
    }
}

fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: the x86-64 ABI keeps the thread pointer itself in the first word of the thread's storage.
    unsafe {
        asm!("mov {pointer}, qword ptr fs:[0]", pointer = out(reg) pointer, options(nostack, readonly, pure));
    }
    pointer
}

/// By system calls alone: the C library's functions are points where a thread may be cancelled.
fn readable_mapping_of(address: usize) -> Option<Range<usize>> {
    // SAFETY: the path is a C string; `errno` is this thread's own.
    unsafe {
        let errno = *libc::__errno_location();
        let flags = libc::O_RDONLY | libc::O_CLOEXEC;
        let file =
            libc::syscall(libc::SYS_openat, libc::AT_FDCWD, c"/proc/self/maps".as_ptr(), flags);
        let found = if file < 0 { None } else { search(file, address) };
        if file >= 0 {
            libc::syscall(libc::SYS_close, file);
        }
        *libc::__errno_location() = errno;
        found
    }
}

fn search(file: libc::c_long, address: usize) -> Option<Range<usize>> {
    let mut reader = MappingReader::default();
    let mut room = [0_u8; 2048];
    loop {
        // SAFETY: the room is as long as said.
        let read = unsafe { libc::syscall(libc::SYS_read, file, room.as_mut_ptr(), room.len()) };
        let bytes = room.get(..usize::try_from(read).ok().filter(|&read| read > 0)?)?;
        let mut mappings = bytes.iter().filter_map(|&byte| reader.take(byte));
        if let Some(found) = mappings.find(|mapping| mapping.contains(&address)) {
            return Some(found);
        }
    }
}
