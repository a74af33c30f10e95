//! What hooked functions report: a block came, goes, or moved.

use super::entered::{self, Entered};
use super::fast_path;
use super::gate::Shut;
use super::interpreter;
use super::mapped_ranges::Mapping;
use super::only_thread;
use super::origin::Origin;
use super::recording::{Family, Recording};
use super::sampling;
use super::session;
use super::shadow::Block;
use super::thread;
use lowtide_capture::StopReason;
use std::ffi::c_void;

/// What is known of a caller.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) holds_gil: bool,
    /// 0: it has none.
    pub(super) thread_state: usize,
}

impl Caller {
    #[inline]
    fn new<const HAS_GIL: bool>() -> Self {
        let current = interpreter::current_thread_state();
        if HAS_GIL || current != 0 && interpreter::knows_own_only() {
            return Self { holds_gil: true, thread_state: current };
        }
        let own = interpreter::own_thread_state();
        Self { holds_gil: own != 0 && own == current, thread_state: own }
    }

    #[inline]
    fn enter(self) -> Option<Entered> {
        if !self.holds_gil {
            return enter_without_gil();
        }
        if interpreter::is_foreign(self.thread_state) {
            stop_for_second_interpreter();
            return None;
        }
        match entered::enter_with_gil() {
            Ok(entered) => Some(entered),
            Err(Shut::Closed) => {
                // SAFETY: this thread holds the GIL.
                unsafe { session::passed_by() };
                None
            }
            // SAFETY: this thread holds the GIL.
            Err(Shut::Forked) => unsafe { session::restart_in_child() },
        }
    }
}

impl Caller {
    /// `range` is a start and bytes.
    fn map(self, entered: &mut Entered, range: (usize, usize), mapping: Mapping) {
        let (start, end) = (range.0, end_of(range.0, range.1));
        entered.unmapped(start, end);
        match mapping {
            // SAFETY: the thread state is that of this thread.
            Mapping::Heap => unsafe { entered.mapped(start, end, self.thread_state) },
            // SAFETY: as above.
            Mapping::SharedHeap => unsafe {
                entered.shared_mapped(start, end, self.thread_state);
            },
            Mapping::Reserved => entered.reserved(start, end),
            Mapping::File => entered.file_mapped(start, end),
        }
    }
}

/// What only helps to tell whose memory is whose begins no recording, and ends none.
fn enter_if_recording(caller: Caller) -> Option<Entered> {
    if thread::is_inside() {
        return None;
    }
    if !caller.holds_gil {
        return enter_without_gil();
    }
    if interpreter::is_foreign(caller.thread_state) {
        return None;
    }
    entered::enter_with_gil().ok()
}

/// What holding the GIL is good for, being the only thread is as well.
#[inline]
fn enter_without_gil() -> Option<Entered> {
    let is_alone = only_thread::is_alone();
    let entered = if is_alone { entered::enter_with_gil() } else { entered::enter_without_gil() };
    entered.ok()
}

/// Two interpreters with a GIL each would both pass as its only holder.
#[cold]
fn stop_for_second_interpreter() {
    if let Ok(mut entered) = entered::enter_without_gil() {
        entered.doubt(StopReason::SecondInterpreter);
    }
}

/// Calls what allocates a block of so many bytes, and records it if it is there. `HAS_GIL` promises that the caller holds
/// the GIL; without it that is found out.
#[inline]
pub(super) fn allocated<const HAS_GIL: bool>(
    call: impl FnOnce() -> *mut c_void,
    bytes: usize,
    family: Family,
) -> *mut c_void {
    // Decided before, so that nothing is left to do afterwards for a block that is not sampled. Points are independent of
    // each other: one that falls on bytes which are not to be had changes nothing for others.
    if sampling::is_short_of_point(bytes) {
        call()
    } else {
        reached::<HAS_GIL>(call, bytes, family)
    }
}

/// It does not unwind, so that who calls it last need not come back.
#[inline(never)]
extern "C" fn reached<const HAS_GIL: bool>(
    call: impl FnOnce() -> *mut c_void,
    bytes: usize,
    family: Family,
) -> *mut c_void {
    let is_due = sampling::is_hit(bytes);
    let block = call();
    if is_due && !block.is_null() {
        record::<HAS_GIL>(block as usize, bytes, family);
    }
    block
}

#[inline]
fn record<const HAS_GIL: bool>(address: usize, bytes: usize, family: Family) {
    if fast_path::is_recorded_outside(address, bytes, family) {
        return;
    }
    let caller = Caller::new::<HAS_GIL>();
    if let Some(mut entered) = caller.enter() {
        // SAFETY: the thread state is that of this thread.
        unsafe { entered.allocated(address, bytes, caller.thread_state, family) };
    }
}

/// Whether the block at `address` may be recorded.
#[inline]
pub(super) fn may_know(address: usize) -> bool {
    sampling::may_hold(address)
}

/// The block at `address` is about to be freed; how many bytes it has, if it is recorded.
pub(super) fn about_to_free<const HAS_GIL: bool>(address: usize) -> Option<usize> {
    if let Some(bytes) = fast_path::forgotten_outside(address) {
        return Some(bytes);
    }
    let caller = Caller::new::<HAS_GIL>();
    let mut entered = caller.enter()?;
    let block = entered.take(address)?;
    if caller.holds_gil {
        entered.census_before_fall(address, block);
    }
    entered.freed(address, block);
    Some(block.bytes as usize)
}

/// A block that is being moved, and the recording that knows it: without the GIL another may begin meanwhile.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Moving {
    pub(super) address: usize,
    pub(super) block: Block,
    pub(super) recording: u32,
}

impl Moving {
    pub(super) fn known_to(self, recording: &Recording) -> Option<Block> {
        (self.recording == recording.number()).then_some(self.block)
    }
}

/// The block at `address` is about to be moved: pass what this returns to `moved` or `not_moved`.
#[inline]
pub(super) fn about_to_move<const HAS_GIL: bool>(address: usize) -> Option<Moving> {
    if !sampling::may_hold(address) {
        return None;
    }
    let mut entered = Caller::new::<HAS_GIL>().enter()?;
    let block = entered.take(address)?;
    Some(Moving { address, block, recording: entered.number() })
}

/// What was `old` is now at `address`: one event, so that a peak never counts both.
#[inline]
pub(super) fn moved<const HAS_GIL: bool>(
    old: Option<Moving>,
    address: usize,
    bytes: usize,
    family: Family,
) {
    if !sampling::is_due(bytes) {
        return gone::<HAS_GIL>(old);
    }
    let caller = Caller::new::<HAS_GIL>();
    let Some(mut entered) = caller.enter() else { return };
    if let Some((old, block)) = old.and_then(|old| Some((old, old.known_to(&entered)?))) {
        entered.freed(old.address, block);
    }
    // SAFETY: the thread state is that of this thread.
    unsafe { entered.allocated(address, bytes, caller.thread_state, family) };
}

/// The block stayed where it was.
#[cold]
pub(super) fn not_moved<const HAS_GIL: bool>(old: Option<Moving>, address: usize) {
    if let (Some(old), Some(mut entered)) = (old, Caller::new::<HAS_GIL>().enter())
        && let Some(block) = old.known_to(&entered)
    {
        entered.put_back(address, block);
    }
}

/// The block taken by `about_to_move` was freed instead, or is not recorded where it is now.
pub(super) fn gone<const HAS_GIL: bool>(old: Option<Moving>) {
    if let (Some(old), Some(mut entered)) = (old, Caller::new::<HAS_GIL>().enter())
        && let Some(block) = old.known_to(&entered)
    {
        entered.freed(old.address, block);
    }
}

/// Of mappings; the same on every x86-64.
pub(super) const PAGE_BYTES: usize = 4096;

/// `bytes` were mapped at `start`, over whatever was there.
pub(super) fn mapped(start: usize, bytes: usize, mapping: Mapping) {
    let caller = Caller::new::<false>();
    if let Some(mut entered) = caller.enter() {
        caller.map(&mut entered, (start, bytes), mapping);
    }
}

/// Whatever is mapped in these `bytes` is about to go.
pub(super) fn about_to_unmap(start: usize, bytes: usize) {
    if let Some(mut entered) = Caller::new::<false>().enter() {
        entered.unmapped(start, end_of(start, bytes));
    }
}

/// Reserved addresses became memory.
pub(super) fn made_usable(start: usize, bytes: usize) {
    let caller = Caller::new::<false>();
    if let Some(mut entered) = caller.enter() {
        // SAFETY: the thread state is that of this thread.
        unsafe { entered.made_usable(start, end_of(start, bytes), caller.thread_state) };
    }
}

/// The `old` mapping was moved or resized to `new`, each a start and bytes: free and new, as with realloc. Whether it
/// `stays` where it was as well.
pub(super) fn remapped(old: (usize, usize), new: (usize, usize), stays: bool) {
    let caller = Caller::new::<false>();
    let Some(mut entered) = caller.enter() else { return };
    if let Some(mapping) = entered.unmapped(old.0, end_of(old.0, old.1)) {
        caller.map(&mut entered, new, mapping);
        if stays {
            caller.map(&mut entered, old, mapping);
        }
    }
}

fn end_of(start: usize, bytes: usize) -> usize {
    start + bytes.next_multiple_of(PAGE_BYTES)
}

/// This thread is about to let go of the GIL; `stack` is an address on its stack. Where it is the only one, nobody asks for
/// memory meanwhile: it is noted when it creates another.
#[inline]
pub(super) fn about_to_wait(stack: usize) {
    if !only_thread::is_alone() {
        note_wait(stack);
    }
}

#[inline(never)]
fn note_wait(stack: usize) {
    let caller = Caller::new::<true>();
    if let Some(mut entered) = enter_if_recording(caller) {
        // SAFETY: the thread state is that of this thread.
        unsafe { entered.about_to_wait(stack, caller.thread_state) };
    }
}

/// This thread has the GIL again.
#[inline]
pub(super) fn waited() {
    // Most often it did not wait for long, and never again: only what was noted must be crossed out.
    if thread::wait() != 0 {
        cross_wait_out();
    }
}

#[inline(never)]
fn cross_wait_out() {
    if let Some(mut entered) = enter_if_recording(Caller::new::<true>()) {
        entered.waited();
    }
}

/// What a thread is to know that this one creates; `None` when nothing is recorded. `stack` is an address on the stack of
/// this one.
pub(super) fn origin_of_new_thread(is_of_python: bool, stack: usize) -> Option<Origin> {
    let caller = Caller::new::<false>();
    let mut entered = enter_if_recording(caller)?;
    if caller.thread_state != 0 && !caller.holds_gil && thread::wait() == 0 {
        // SAFETY: the thread state is that of this thread.
        unsafe { entered.about_to_wait(stack, caller.thread_state) };
    }
    // SAFETY: the thread state is that of this thread.
    Some(unsafe { entered.origin_of_new_thread(is_of_python, caller.thread_state) })
}
