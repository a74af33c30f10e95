//! Which types the live objects have, near the peak.
//!
//! An object is charged, with what it owns, to the node that asked for its own block: so the sites of a type add up to
//! the type, and what goes when an object goes is named where the object was made.
//!
//! Every recorded block is looked at: an object begins with its reference count and its type, at one of three offsets
//! that the type itself decides. What a word points to is read only after it was checked; nothing is counted twice.

mod copies;
mod encode;
mod known_types;
mod own_process;
mod owned;
mod placement;
mod recent_sites;
mod sites;
mod tally;
mod watch;

use self::encode::{Head, Names};
use self::tally::Tally;
pub(super) use self::watch::{HeapLevel, Watch};
use super::errno;
use super::prefetch::prefetch;
use super::shadow::{Block, Shadow, Source};
use lowtide_capture::layout::{Header, Node, node_kind};
use lowtide_capture::{CaptureWriter, StopReason};
use lowtide_cpython::{Layout, ObjectLayout};

/// Memory takes as long to answer as so many blocks take.
const AHEAD: usize = 16;

/// A moment with the heap near its peak, the GIL held and no object half freed: what a census may look at.
pub(super) struct Moment<'a> {
    /// Where CPython keeps things.
    pub(super) layout: &'a Layout,
    /// Where the census goes.
    pub(super) writer: &'a mut CaptureWriter,
    /// Since the recording began.
    pub(super) elapsed_ns: u64,
    shadow: &'a Shadow,
}

impl<'a> Moment<'a> {
    pub(super) fn new(
        shadow: &'a Shadow,
        layout: &'a Layout,
        writer: &'a mut CaptureWriter,
        elapsed_ns: u64,
    ) -> Self {
        Self { layout, writer, elapsed_ns, shadow }
    }

    /// Calls `visit` with the address of every live block that lies in a pool: they are all of Python's own domains.
    #[inline]
    pub(super) fn for_each_in_pools(&self, visit: impl FnMut(usize, Block)) {
        self.shadow.for_each_in_pools(visit);
    }

    /// Calls `visit` with the address of every other live block of Python's own domains. Their nodes and what is in them
    /// lie far apart, and are asked for before they are looked at.
    pub(super) fn for_each_elsewhere(&self, mut visit: impl FnMut(usize, Block)) {
        let mut visit_if_python = |(address, block): (usize, Block)| {
            if self.is_python(block) {
                visit(address, block);
            }
        };
        let mut ahead = [(0, Block { node: 0, bytes: 0 }); AHEAD];
        let mut count = 0;
        self.shadow.for_each_among_granules(|address, block| {
            prefetch(self.node(block));
            prefetch(address as *const u64);
            let before = std::mem::replace(&mut ahead[count % AHEAD], (address, block));
            if count >= AHEAD {
                visit_if_python(before);
            }
            count += 1;
        });
        ahead[..count.min(AHEAD)].iter().copied().for_each(visit_if_python);
    }

    /// The live block of Python's own domains that begins at `address`, if there is one.
    pub(super) fn python_block_at(&self, address: usize) -> Option<Block> {
        let (block, source) = self.shadow.peek(address)?;
        (source == Source::Pool || self.is_python(block)).then_some(block)
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: the writer keeps the header mapped; nobody else writes it during a census.
        unsafe { self.writer.header().as_ref() }
    }

    /// Not to be asked of blocks in pools: nodes of many blocks lie far apart.
    #[inline]
    fn is_python(&self, block: Block) -> bool {
        // SAFETY: the shadow holds ids of nodes that the writer handed out; they stay mapped as long as it lives.
        node_kind::is_python(unsafe { (*self.node(block)).kind })
    }

    #[inline]
    fn node(&self, block: Block) -> *const Node {
        self.writer.nodes().as_ptr().wrapping_add(block.node as usize)
    }
}

/// Takes a census and writes it into the capture. Of a Python whose objects are not known nothing is counted.
/// `just_freed` are blocks that lived at the peak and are gone, or about to go.
pub(super) fn take(moment: &mut Moment, just_freed: &[(usize, Block)]) -> Result<(), StopReason> {
    let Some(objects) = ObjectLayout::of(moment.layout.version) else { return Ok(()) };
    let tally = errno::with_errno_kept(|| Tally::of(moment, &objects, just_freed))
        .ok_or(StopReason::OutOfMemory)?;
    let live_bytes = moment.header().live_bytes;
    let head = Head { live_bytes, elapsed_ns: moment.elapsed_ns };
    let names = Names { layout: moment.layout, objects: &objects };
    encode::write(moment.writer, &head, tally.types.all(), &tally.sites, names)
}
