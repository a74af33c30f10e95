//! How mappings come and go, in whole and in parts.

use super::Recording;
use crate::address_ranges::{AddressRange, Cut};
use crate::ledger;
use crate::raw::mapped_ranges::Mapping;
use crate::raw::{recent, sampling};
use crate::weight::Amount;
use lowtide_capture::StopReason;
use lowtide_capture::layout::node_kind;

impl Recording {
    /// `start..end` holds anonymous memory; nothing is recorded there.
    ///
    /// # Safety
    /// As [`Self::allocated`].
    pub(in crate::raw) unsafe fn mapped(&mut self, start: usize, end: usize, thread_state: usize) {
        // SAFETY: the caller's promise.
        let node = match unsafe { self.node(thread_state, node_kind::MAPPING) } {
            Ok(node) => node,
            Err(reason) => return self.doubt(reason),
        };
        let range = AddressRange { start, end, id: node };
        if !self.mapped.insert(range) {
            return self.doubt(StopReason::OutOfMemory);
        }
        if self.sample_bytes != 0 {
            sampling::follow();
        }
        recent::note(start);
        let (header, node) = self.counters(node);
        ledger::allocated(header, node, Amount::exact(range.bytes()));
        self.outside_arenas_bytes = self.outside_arenas_bytes.wrapping_add(range.bytes());
        self.tick(range.bytes());
    }

    /// The same of memory that forked children see as well.
    ///
    /// # Safety
    /// As [`Self::allocated`].
    pub(in crate::raw) unsafe fn shared_mapped(
        &mut self,
        start: usize,
        end: usize,
        thread_state: usize,
    ) {
        let range = AddressRange { start, end, id: 0 };
        if !self.shared.insert(range) {
            return self.doubt(StopReason::OutOfMemory);
        }
        self.shared_heap_bytes += range.bytes();
        // SAFETY: the caller's promise.
        unsafe { self.mapped(start, end, thread_state) };
    }

    /// `start..end` holds no mapping any more. What the first part of it was, if that is known.
    pub(in crate::raw) fn unmapped(&mut self, start: usize, end: usize) -> Option<Mapping> {
        let mut was = None;
        while let Some(Cut { taken, pieces }) = self.mapped.cut_first(start, end) {
            self.look_before_fall(taken.bytes());
            let (header, node) = self.counters(taken.id);
            ledger::cut(header, node, taken.bytes(), pieces);
            if pieces == 0 && recent::take(taken.start) {
                ledger::freed_soon(self.temporary(taken.id), Amount::exact(taken.bytes()));
            }
            self.outside_arenas_bytes = self.outside_arenas_bytes.wrapping_sub(taken.bytes());
            was = Some(Mapping::Heap);
        }
        while let Some(Cut { taken, .. }) = self.shared.cut_first(start, end) {
            self.shared_heap_bytes -= taken.bytes();
            was = Some(Mapping::SharedHeap);
        }
        while self.reserved.cut_first(start, end).is_some() {
            was = was.or(Some(Mapping::Reserved));
        }
        while let Some(Cut { taken, .. }) = self.files.cut_first(start, end) {
            self.header().file_mapped_bytes -= taken.bytes();
            was = was.or(Some(Mapping::File));
        }
        was
    }

    /// `start..end` holds a file's pages, which are no heap; nothing is recorded there.
    pub(in crate::raw) fn file_mapped(&mut self, start: usize, end: usize) {
        let range = AddressRange { start, end, id: 0 };
        if !self.files.insert(range) {
            return self.doubt(StopReason::OutOfMemory);
        }
        let header = self.header();
        header.file_mapped_bytes += range.bytes();
        header.file_mapped_peak_bytes = header.file_mapped_peak_bytes.max(header.file_mapped_bytes);
    }

    /// `start..end` is reserved; nothing is recorded there.
    pub(in crate::raw) fn reserved(&mut self, start: usize, end: usize) {
        if !self.reserved.insert(AddressRange { start, end, id: 0 }) {
            self.doubt(StopReason::OutOfMemory);
        }
    }

    /// What is reserved within `start..end` is memory from now on.
    ///
    /// # Safety
    /// As [`Self::allocated`].
    pub(in crate::raw) unsafe fn made_usable(
        &mut self,
        start: usize,
        end: usize,
        thread_state: usize,
    ) {
        while let Some(Cut { taken, .. }) = self.reserved.cut_first(start, end) {
            // SAFETY: the caller's promise.
            unsafe { self.mapped(taken.start, taken.end, thread_state) };
        }
    }
}
