//! `--native`: from a thread's whole stack, native frames between Python frames, to a node of the call tree.
//!
//! A run of the evaluation loop is not a frame of its own: the Python frames that it executes stand in its place. What
//! lies outside the outermost Python frame is how Python was started, and is left out; a thread without Python frames
//! has all its native frames.

use super::module_table::ModuleTable;
use super::nodes::Nodes;
use super::own_memory::OwnArray;
use super::stack::NodeOfFrame;
use super::thread;
use lowtide_capture::StopReason;
use lowtide_cpython::{Evaluations, FrameAddress, Layout};
use lowtide_unwind::{CachedRule, Caller, LoadedObject, NoUnwinder, StackFrame, Unwinder};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const FIRST_CAPACITY: usize = 256;
/// Threads share these by their thread pointer: a collision costs time, not truth.
const LAST_STACKS: usize = 64;
const RULES: usize = 1 << 13;
const MEMO_BITS: u32 = 14;
/// 2^64 divided by the golden ratio, see `AddressMap`.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Tells native positions from those of Python frames: no address of a process has it.
const IS_NATIVE: u64 = 1 << 63;
/// The position of what could not be followed further out.
const LOST: u64 = IS_NATIVE;

/// Moved on when objects are loaded or unloaded: an address may be another function's from then on.
static OBJECTS_CHANGED: AtomicUsize = AtomicUsize::new(0);

/// Found once: a forked child must not wait for the dynamic linker.
static UNWINDER: OnceLock<Unwinder> = OnceLock::new();

/// Whether recordings that begin from now on are to have native frames.
static IS_WANTED: AtomicBool = AtomicBool::new(false);

/// Whether recordings that begin from now on have native frames.
///
/// # Errors
/// Where the C library does not allow it.
pub(super) fn want(is_wanted: bool) -> Result<(), NoUnwinder> {
    if is_wanted {
        let found = Unwinder::find()?;
        UNWINDER.get_or_init(|| found);
    }
    IS_WANTED.store(is_wanted, Ordering::Relaxed);
    Ok(())
}

/// The dynamic linker is about to change, or has changed, what is loaded.
pub(super) fn objects_changed() {
    OBJECTS_CHANGED.fetch_add(1, Ordering::Relaxed);
}

/// What is remembered of stacks with native frames.
pub(super) struct NativeStacks {
    unwinder: Unwinder,
    own: LoadedObject,
    rules: OwnArray<CachedRule>,
    walked: Walked,
    last: [LastStack; LAST_STACKS],
    memo: OwnArray<Memo>,
    /// Moved on when a position may mean something else, so that what the memo holds fits none any more.
    salt: u64,
    modules: ModuleTable,
    objects_changed: usize,
    /// Where a thread with Python was last seen; 0: nowhere yet.
    latest_node: u32,
}

/// The stack that a thread was last seen with, outermost frame first.
struct LastStack {
    entries: OwnArray<LastEntry>,
    depth: usize,
    /// What the outermost frame hangs from.
    root: u32,
}

#[derive(Clone, Copy)]
struct LastEntry {
    position: u64,
    node: u32,
}

/// One frame as walked: a native position, or a Python frame and its position.
#[derive(Clone, Copy)]
struct Place {
    position: u64,
    frame: Option<FrameAddress>,
}

/// A place's node under its caller's node.
#[derive(Clone, Copy)]
struct Memo {
    salted_position: u64,
    parent: u32,
    node: u32,
}

/// The thread whose stack is wanted.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) layout: &'a Layout,
    /// 0: it has none.
    pub(super) thread_state: usize,
    pub(super) innermost: Option<FrameAddress>,
    /// What the outermost frame hangs from.
    pub(super) root: u32,
}

impl NativeStacks {
    /// `None` unless they are wanted.
    pub(super) fn if_wanted() -> Option<Self> {
        if !IS_WANTED.load(Ordering::Relaxed) {
            return None;
        }
        let unwinder = *UNWINDER.get()?;
        let own = unwinder.object_at(objects_changed as *const () as usize)?;
        Some(Self {
            unwinder,
            own,
            rules: OwnArray::EMPTY,
            walked: Walked { places: OwnArray::EMPTY, depth: 0 },
            last: [const { LastStack { entries: OwnArray::EMPTY, depth: 0, root: 0 } };
                LAST_STACKS],
            memo: OwnArray::EMPTY,
            salt: 0,
            modules: ModuleTable::EMPTY,
            objects_changed: OBJECTS_CHANGED.load(Ordering::Relaxed),
            latest_node: 0,
        })
    }

    /// The node of the calling function, outside this object.
    ///
    /// # Safety
    /// The thread state is 0 or that of the calling thread, and `innermost` its innermost frame.
    #[inline(never)]
    pub(super) unsafe fn node(
        &mut self,
        asking: Asking,
        nodes: &mut Nodes,
    ) -> Result<u32, StopReason> {
        self.prepare()?;
        // SAFETY: the caller's promise.
        unsafe {
            // The C library is asked where the stack lies, and may allocate for that while nobody else gets in.
            thread::inside(|| self.walk(asking)).ok_or(StopReason::OutOfMemory)?;
            self.look_up(asking, nodes)
        }
    }

    /// Where a thread with Python was last seen.
    pub(super) fn latest_node(&self) -> Option<u32> {
        (self.latest_node != 0).then_some(self.latest_node)
    }

    /// A code object was freed: positions in it may mean something else from now on.
    pub(super) fn forget(&mut self) {
        self.salt = self.salt.wrapping_add(SPREAD);
        for last in &mut self.last {
            last.depth = 0;
        }
    }

    fn prepare(&mut self) -> Result<(), StopReason> {
        if self.rules.capacity() == 0 {
            self.rules = OwnArray::zeroed(RULES).ok_or(StopReason::OutOfMemory)?;
            self.memo = OwnArray::zeroed(1 << MEMO_BITS).ok_or(StopReason::OutOfMemory)?;
        }
        let changed = OBJECTS_CHANGED.load(Ordering::Relaxed);
        if changed != self.objects_changed {
            self.objects_changed = changed;
            self.rules.as_mut_slice().fill(CachedRule::EMPTY);
            self.modules.forget_places();
            self.forget();
        }
        Ok(())
    }

    /// Fills `walked`; `None` when the kernel refuses memory.
    ///
    /// # Safety
    /// As [`Self::node`].
    unsafe fn walk(&mut self, asking: Asking) -> Option<()> {
        self.walked.depth = 0;
        let rules = self.rules.as_mut_slice();
        // SAFETY: the caller's promise.
        let mut runs = unsafe { Runs::of(asking) };
        // SAFETY: as above.
        let mut border = unsafe { runs.border() };
        let mut frame = StackFrame::here();
        loop {
            let caller = self.unwinder.caller(&frame, rules);
            let end = if let Caller::Frame(caller) = caller { caller.stack_pointer } else { 0 };
            if border < end {
                while border < end {
                    // SAFETY: as above.
                    unsafe {
                        runs.take_one(&mut self.walked)?;
                        border = runs.border();
                    }
                }
                if runs.next.is_none() {
                    return Some(());
                }
            } else if !self.own.contains(frame.instruction) {
                self.walked.push(IS_NATIVE | frame.call_address() as u64, None)?;
            }
            match caller {
                Caller::Frame(caller) => frame = caller,
                Caller::Outermost => break,
                Caller::Lost => {
                    self.walked.push(LOST, None)?;
                    break;
                }
            }
        }
        while runs.next.is_some() {
            // SAFETY: as above.
            unsafe { runs.take_one(&mut self.walked)? };
        }
        Some(())
    }

    /// The node of what was walked; only what differs from the thread's last stack is looked up.
    ///
    /// # Safety
    /// As [`Self::node`], after `walk`.
    unsafe fn look_up(&mut self, asking: Asking, nodes: &mut Nodes) -> Result<u32, StopReason> {
        let walked = &self.walked.places.as_slice()[..self.walked.depth];
        let last = &mut self.last[stack_index()];
        if !last.has_room(walked.len()) {
            return Err(StopReason::OutOfMemory);
        }
        let same = last.same_outermost(walked, asking.root);
        // Should a node not be found, what is kept is no stack.
        (last.depth, last.root) = (0, asking.root);
        let mut node = last.node_at(same);
        for (index, place) in walked.iter().rev().enumerate().skip(same) {
            let salted_position = place.position ^ self.salt;
            let memo = &mut self.memo.as_mut_slice()[memo_index(salted_position, node)];
            if memo.salted_position != salted_position || memo.parent != node {
                let parent = node;
                // SAFETY: the caller's promise.
                node = match place.frame.map(|frame| unsafe { frame.resolve(asking.layout) }) {
                    Some(Some(frame)) => nodes.node_of(parent, frame)?.node,
                    Some(None) => parent,
                    None => {
                        let address = (place.position & !IS_NATIVE) as usize;
                        let code = self.modules.locate(address, &self.unwinder, nodes.writer)?;
                        nodes.node_of_native(parent, code)?
                    }
                };
                *memo = Memo { salted_position, parent, node };
            }
            node = memo.node;
            last.entries.as_mut_slice()[index] = LastEntry { position: place.position, node };
        }
        last.depth = walked.len();
        if asking.innermost.is_some() {
            self.latest_node = node;
        }
        Ok(node)
    }
}

impl LastStack {
    /// How many frames are the same as those walked, counted from the outermost.
    fn same_outermost(&self, walked: &[Place], root: u32) -> usize {
        let depth = if self.root == root { self.depth } else { 0 };
        let last = &self.entries.as_slice()[..depth];
        let both = last.iter().zip(walked.iter().rev());
        both.take_while(|(last, walked)| last.position == walked.position).count()
    }

    /// The node of the frame with `depth - 1` frames outside it.
    fn node_at(&self, depth: usize) -> u32 {
        depth.checked_sub(1).map_or(self.root, |index| self.entries.as_slice()[index].node)
    }

    fn has_room(&mut self, depth: usize) -> bool {
        depth <= self.entries.capacity() || self.entries.grow(grown(depth))
    }
}

fn stack_index() -> usize {
    // Thread control blocks lie at least some kilobytes apart, and often exactly one stack size.
    let pointer = thread::pointer();
    (pointer >> 12 ^ pointer >> 20) & (LAST_STACKS - 1)
}

fn grown(capacity: usize) -> usize {
    (capacity * 2).max(FIRST_CAPACITY)
}

fn memo_index(salted_position: u64, parent: u32) -> usize {
    ((salted_position ^ u64::from(parent) << 20).wrapping_mul(SPREAD) >> (u64::BITS - MEMO_BITS))
        as usize
}

/// The frames as just walked, innermost first.
struct Walked {
    places: OwnArray<Place>,
    depth: usize,
}

impl Walked {
    /// `None` when the kernel refuses memory.
    #[inline]
    fn push(&mut self, position: u64, frame: Option<FrameAddress>) -> Option<()> {
        if self.depth == self.places.capacity() && !self.places.grow(grown(self.depth)) {
            return None;
        }
        // SAFETY: there is room for `depth + 1` places.
        unsafe { self.places.as_mut_ptr().add(self.depth).write(Place { position, frame }) };
        self.depth += 1;
        Some(())
    }
}

/// The Python frames of a thread that were not walked yet, in runs of the evaluation loop.
struct Runs<'a> {
    layout: &'a Layout,
    next: Option<FrameAddress>,
    evaluations: Evaluations,
}

impl<'a> Runs<'a> {
    /// # Safety
    /// As [`NativeStacks::node`].
    unsafe fn of(asking: Asking<'a>) -> Self {
        let Asking { layout, thread_state, innermost, .. } = asking;
        let evaluations = if thread_state == 0 {
            Evaluations::NONE
        } else {
            // SAFETY: the caller's promise.
            unsafe { Evaluations::of_thread(layout, thread_state) }
        };
        Self { layout, next: innermost, evaluations }
    }

    /// Where on the stack the innermost run lies; an address that no frame ends above, where that cannot be told.
    ///
    /// # Safety
    /// As [`NativeStacks::node`].
    unsafe fn border(&self) -> usize {
        let (mut evaluations, mut next) = (self.evaluations, self.next);
        while let Some(frame) = next {
            // SAFETY: the caller's promise.
            unsafe {
                if let Some(address) = evaluations.ending_with(self.layout, frame) {
                    return address;
                }
                next = frame.previous(&self.layout.frame);
            }
        }
        usize::MAX
    }

    /// Walks the frames of the innermost run.
    ///
    /// # Safety
    /// As [`NativeStacks::node`].
    unsafe fn take_one(&mut self, walked: &mut Walked) -> Option<()> {
        while let Some(frame) = self.next {
            // SAFETY: the caller's promise.
            let is_last = unsafe {
                walked.push(frame.position(&self.layout.frame), Some(frame))?;
                self.next = frame.previous(&self.layout.frame);
                self.evaluations.ending_with(self.layout, frame).is_some()
            };
            if is_last {
                break;
            }
        }
        Some(())
    }
}
