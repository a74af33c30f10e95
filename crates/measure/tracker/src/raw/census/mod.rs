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
use super::shadow::{Block, Shadow, Source};
use lowtide_capture::layout::{Header, node_kind};
use lowtide_capture::{CaptureWriter, StopReason};
use lowtide_cpython::{Layout, ObjectLayout};

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

    /// Calls `visit` with the address of every live block of Python's own domains, in the order of addresses.
    pub(super) fn for_each_python_block(&self, mut visit: impl FnMut(usize, Block)) {
        self.shadow.for_each_block(|address, block, source| {
            if self.is_python(block, source) {
                visit(address, block);
            }
        });
    }

    /// The live block of Python's own domains that begins at `address`, if there is one.
    pub(super) fn python_block_at(&self, address: usize) -> Option<Block> {
        let (block, source) = self.shadow.peek(address)?;
        self.is_python(block, source).then_some(block)
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: the writer keeps the header mapped; nobody else writes it during a census.
        unsafe { self.writer.header().as_ref() }
    }

    /// Nodes of many blocks lie far apart: they are not looked at for what pymalloc gave out.
    #[inline]
    fn is_python(&self, block: Block, source: Source) -> bool {
        // SAFETY: the shadow holds ids of nodes that the writer handed out; they stay mapped as long as it lives.
        source == Source::Pool
            || node_kind::is_python(unsafe {
                self.writer.nodes().add(block.node as usize).as_ref().kind
            })
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
