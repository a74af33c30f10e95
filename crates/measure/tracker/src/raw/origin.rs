//! Where threads come from: who asked for each, and on which line. A thread is told when it starts, in words of its own.

use super::thread;
use std::arch::naked_asm;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

/// Where a thread comes from; zeros where nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// The Python thread that had it created, itself or through others. 0 also for threads that Python made.
    pub(super) creator: u32,
    /// The line that asked for it.
    pub(super) node: u32,
    /// The number of the recording that `node` belongs to.
    pub(super) recording: u32,
}

impl Origin {
    pub(super) fn of_this_thread() -> Self {
        let [creator, node, recording] = thread::origin();
        Self { creator, node, recording }
    }

    /// The line that asked for the thread, if this recording knows it.
    pub(super) fn node_in(self, recording: u32) -> Option<u32> {
        (self.recording == recording && self.node != 0).then_some(self.node)
    }
}

type Start = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

/// What a new thread is to know and to do, until it has started.
pub(super) struct Order {
    is_taken: AtomicBool,
    start: AtomicUsize,
    argument: AtomicUsize,
    creator: AtomicU32,
    node: AtomicU32,
    recording: AtomicU32,
}

/// More threads than this that were created and did not start yet begin without knowing where they come from.
const MOST_ORDERS: usize = 4096;

static ORDERS: [Order; MOST_ORDERS] = [const {
    Order {
        is_taken: AtomicBool::new(false),
        start: AtomicUsize::new(0),
        argument: AtomicUsize::new(0),
        creator: AtomicU32::new(0),
        node: AtomicU32::new(0),
        recording: AtomicU32::new(0),
    }
}; MOST_ORDERS];

/// Where the search for a free order goes on.
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl Order {
    /// For a thread that shall call `start` with `argument`; `None` when too many wait for their start.
    pub(super) fn new(origin: Origin, start: usize, argument: usize) -> Option<&'static Self> {
        let first = NEXT.fetch_add(1, Ordering::Relaxed);
        let places = (0..MOST_ORDERS).map(|step| first.wrapping_add(step) % MOST_ORDERS);
        let order = places
            .map(|place| &ORDERS[place])
            .find(|order| !order.is_taken.swap(true, Ordering::Acquire))?;
        order.start.store(start, Ordering::Relaxed);
        order.argument.store(argument, Ordering::Relaxed);
        order.creator.store(origin.creator, Ordering::Relaxed);
        order.node.store(origin.node, Ordering::Relaxed);
        order.recording.store(origin.recording, Ordering::Relaxed);
        Some(order)
    }

    /// Nobody will start with it any more.
    pub(super) fn give_back(&self) {
        self.is_taken.store(false, Ordering::Release);
    }

    fn follow(&self) -> Todo {
        let words = [&self.creator, &self.node, &self.recording];
        thread::remember_origin(words.map(|word| word.load(Ordering::Relaxed)));
        let todo = Todo {
            start: self.start.load(Ordering::Relaxed),
            argument: self.argument.load(Ordering::Relaxed),
        };
        self.give_back();
        todo
    }
}

/// Comes back in two registers.
#[repr(C)]
struct Todo {
    start: usize,
    argument: usize,
}

/// What a thread with an order starts with: it reads the order, and jumps on, so that no frame of this stays on its stack
/// when it is unwound (`pthread_exit`).
#[unsafe(naked)]
pub(super) unsafe extern "C" fn begin(order: *mut c_void) -> *mut c_void {
    naked_asm!(
        "sub rsp, 8",
        "call {follow}",
        "add rsp, 8",
        "mov rdi, rdx",
        "jmp rax",
        follow = sym follow,
    )
}

unsafe extern "C" fn follow(order: *const Order) -> Todo {
    // SAFETY: a thread that starts in `begin` gets a `&'static Order`.
    unsafe { &*order }.follow()
}

const _: Start = begin;

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    unsafe extern "C" fn report(argument: *mut c_void) -> *mut c_void {
        // SAFETY: the test passes a place that lives until this thread is joined.
        unsafe { *argument.cast::<Origin>() = Origin::of_this_thread() };
        argument
    }

    #[test]
    fn a_thread_knows_where_it_comes_from_and_does_what_it_was_made_for() {
        let origin = Origin { creator: 7, node: 8, recording: 9 };
        let mut seen = Origin::default();
        let argument: *mut c_void = (&raw mut seen).cast();
        let order = Order::new(origin, report as *const () as usize, argument as usize).unwrap();
        let order: *const Order = order;
        let (mut id, mut result) = (0, ptr::null_mut());
        // SAFETY: `begin` gets an order, and the thread is joined before what it writes to goes away.
        let statuses = unsafe {
            let start: extern "C" fn(*mut c_void) -> *mut c_void =
                std::mem::transmute(begin as Start);
            let created =
                libc::pthread_create(&raw mut id, ptr::null(), start, order.cast_mut().cast());
            (created, libc::pthread_join(id, &raw mut result))
        };
        assert_eq!(statuses, (0, 0));
        assert_eq!((seen, result), (origin, argument));
        assert_eq!(Origin::of_this_thread(), Origin::default());
    }

    #[test]
    fn of_too_many_orders_the_last_are_refused() {
        let orders: Vec<_> = std::iter::from_fn(|| Order::new(Origin::default(), 0, 0)).collect();
        assert!(orders.len() > MOST_ORDERS / 2);
        for order in orders {
            order.give_back();
        }
        assert!(Order::new(Origin::default(), 0, 0).map(Order::give_back).is_some());
    }

    #[test]
    fn a_line_of_another_recording_is_no_line() {
        let origin = Origin { creator: 1, node: 2, recording: 3 };
        assert_eq!((origin.node_in(3), origin.node_in(4)), (Some(2), None));
        assert_eq!(Origin::default().node_in(0), None);
    }
}
