//! Frames that are told to be the same call as before, so that nothing further out need be looked at.
//!
//! For the code of a module, and for `exec` and `eval`, Python makes a function object that serves this one call
//! (`PyEval_EvalCode` in `Python/ceval.c`), and goes with it. As long as it lives, a frame that names it, and was called by
//! the instruction that made it, is that call, and its callers wait where they waited. Imports nest deep: each stack in
//! them is compared with the last one up to its innermost module.

use super::NOWHERE;
use crate::raw::own_memory::OwnArray;
use lowtide_cpython::FunctionWord;

/// A place of the last stack whose frame is such a call.
#[derive(Clone, Copy)]
pub(super) struct Anchor {
    pub(super) place: usize,
    /// What the frame names.
    pub(super) function: FunctionWord,
    /// The place of the frame that made the function; in front of all frames: there is no anchor.
    pub(super) maker: usize,
    /// The instruction that made it.
    pub(super) position: u64,
}

impl Anchor {
    pub(super) const NONE: Self =
        Self { place: NOWHERE, function: FunctionWord::NONE, maker: NOWHERE, position: 0 };
}

/// Those of one stack.
pub(super) struct Anchors {
    /// Outermost first.
    all: OwnArray<Anchor>,
    count: usize,
    /// The last of them.
    innermost: Anchor,
}

const FIRST_CAPACITY: usize = 64;

impl Anchors {
    pub(super) const EMPTY: Self = Self { all: OwnArray::EMPTY, count: 0, innermost: Anchor::NONE };

    /// The place of the innermost anchor's maker, unless that anchor lies further in than `top`: then that in front of all
    /// frames, which is right wherever it lies.
    #[inline]
    pub(super) fn maker_below(&self, top: usize) -> usize {
        if self.innermost.place <= top { self.innermost.maker } else { nowhere() }
    }

    #[inline]
    pub(super) fn innermost(&self) -> Anchor {
        self.innermost
    }

    /// Behind all others. In vain where the kernel refuses memory.
    pub(super) fn add(&mut self, anchor: Anchor) {
        self.keep_up_to(anchor.place - 1);
        let capacity = self.all.capacity();
        if self.count < capacity || self.all.grow((capacity * 2).max(FIRST_CAPACITY)) {
            self.all.as_mut_slice()[self.count] = anchor;
            self.count += 1;
            self.innermost = anchor;
        }
    }

    /// Places behind this one hold other frames from now on.
    pub(super) fn keep_up_to(&mut self, place: usize) {
        self.keep_while(|anchor| anchor.place <= place);
    }

    /// The function object in this block is gone; whether it made an anchor.
    pub(super) fn lose(&mut self, block: usize) -> bool {
        let before = self.count;
        if before == 0 {
            return false;
        }
        self.keep_while(|anchor| anchor.function.block() != block);
        self.count < before
    }

    fn keep_while(&mut self, is_kept: impl Fn(&Anchor) -> bool) {
        let all = &self.all.as_slice()[..self.count];
        self.count = all.iter().take_while(|anchor| is_kept(anchor)).count();
        self.innermost = all[..self.count].last().copied().unwrap_or(Anchor::NONE);
    }
}

/// Seldom, so that the processor need not wait for what is compared.
#[cold]
fn nowhere() -> usize {
    NOWHERE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(place: usize) -> Anchor {
        let function = FunctionWord::of_block(place << 12);
        Anchor { place, function, maker: place - 1, position: 0 }
    }

    fn with(places: [usize; 3]) -> Anchors {
        let mut anchors = Anchors::EMPTY;
        for place in places {
            anchors.add(anchor(place));
        }
        anchors
    }

    #[test]
    fn an_anchor_further_in_than_the_stack_is_none() {
        let anchors = with([2, 5, 9]);
        assert_eq!([8, 9, 10].map(|top| anchors.maker_below(top)), [0, 8, 8]);
    }

    #[test]
    fn what_lies_behind_a_place_that_changed_is_let_go() {
        let mut anchors = with([2, 5, 9]);
        anchors.keep_up_to(8);
        assert_eq!(anchors.innermost().place, 5);
        anchors.add(anchor(4));
        assert_eq!(anchors.innermost().place, 4);
        anchors.keep_up_to(1);
        assert_eq!(anchors.innermost().place, 0);
    }

    #[test]
    fn an_anchor_goes_with_its_function_and_so_do_those_inside() {
        let mut anchors = with([2, 5, 9]);
        assert!(!anchors.lose(7 << 12));
        assert!(anchors.lose(5 << 12));
        assert_eq!(anchors.innermost().place, 2);
        assert!(!anchors.lose(9 << 12));
    }
}
