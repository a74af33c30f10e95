use std::arch::{asm, global_asm};
use std::mem::MaybeUninit;

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
    if (main.low..main.high).contains(&stack_pointer) { main } else { as_created() }
}

/// What the thread was created with. An empty range when that cannot be found out.
fn as_created() -> Stack {
    // No address is on it, and `high` says that it need not be looked for again.
    const NONE: Stack = Stack { low: usize::MAX, high: usize::MAX };
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut low, mut bytes) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are written by the first call and used only if it succeeded; `errno` is this thread's own.
    unsafe {
        let errno = *libc::__errno_location();
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return NONE;
        }
        let status = libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut low, &raw mut bytes);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        *libc::__errno_location() = errno;
        if status == 0 { Stack { low: low as usize, high: low as usize + bytes } } else { NONE }
    }
}
