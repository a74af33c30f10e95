//! Python threads that let others run while their native code works, in the order in which they began: what nameless
//! threads allocate meanwhile is for one of them.

use super::own_memory::OwnArray;

pub(super) struct Waiting {
    waits: OwnArray<Wait>,
    /// So many places were in use at one time.
    used: usize,
    free: Place,
    latest: Place,
}

/// One more than an index, so that zeroed memory says `NOWHERE`.
type Place = u32;
const NOWHERE: Place = 0;

#[derive(Clone, Copy)]
struct Wait {
    /// Its number; 0: nobody's.
    thread: u32,
    /// Where it waits.
    node: u32,
    /// An address on its stack: what it calls lies below.
    stack: usize,
    /// The one of the same thread that a call back into Python interrupted.
    outer: Place,
    earlier: Place,
    /// Of a free place: the next that is free.
    later: Place,
}

/// A thread that begins to wait.
#[derive(Clone, Copy)]
pub(super) struct Waiter {
    pub(super) thread: u32,
    pub(super) node: u32,
    pub(super) stack: usize,
}

const FIRST_CAPACITY: usize = 64;

impl Waiting {
    pub(super) const EMPTY: Self =
        Self { waits: OwnArray::EMPTY, used: 0, free: NOWHERE, latest: NOWHERE };

    /// `outer` is where the thread waits already, as far as it knows; returns what to give `ended` later. Without memory
    /// the wait goes unnoticed.
    pub(super) fn began(&mut self, waiter: Waiter, mut outer: Place) -> Place {
        let Waiter { thread, node, stack } = waiter;
        // A wait that began no further out than this one is over, although nobody said so.
        while self.get(outer, thread).is_some_and(|wait| wait.stack <= stack) {
            outer = self.ended(outer, thread);
        }
        let Some(place) = self.free_place() else { return outer };
        let earlier = std::mem::replace(&mut self.latest, place);
        *self.at(place) = Wait { thread, node, stack, outer, earlier, later: NOWHERE };
        if earlier != NOWHERE {
            self.at(earlier).later = place;
        }
        place
    }

    /// Returns where the thread waits still, in a call further out.
    pub(super) fn ended(&mut self, place: Place, thread: u32) -> Place {
        // What a thread knows may be of the process that this one was forked from.
        let Some(&Wait { outer, earlier, later, .. }) = self.get(place, thread) else {
            return NOWHERE;
        };
        if earlier != NOWHERE {
            self.at(earlier).later = later;
        }
        if later == NOWHERE {
            self.latest = earlier;
        } else {
            self.at(later).earlier = earlier;
        }
        let next = std::mem::replace(&mut self.free, place);
        *self.at(place) = Wait { thread: 0, later: next, ..*self.at(place) };
        outer
    }

    /// Where the thread `creator` waits, or else the thread that began last.
    pub(super) fn node_for_thread_of(&self, creator: u32) -> Option<u32> {
        let with_python = |wait: &&Wait| wait.node != 0;
        let of_creator =
            self.latest_first().filter(with_python).find(|wait| wait.thread == creator);
        of_creator.or_else(|| self.latest_first().find(with_python)).map(|wait| wait.node)
    }

    fn latest_first(&self) -> impl Iterator<Item = &Wait> {
        let wait_at = |place: Place| self.waits.as_slice().get((place as usize).wrapping_sub(1));
        std::iter::successors(wait_at(self.latest), move |wait| wait_at(wait.earlier))
    }

    fn get(&self, place: Place, thread: u32) -> Option<&Wait> {
        let index = (place as usize).checked_sub(1).filter(|&index| index < self.used)?;
        self.waits.as_slice().get(index).filter(|wait| wait.thread == thread)
    }

    fn at(&mut self, place: Place) -> &mut Wait {
        &mut self.waits.as_mut_slice()[place as usize - 1]
    }

    fn free_place(&mut self) -> Option<Place> {
        if self.free != NOWHERE {
            let place = self.free;
            self.free = self.at(place).later;
            return Some(place);
        }
        let capacity = self.waits.capacity();
        if self.used == capacity && !self.waits.grow((capacity * 2).max(FIRST_CAPACITY)) {
            return None;
        }
        self.used += 1;
        Place::try_from(self.used).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn waiter(thread: u32, node: u32) -> Waiter {
        Waiter { thread, node, stack: 1000 - node as usize }
    }

    #[test]
    fn the_creator_comes_before_the_one_that_began_last() {
        let mut waiting = Waiting::EMPTY;
        assert_eq!(waiting.node_for_thread_of(1), None);
        let first = waiting.began(waiter(1, 10), NOWHERE);
        let second = waiting.began(waiter(2, 20), NOWHERE);
        assert_eq!(
            [1, 2, 3].map(|thread| waiting.node_for_thread_of(thread)),
            [10, 20, 20].map(Some)
        );
        waiting.ended(second, 2);
        assert_eq!(waiting.node_for_thread_of(3), Some(10));
        waiting.ended(first, 1);
        assert_eq!(waiting.node_for_thread_of(1), None);
    }

    #[test]
    fn a_wait_inside_a_call_back_ends_in_the_outer_one() {
        let mut waiting = Waiting::EMPTY;
        let outer = waiting.began(waiter(1, 10), NOWHERE);
        let inner = waiting.began(waiter(1, 11), outer);
        assert_eq!(waiting.node_for_thread_of(1), Some(11));
        assert_eq!(waiting.ended(inner, 1), outer);
        assert_eq!(waiting.node_for_thread_of(1), Some(10));
    }

    #[test]
    fn a_wait_whose_end_nobody_saw_does_not_pile_up() {
        let mut waiting = Waiting::EMPTY;
        let mut place = NOWHERE;
        for _ in 0..10_000 {
            place = waiting.began(waiter(1, 10), place);
        }
        assert_eq!(waiting.used, 1);
        assert_eq!(waiting.ended(place, 1), NOWHERE);
    }

    #[test]
    fn places_of_another_process_mean_nothing() {
        let mut parents = Waiting::EMPTY;
        let place = parents.began(waiter(1, 10), NOWHERE);
        let mut childs = Waiting::EMPTY;
        assert_eq!(childs.ended(place, 1), NOWHERE);
        childs.began(waiter(2, 20), NOWHERE);
        assert_eq!(childs.ended(place, 1), NOWHERE);
        assert_eq!(childs.node_for_thread_of(1), Some(20));
    }

    proptest! {
        #[test]
        fn agrees_with_a_list(events in prop::collection::vec((1u32..6, any::<bool>()), 0..200)) {
            let mut waiting = Waiting::EMPTY;
            let mut places = [NOWHERE; 6];
            let mut list: Vec<Waiter> = Vec::new();
            for (node, (thread, begins)) in (1u32..).zip(events) {
                let place = &mut places[thread as usize];
                if begins {
                    let waiter = waiter(thread, node);
                    *place = waiting.began(waiter, *place);
                    list.push(waiter);
                } else {
                    *place = waiting.ended(*place, thread);
                    let inner = list.iter().rposition(|waiter| waiter.thread == thread);
                    inner.map(|index| list.remove(index));
                }
                for creator in 1..6 {
                    let of_creator = list.iter().rfind(|waiter| waiter.thread == creator);
                    let expected = of_creator.or(list.last()).map(|waiter| waiter.node);
                    prop_assert_eq!(waiting.node_for_thread_of(creator), expected);
                }
            }
        }
    }
}
