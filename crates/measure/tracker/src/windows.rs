//! Windows on a recording: what the heap did between two moments of it.
//!
//! While any is open, the level of the heap is looked at after each event. Opening or closing one hands the highest level
//! seen to all that are open, and looking begins anew: so each knows its own peak, however they overlap.

/// A counter that only grows, in bytes and in blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: u64, blocks: u64) {
        self.bytes = self.bytes.wrapping_add(bytes);
        self.blocks = self.blocks.wrapping_add(blocks);
    }

    fn since(self, before: Self) -> Self {
        Self {
            bytes: self.bytes.wrapping_sub(before.bytes),
            blocks: self.blocks.wrapping_sub(before.blocks),
        }
    }
}

/// Counters of a recording at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) live_bytes: u64,
    pub(crate) churn: Tally,
    pub(crate) temporary: Tally,
    pub(crate) elapsed_ns: u64,
}

/// What a window saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Most live bytes.
    pub(crate) peak_bytes: u64,
    /// Live bytes when it was opened.
    pub(crate) before_bytes: u64,
    /// Live bytes when it was closed.
    pub(crate) after_bytes: u64,
    /// Allocated in total meanwhile.
    pub(crate) churn: Tally,
    /// Of that, freed soon.
    pub(crate) temporary: Tally,
    pub(crate) duration_ns: u64,
}

/// One open window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Window {
    id: u64,
    peak_bytes: u64,
    opened: Totals,
}

/// The highest level since looking began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Highest(u64);

impl Highest {
    pub(crate) const NOTHING: Self = Self(0);

    pub(crate) fn look(&mut self, live_bytes: u64) {
        self.0 = self.0.max(live_bytes);
    }

    /// Hands what was seen to the open windows, and begins anew.
    fn hand_over(&mut self, open: &mut [Window], live_bytes: u64) {
        self.look(live_bytes);
        for window in open {
            window.peak_bytes = window.peak_bytes.max(self.0);
        }
        self.0 = live_bytes;
    }
}

/// `windows` has room for one more; the first `used` are open.
pub(crate) fn open(
    windows: &mut [Window],
    used: &mut usize,
    highest: &mut Highest,
    id: u64,
    now: Totals,
) {
    highest.hand_over(&mut windows[..*used], now.live_bytes);
    windows[*used] = Window { id, peak_bytes: now.live_bytes, opened: now };
    *used += 1;
}

/// Closes the window `id`; `None` if it is not open.
pub(crate) fn close(
    windows: &mut [Window],
    used: &mut usize,
    highest: &mut Highest,
    id: u64,
    now: Totals,
) -> Option<Figures> {
    highest.hand_over(&mut windows[..*used], now.live_bytes);
    let place = windows[..*used].iter().position(|window| window.id == id)?;
    let Window { peak_bytes, opened, .. } = windows[place];
    *used -= 1;
    windows[place] = windows[*used];
    Some(Figures {
        peak_bytes,
        before_bytes: opened.live_bytes,
        after_bytes: now.live_bytes,
        churn: now.churn.since(opened.churn),
        temporary: now.temporary.since(opened.temporary),
        duration_ns: now.elapsed_ns.saturating_sub(opened.elapsed_ns),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Level(u64),
        Open,
        Close(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let level = (0u64..1000).prop_map(Step::Level);
        prop::collection::vec(
            prop_oneof![3 => level, 1 => Just(Step::Open), 1 => any::<usize>().prop_map(Step::Close)],
            0..100,
        )
    }

    fn at(live_bytes: u64) -> Totals {
        Totals { live_bytes, ..Totals::default() }
    }

    proptest! {
        #[test]
        fn each_window_knows_the_highest_level_while_it_was_open(steps in steps()) {
            let (mut windows, mut used) = ([Window::default(); 100], 0);
            let (mut highest, mut level, mut ids) = (Highest::NOTHING, 0, 0);
            // Id, level before, and all levels since.
            let mut expected: Vec<(u64, u64, Vec<u64>)> = Vec::new();
            for step in steps {
                match step {
                    Step::Level(next) => {
                        level = next;
                        highest.look(level);
                        for (_, _, levels) in &mut expected {
                            levels.push(level);
                        }
                    }
                    Step::Open => {
                        ids += 1;
                        open(&mut windows, &mut used, &mut highest, ids, at(level));
                        expected.push((ids, level, vec![level]));
                    }
                    Step::Close(choice) if !expected.is_empty() => {
                        let (id, before, levels) = expected.swap_remove(choice % expected.len());
                        let found = close(&mut windows, &mut used, &mut highest, id, at(level)).unwrap();
                        prop_assert_eq!(Some(found.peak_bytes), levels.into_iter().max());
                        prop_assert_eq!((found.before_bytes, found.after_bytes), (before, level));
                    }
                    Step::Close(_) => {
                        prop_assert_eq!(close(&mut windows, &mut used, &mut highest, 999, at(level)), None);
                    }
                }
            }
            prop_assert_eq!(used, expected.len());
        }
    }

    #[test]
    fn what_is_allocated_and_how_long_it_took_is_the_windows_own() {
        let (mut windows, mut used, mut highest) = ([Window::default(); 1], 0, Highest::NOTHING);
        let totals = |live_bytes, [churn, temporary]: [(u64, u64); 2], elapsed_ns| {
            let [churn, temporary] =
                [churn, temporary].map(|(bytes, blocks)| Tally { bytes, blocks });
            Totals { live_bytes, churn, temporary, elapsed_ns }
        };
        let opened = totals(5, [(100, 10), (20, 4)], 1000);
        open(&mut windows, &mut used, &mut highest, 1, opened);
        let now = totals(3, [(150, 12), (30, 5)], 1700);
        let figures = close(&mut windows, &mut used, &mut highest, 1, now).unwrap();
        let expected = Figures {
            peak_bytes: 5,
            before_bytes: 5,
            after_bytes: 3,
            churn: Tally { bytes: 50, blocks: 2 },
            temporary: Tally { bytes: 10, blocks: 1 },
            duration_ns: 700,
        };
        assert_eq!(figures, expected);
    }
}
