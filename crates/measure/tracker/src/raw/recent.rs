//! The blocks that each thread allocated last: what it frees of them is temporary.
//!
//! Addresses alone tell them, newest first. A thread knows an address from its latest allocation there, so that what it
//! finds is true as long as no other thread comes in between: one that frees the block, gets the address again, and leaves
//! the new block to this thread to free, all before this thread's next few allocations. That is counted as well. What an
//! earlier recording left here is found as little: what is freed was recorded, so it was allocated since.

use std::arch::{asm, global_asm};

/// A block is temporary that the thread which allocated it frees before its allocation of this number after that.
pub(super) const RECENT: usize = 4;
const _: () =
    assert!(RECENT * size_of::<usize>() == 32, "the assembly below is written for so many");

global_asm!(
    ".pushsection .tbss,\"awT\",@nobits",
    ".balign 32",
    ".globl lowtide_recent_blocks",
    ".hidden lowtide_recent_blocks",
    ".type lowtide_recent_blocks, @object",
    ".size lowtide_recent_blocks, 32",
    "lowtide_recent_blocks: .zero 32",
    ".popsection",
);

/// This thread allocated a block, at `address`; 0: one that is not recorded.
///
/// Each address moves on by itself: a wider load of what was stored in parts would wait for all of them.
#[inline]
pub(super) fn note(address: usize) {
    // SAFETY: reads and writes this thread's static thread-local storage, which the symbol above reserves; no Rust object
    // lies there.
    unsafe {
        asm!(
            "mov {blocks}, qword ptr [rip + lowtide_recent_blocks@GOTTPOFF]",
            "mov {block}, qword ptr fs:[{blocks} + 16]",
            "mov qword ptr fs:[{blocks} + 24], {block}",
            "mov {block}, qword ptr fs:[{blocks} + 8]",
            "mov qword ptr fs:[{blocks} + 16], {block}",
            "mov {block}, qword ptr fs:[{blocks}]",
            "mov qword ptr fs:[{blocks} + 8], {block}",
            "mov qword ptr fs:[{blocks}], {address}",
            blocks = out(reg) _,
            block = out(reg) _,
            address = in(reg) address,
            options(nostack, preserves_flags),
        );
    }
}

/// Whether the block at `address`, which this thread frees, is among its latest; not so again, before it is allocated anew.
#[inline]
pub(super) fn take(address: usize) -> bool {
    let blocks = blocks();
    // SAFETY: as in `note`.
    unsafe {
        asm!(
            "cmp qword ptr fs:[{blocks}], {address}",
            "je {newest}",
            "cmp qword ptr fs:[{blocks} + 8], {address}",
            "je {second}",
            "cmp qword ptr fs:[{blocks} + 16], {address}",
            "je {third}",
            "cmp qword ptr fs:[{blocks} + 24], {address}",
            "je {oldest}",
            blocks = in(reg) blocks,
            address = in(reg) address,
            newest = label { return cross_out(blocks) },
            second = label { return cross_out(blocks + 8) },
            third = label { return cross_out(blocks + 16) },
            oldest = label { return cross_out(blocks + 24) },
            options(nostack, readonly),
        );
    }
    false
}

fn cross_out(place: usize) -> bool {
    // SAFETY: as in `note`; `place` is one of the four.
    unsafe {
        asm!("mov qword ptr fs:[{place}], 0", place = in(reg) place, options(nostack, preserves_flags));
    }
    true
}

/// Where they lie, from the thread pointer.
#[inline]
fn blocks() -> usize {
    let blocks: usize;
    // SAFETY: reads where the linker put the storage, which is the same at any time.
    unsafe {
        asm!(
            "mov {blocks}, qword ptr [rip + lowtide_recent_blocks@GOTTPOFF]",
            blocks = out(reg) blocks,
            options(nostack, preserves_flags, pure, nomem),
        );
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use std::collections::HashMap;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;

    const THREADS: usize = 3;

    #[derive(Clone, Debug)]
    enum Event {
        Allocate { thread: usize },
        Free { thread: usize, choice: usize },
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let allocate = (0..THREADS).prop_map(|thread| Event::Allocate { thread });
        let free = (0..THREADS, any::<usize>())
            .prop_map(|(thread, choice)| Event::Free { thread, choice: choice % 8 });
        prop::collection::vec(prop_oneof![allocate, free], 0..200)
    }

    enum Order {
        Note(usize),
        Take(usize),
    }

    /// A thread that does as it is told, and what it finds.
    struct Follower {
        orders: Sender<Order>,
        found: Receiver<bool>,
    }

    impl Follower {
        fn start() -> Self {
            let (orders, told) = channel();
            let (answers, found) = channel();
            thread::spawn(move || {
                for order in told {
                    let found = match order {
                        Order::Note(address) => {
                            note(address);
                            false
                        }
                        Order::Take(address) => take(address),
                    };
                    answers.send(found).unwrap();
                }
            });
            Self { orders, found }
        }

        fn does(&self, order: Order) -> bool {
            self.orders.send(order).unwrap();
            self.found.recv().unwrap()
        }
    }

    /// Numbers every allocation of every thread, and keeps each block's.
    #[derive(Default)]
    struct Replay {
        allocations: [usize; THREADS],
        /// Thread and number, by address.
        live: HashMap<usize, (usize, usize)>,
        /// Addresses to live blocks, the latest last.
        order: Vec<usize>,
        free: Vec<usize>,
        fresh: usize,
    }

    impl Replay {
        fn allocate(&mut self, thread: usize) -> usize {
            let address = self.free.pop().unwrap_or_else(|| {
                self.fresh += 16;
                self.fresh
            });
            self.allocations[thread] += 1;
            self.live.insert(address, (thread, self.allocations[thread]));
            self.order.push(address);
            address
        }

        /// The address, and whether it was temporary.
        fn free(&mut self, thread: usize, choice: usize) -> (usize, bool) {
            let latest = self.order.len() - 1 - choice % self.order.len();
            let address = self.order.remove(latest);
            let (owner, number) = self.live.remove(&address).unwrap();
            // What another thread freed is left: see the module's text.
            if owner == thread {
                self.free.push(address);
            }
            (address, owner == thread && self.allocations[owner] - number < RECENT)
        }
    }

    proptest! {
        #[test]
        fn a_block_is_temporary_if_its_thread_frees_it_soon(events in events()) {
            let followers: [Follower; THREADS] = std::array::from_fn(|_| Follower::start());
            let mut replay = Replay::default();
            for event in events {
                match event {
                    Event::Allocate { thread } => {
                        followers[thread].does(Order::Note(replay.allocate(thread)));
                    }
                    Event::Free { thread, choice } if !replay.order.is_empty() => {
                        let (address, is_temporary) = replay.free(thread, choice);
                        prop_assert_eq!(followers[thread].does(Order::Take(address)), is_temporary);
                    }
                    Event::Free { .. } => {}
                }
            }
        }
    }
}
