//! The running interpreter: what lies where, who holds the GIL, and whether its frames are read right.

use super::{loaded_range, only_thread, thread, thread_variable};
use lowtide_cpython::{CodeAddress, Frame, FrameAddress, Layout, UnsupportedPython};
use lowtide_units::PythonVersion;
use pyo3_ffi::{
    Py_DECREF, PyErr_Clear, PyLong_AsLong, PyLong_AsUnsignedLong, PyObject, PyObject_CallNoArgs,
    PyObject_GetAttrString, PySys_GetObject,
};
use std::ffi::{CStr, c_void};
use std::num::NonZero;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

type ThreadStateFunction = unsafe extern "C" fn() -> usize;

/// `_PyRuntime`'s word with the thread state that holds the GIL; null where that is a thread-local variable.
static CURRENT_WORD: AtomicPtr<usize> = AtomicPtr::new(ptr::null_mut());
/// How far from its thread pointer a thread keeps its thread state, where that is a variable at a fixed place; else 0.
static CURRENT_VARIABLE: AtomicUsize = AtomicUsize::new(0);
/// `PyThreadState_GetUnchecked`, or what it was called before 3.13.
static CURRENT_FUNCTION: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// `PyGILState_GetThisThreadState`.
static OWN_FUNCTION: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
/// The interpreter that is recorded, and where a thread state names its own.
static INTERPRETER: AtomicUsize = AtomicUsize::new(0);
static INTERPRETER_OFFSET: AtomicUsize = AtomicUsize::new(0);
/// Whether an interpreter can have a GIL of its own (PEP 684).
static HAS_OWN_GILS: AtomicBool = AtomicBool::new(false);

/// Where the object lies that CPython's code is in: start, and end (not included).
static OBJECT: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// How many frames are compared with what Python says of them.
const FRAMES_CHECKED: usize = 32;

/// The thread state that holds the GIL (3.10, 3.11), or that of this thread if it does (later). 0: none.
#[inline]
pub(super) fn current_thread_state() -> usize {
    let word = CURRENT_WORD.load(Ordering::Relaxed);
    if !word.is_null() {
        // SAFETY: a word of `_PyRuntime`, which lives as long as the process; others write it atomically.
        return unsafe { AtomicUsize::from_ptr(word) }.load(Ordering::Relaxed);
    }
    let variable = CURRENT_VARIABLE.load(Ordering::Relaxed);
    if variable != 0 {
        // SAFETY: `find` saw the variable there, in storage that every thread has.
        let thread_state = unsafe { thread::word_at(variable) };
        // What was confirmed once in this thread is read from the right place.
        if thread_state == thread::known_thread_state() {
            return thread_state;
        }
    }
    call(&CURRENT_FUNCTION)
}

/// `current_thread_state` for a thread that holds the GIL, if it is the one that this thread was last seen with, and so
/// one of the recorded interpreter.
#[inline]
pub(super) fn confirmed_thread_state() -> Option<NonZero<usize>> {
    let word = CURRENT_WORD.load(Ordering::Relaxed);
    // SAFETY: as in `current_thread_state`. At no distance lies the thread pointer, which is no thread state.
    let thread_state = unsafe {
        if word.is_null() {
            thread::word_at(CURRENT_VARIABLE.load(Ordering::Relaxed))
        } else {
            AtomicUsize::from_ptr(word).load(Ordering::Relaxed)
        }
    };
    NonZero::new(thread_state).filter(|state| state.get() == thread::known_thread_state())
}

/// Whether `confirmed_thread_state` has a place to look at.
#[inline]
pub(super) fn sees_current_thread_state() -> bool {
    !CURRENT_WORD.load(Ordering::Relaxed).is_null() || CURRENT_VARIABLE.load(Ordering::Relaxed) != 0
}

/// Whether `current_thread_state` never names that of another thread.
#[inline]
pub(super) fn knows_own_only() -> bool {
    CURRENT_WORD.load(Ordering::Relaxed).is_null()
}

/// The thread state of this thread, with or without the GIL. 0: none.
pub(super) fn own_thread_state() -> usize {
    call(&OWN_FUNCTION)
}

/// The thread state of this thread in the recorded interpreter, with or without the GIL.
pub(super) fn own_if_recorded() -> Option<usize> {
    let own = own_thread_state();
    (own != 0 && !is_foreign(own)).then_some(own)
}

/// Whether this thread state belongs to an interpreter whose GIL is not the recorded one's.
#[inline]
pub(super) fn is_foreign(thread_state: usize) -> bool {
    thread_state != thread::known_thread_state() && belongs_elsewhere(thread_state)
}

#[cold]
fn belongs_elsewhere(thread_state: usize) -> bool {
    // Before 3.12 all interpreters share one GIL.
    if thread_state == 0 || !HAS_OWN_GILS.load(Ordering::Relaxed) {
        thread::remember_thread_state(thread_state);
        return false;
    }
    // SAFETY: a thread state that is current lives, and names its interpreter in its first words.
    let interpreter =
        unsafe { *((thread_state + INTERPRETER_OFFSET.load(Ordering::Relaxed)) as *const usize) };
    let is_elsewhere = interpreter != INTERPRETER.load(Ordering::Relaxed);
    if !is_elsewhere {
        thread::remember_thread_state(thread_state);
    }
    is_elsewhere
}

/// Whether this address lies in CPython itself: the program, or the library that it is.
pub(super) fn contains(address: usize) -> bool {
    let [start, end] = OBJECT.each_ref().map(|place| place.load(Ordering::Relaxed));
    (start..end).contains(&address)
}

fn call(function: &AtomicPtr<c_void>) -> usize {
    let address = function.load(Ordering::Relaxed);
    if address.is_null() {
        return 0;
    }
    // SAFETY: `find` stored the address of a function of CPython with this signature, which needs no GIL.
    unsafe { std::mem::transmute::<*mut c_void, ThreadStateFunction>(address)() }
}

/// Finds out where the running interpreter keeps its frames, and checks it against what Python says.
///
/// # Safety
/// This thread holds the GIL.
pub(super) unsafe fn find() -> Result<(u32, Layout), UnsupportedPython> {
    // SAFETY: the caller holds the GIL; `_PyRuntime` begins with as many words as the layout of that version wants.
    unsafe {
        let hexversion = hexversion();
        let runtime = symbol(c"_PyRuntime").cast::<usize>();
        let words = match NonNull::new(runtime.cast::<u64>()) {
            Some(first) => slice::from_raw_parts(first.as_ptr(), Layout::runtime_words(hexversion)),
            None => &[],
        };
        let layout = Layout::of(hexversion, words)?;
        let differs = UnsupportedPython::FramesDiffer { version: layout.version };
        find_functions();
        only_thread::find(symbol);
        let thread_state = call(&CURRENT_FUNCTION);
        if runtime.is_null() || thread_state == 0 {
            return Err(differs);
        }
        if let Some(offset) = layout.runtime_current_thread {
            let word = runtime.byte_add(offset);
            if *word == thread_state {
                CURRENT_WORD.store(word, Ordering::Relaxed);
            }
        }
        find_variable(thread_state);
        HAS_OWN_GILS.store(layout.version >= PythonVersion::three(12), Ordering::Relaxed);
        INTERPRETER_OFFSET.store(layout.thread.interpreter, Ordering::Relaxed);
        INTERPRETER.store(
            *((thread_state + layout.thread.interpreter) as *const usize),
            Ordering::Relaxed,
        );
        if frames_agree(&layout, thread_state) { Ok((hexversion, layout)) } else { Err(differs) }
    }
}

fn find_functions() {
    let newer = symbol(c"PyThreadState_GetUnchecked");
    let current = if newer.is_null() { symbol(c"_PyThreadState_UncheckedGet") } else { newer };
    CURRENT_FUNCTION.store(current, Ordering::Relaxed);
    OWN_FUNCTION.store(symbol(c"PyGILState_GetThisThreadState"), Ordering::Relaxed);
    let range = loaded_range::around(current as usize);
    OBJECT[0].store(range.start, Ordering::Relaxed);
    OBJECT[1].store(range.end, Ordering::Relaxed);
}

/// Static storage lies this close below the thread pointer; farther away it belongs to a library that was loaded later,
/// and lies elsewhere in each thread.
const STATIC_STORAGE_BYTES: usize = 16 << 10;

fn find_variable(thread_state: usize) {
    let function = CURRENT_FUNCTION.load(Ordering::Relaxed) as usize;
    // SAFETY: that of CPython which `find_functions` found, or 0.
    let address = unsafe { thread_variable::find(function, thread_state) };
    let Some(address) = address else { return };
    let below = thread::pointer().wrapping_sub(address);
    if below <= STATIC_STORAGE_BYTES {
        CURRENT_VARIABLE.store(below.wrapping_neg(), Ordering::Relaxed);
    }
}

pub(super) fn symbol(name: &CStr) -> *mut c_void {
    // SAFETY: the name is a C string.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// # Safety
/// This thread holds the GIL.
unsafe fn hexversion() -> u32 {
    // SAFETY: the caller holds the GIL; the reference is borrowed from `sys`.
    unsafe {
        let number = PySys_GetObject(c"hexversion".as_ptr());
        if number.is_null() { 0 } else { PyLong_AsUnsignedLong(number) as u32 }
    }
}

/// Whether the frames walked are those that `sys._getframe()` and `f_back` give.
///
/// # Safety
/// This thread holds the GIL, and `thread_state` is its own.
unsafe fn frames_agree(layout: &Layout, thread_state: usize) -> bool {
    // SAFETY: the caller's promise. No code of Python runs while the frames are walked, so none goes away.
    unsafe {
        let getframe = PySys_GetObject(c"_getframe".as_ptr());
        let mut expected =
            if getframe.is_null() { None } else { Owned::new(PyObject_CallNoArgs(getframe)) };
        let mut next = FrameAddress::innermost(layout, thread_state);
        let mut checked = 0;
        while let (Some(frame), true) = (next, checked < FRAMES_CHECKED) {
            next = frame.previous(&layout.frame);
            let Some(found) = frame.resolve(layout) else { continue };
            let Some(python_frame) = expected.take() else { return false };
            if python_frame.as_frame() != Some(found) {
                return false;
            }
            expected = python_frame.attribute(c"f_back").filter(|back| !back.is_none());
            checked += 1;
        }
        checked > 0
    }
}

/// A reference to a Python object that this code owns.
struct Owned(NonNull<PyObject>);

impl Owned {
    /// # Safety
    /// This thread holds the GIL as long as the result lives; `object` is null with an exception set, or a new reference.
    unsafe fn new(object: *mut PyObject) -> Option<Self> {
        let owned = NonNull::new(object).map(Self);
        if owned.is_none() {
            // SAFETY: the caller's promise.
            unsafe { PyErr_Clear() };
        }
        owned
    }

    fn attribute(&self, name: &CStr) -> Option<Self> {
        // SAFETY: `new`'s caller holds the GIL, and the object is alive.
        unsafe { Self::new(PyObject_GetAttrString(self.0.as_ptr(), name.as_ptr())) }
    }

    fn is_none(&self) -> bool {
        // SAFETY: compares addresses only.
        self.0.as_ptr() == unsafe { pyo3_ffi::Py_None() }
    }

    /// What this frame object says of itself.
    fn as_frame(&self) -> Option<Frame> {
        let code = self.attribute(c"f_code")?;
        let instruction = self.attribute(c"f_lasti")?;
        // SAFETY: as in `attribute`; `f_lasti` is an int.
        let instruction = unsafe { PyLong_AsLong(instruction.0.as_ptr()) };
        Some(Frame {
            code: CodeAddress(code.0.as_ptr() as usize),
            instruction: u32::try_from(instruction).ok()?,
        })
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `new`'s caller holds the GIL, and this reference is owned.
        unsafe { Py_DECREF(self.0.as_ptr()) };
    }
}
