use super::own_memory::OwnArray;
use crate::windows::{self, Figures, Highest, Totals, Window};

/// The windows that are open on a recording, in memory of its own.
pub(super) struct OpenWindows {
    windows: OwnArray<Window>,
    used: usize,
    highest: Highest,
}

const FIRST_CAPACITY: usize = 64;

impl OpenWindows {
    pub(super) const NONE: Self =
        Self { windows: OwnArray::EMPTY, used: 0, highest: Highest::NOTHING };

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The heap has this level after an event.
    pub(super) fn look(&mut self, live_bytes: u64) {
        self.highest.look(live_bytes);
    }

    /// `false` when the kernel refuses memory.
    #[must_use]
    pub(super) fn open(&mut self, id: u64, now: Totals) -> bool {
        let capacity = self.windows.capacity();
        if self.used == capacity && !self.windows.grow((capacity * 2).max(FIRST_CAPACITY)) {
            return false;
        }
        windows::open(self.windows.as_mut_slice(), &mut self.used, &mut self.highest, id, now);
        true
    }

    /// `None` if it is not open.
    pub(super) fn close(&mut self, id: u64, now: Totals) -> Option<Figures> {
        windows::close(self.windows.as_mut_slice(), &mut self.used, &mut self.highest, id, now)
    }
}
