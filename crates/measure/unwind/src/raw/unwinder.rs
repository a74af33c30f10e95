use super::loaded_object::{LoadedObject, ObjectFinder};
use super::stack::Stack;
use crate::call_frames::rule_at;
use crate::rule::{CachedRule, FrameEnd, Rule, SavedFramePointer};
use libc::c_void;
use std::arch::asm;

/// 2^64 divided by the golden ratio: spreads addresses over a cache.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
const RETURN_ADDRESS_BYTES: usize = 8;

/// One function that is being executed, with the registers that it has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackFrame {
    /// Where it will go on.
    pub instruction: usize,
    /// Where its frame begins: everything below is its callees'.
    pub stack_pointer: usize,
    frame_pointer: usize,
    /// Whether it is in the middle of a call, so that `instruction` may already be another function's.
    is_caller: bool,
}

impl StackFrame {
    /// The function that this is inlined into.
    #[inline(always)]
    #[must_use]
    #[expect(clippy::inline_always, reason = "the registers must be the caller's")]
    pub fn here() -> Self {
        let (instruction, stack_pointer, frame_pointer);
        // SAFETY: copies registers.
        unsafe {
            asm!(
                "lea {instruction}, [rip]",
                "mov {stack_pointer}, rsp",
                "mov {frame_pointer}, rbp",
                instruction = out(reg) instruction,
                stack_pointer = out(reg) stack_pointer,
                frame_pointer = out(reg) frame_pointer,
                options(nomem, nostack, preserves_flags),
            );
        }
        Self { instruction, stack_pointer, frame_pointer, is_caller: false }
    }

    /// An address of the call that it is executing.
    #[must_use]
    pub fn call_address(&self) -> usize {
        if self.is_caller { self.instruction.wrapping_sub(1) } else { self.instruction }
    }
}

/// What lies outside a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The frame of its caller, whose stack pointer is where the callee's frame ends.
    Frame(StackFrame),
    /// Nothing: the thread began here.
    Outermost,
    /// It cannot be told: code without tables, or a stack that is not the thread's own.
    Lost,
}

/// This C library cannot tell which object an address belongs to without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("native stacks need glibc 2.35 or later")]
pub struct NoUnwinder;

/// Goes from a frame of the calling thread to its caller.
#[derive(Clone, Copy, Debug)]
pub struct Unwinder {
    finder: ObjectFinder,
    main_stack_end: usize,
}

impl Unwinder {
    /// # Errors
    /// Where the C library is too old.
    pub fn find() -> Result<Self, NoUnwinder> {
        let finder = ObjectFinder::new().ok_or(NoUnwinder)?;
        // SAFETY: the name is a C string.
        let word = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__libc_stack_end".as_ptr()) };
        if word.is_null() {
            return Err(NoUnwinder);
        }
        // SAFETY: a pointer that the dynamic linker sets before the program begins.
        let main_stack_end = unsafe { *word.cast::<*const c_void>() } as usize;
        Ok(Self { finder, main_stack_end })
    }

    /// The object that the code at `address` is part of.
    #[must_use]
    pub fn object_at(&self, address: usize) -> Option<LoadedObject> {
        self.finder.object_at(address)
    }

    /// The caller of `frame`, which is a frame of the calling thread's present stack. `cache` must not be empty, and is
    /// of this process.
    #[inline]
    #[must_use]
    pub fn caller(&self, frame: &StackFrame, cache: &mut [CachedRule]) -> Caller {
        let rule = self.rule(frame.call_address(), cache);
        match rule.end {
            FrameEnd::Unknown => return Caller::Lost,
            FrameEnd::NoCaller => return Caller::Outermost,
            _ => {}
        }
        let Some(stack) = Stack::of_this_thread(self.main_stack_end, frame.stack_pointer) else {
            return Caller::Lost;
        };
        apply(rule, frame, &stack).map_or(Caller::Lost, |caller| match caller.instruction {
            0 => Caller::Outermost,
            _ => Caller::Frame(caller),
        })
    }

    #[inline]
    fn rule(&self, address: usize, cache: &mut [CachedRule]) -> Rule {
        let place = ((address as u64).wrapping_mul(SPREAD) >> 32) as usize % cache.len();
        let cached = &mut cache[place];
        if cached.address != address {
            *cached = CachedRule { address, rule: self.look_up_rule(address) };
        }
        cached.rule
    }

    #[cold]
    fn look_up_rule(&self, address: usize) -> Rule {
        match self.finder.object_at(address) {
            Some(object) if object.eh_frame_header != 0 => {
                rule_at(address, object.eh_frame_header, |from| object.bytes_from(from))
            }
            _ => Rule::UNKNOWN,
        }
    }
}

/// The registers that `rule` gives; `None` where it leads off the stack, or not outwards.
#[inline]
fn apply(rule: Rule, frame: &StackFrame, stack: &Stack) -> Option<StackFrame> {
    let word = |address: usize| stack.word(address, frame.stack_pointer);
    let frame_pointer = frame.frame_pointer;
    let offset = rule.end_offset as isize;
    let end = match rule.end {
        FrameEnd::FromStackPointer => frame.stack_pointer.wrapping_add_signed(offset),
        FrameEnd::FromFramePointer => frame_pointer.wrapping_add_signed(offset),
        FrameEnd::StoredAtFramePointer => word(frame_pointer.wrapping_add_signed(offset))?,
        FrameEnd::Unknown | FrameEnd::NoCaller => return None,
    };
    if end <= frame.stack_pointer {
        return None;
    }
    let offset = isize::from(rule.saved_offset);
    Some(StackFrame {
        instruction: word(end.wrapping_sub(RETURN_ADDRESS_BYTES))?,
        stack_pointer: end,
        frame_pointer: match rule.saved {
            SavedFramePointer::InRegister => frame_pointer,
            SavedFramePointer::AtFrameEnd => word(end.wrapping_add_signed(offset))?,
            SavedFramePointer::AtFramePointer => word(frame_pointer.wrapping_add_signed(offset))?,
        },
        is_caller: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The instructions of all frames from `start` outwards, and how the stack ended.
    fn walk(start: StackFrame) -> (Vec<usize>, Caller) {
        let unwinder = Unwinder::find().unwrap();
        let mut cache = [CachedRule::EMPTY; 64];
        let (mut frame, mut found) = (start, Vec::new());
        loop {
            match unwinder.caller(&frame, &mut cache) {
                Caller::Frame(caller) => frame = caller,
                end => return (found, end),
            }
            found.push(frame.instruction);
        }
    }

    #[inline(never)]
    fn nested(depth: usize) -> (Vec<usize>, Caller) {
        let deeper = if depth == 0 { walk(StackFrame::here()) } else { nested(depth - 1) };
        std::hint::black_box(deeper)
    }

    #[test]
    fn every_call_of_a_recursion_is_a_frame() {
        let counts = [3, 40].map(|depth| {
            let (found, end) = nested(depth);
            assert_eq!(end, Caller::Outermost);
            found.len()
        });
        assert_eq!(counts[1] - counts[0], 37);
    }

    #[test]
    fn a_thread_begins_where_it_was_started() {
        let (found, end) = std::thread::spawn(|| nested(2)).join().unwrap();
        assert!(found.len() > 4);
        assert_eq!(end, Caller::Outermost);
    }

    #[test]
    fn a_wild_register_ends_the_stack() {
        let here = StackFrame::here();
        for stack_pointer in
            [0, 8, here.stack_pointer + 1, here.stack_pointer - (1 << 40), usize::MAX - 7]
        {
            assert_eq!(
                walk(StackFrame { stack_pointer, ..here }).1,
                Caller::Lost,
                "{stack_pointer:x}"
            );
        }
        assert_eq!(walk(StackFrame { instruction: 8, ..here }), (Vec::new(), Caller::Lost));
    }

    #[test]
    fn a_frame_that_somebody_else_overwrote_leads_nowhere_else() {
        // What the rules find on this stack is this stack's own addresses, or no stack at all.
        let here = StackFrame::here();
        for offset in (0..4096).step_by(8) {
            let stack_pointer = here.stack_pointer + offset;
            let (_, end) = walk(StackFrame { stack_pointer, ..here });
            assert!(matches!(end, Caller::Lost | Caller::Outermost));
        }
    }
}
