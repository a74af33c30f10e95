//! The Python module `lowtide_tracker`.

use super::entered::Ended;
use super::native_stack;
use super::own_memory::OwnArray;
use super::session::{self, ProcessTexts};
use super::{lineage, orders, sampling};
use crate::StartError;
use crate::windows::Figures;
use lowtide_capture::encode_text;
use pyo3_ffi::{
    METH_NOARGS, METH_O, METH_VARARGS, Py_BuildValue, Py_DECREF, Py_None, Py_ssize_t,
    PyArg_ParseTuple, PyBool_FromLong, PyBytes_AsStringAndSize, PyCFunction, PyErr_Clear,
    PyErr_NoMemory, PyErr_Occurred, PyErr_SetString, PyExc_RuntimeError, PyExc_ValueError,
    PyList_GetItem, PyList_Size, PyLong_AsLong, PyLong_AsUnsignedLongLong, PyLong_FromLong,
    PyLong_FromUnsignedLongLong, PyMethodDef, PyMethodDefPointer, PyModule_Create, PyModuleDef,
    PyModuleDef_HEAD_INIT, PyObject, PyObject_IsTrue, PySys_GetObject, PyTuple_GetItem,
    PyUnicode_EncodeFSDefault,
};
use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char, c_int};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{ptr, slice};

struct Module(UnsafeCell<PyModuleDef>);

// SAFETY: only CPython writes it, with the GIL.
unsafe impl Sync for Module {}

struct Methods(UnsafeCell<[PyMethodDef; 12]>);

// SAFETY: nobody writes it.
unsafe impl Sync for Methods {}

static METHODS: Methods = Methods(UnsafeCell::new([
    method(
        c"start",
        METH_O,
        start,
        c"start(path)\n--\n\nRecord this process; the capture goes to the absolute path.",
    ),
    method(
        c"start_on_order",
        METH_VARARGS,
        start_on_order,
        c"start_on_order(path, is_child, orders)\n--\n\nRecord this process when the launcher orders it, through the file of orders.",
    ),
    method(
        c"native_frames",
        METH_O,
        native_frames,
        c"native_frames(wanted)\n--\n\nWhether recordings that begin from now on have native frames.",
    ),
    method(
        c"sample",
        METH_O,
        sample,
        c"sample(mean_bytes)\n--\n\nHave recordings that begin from now on record one block every so many bytes, on average; 0: all.",
    ),
    method(
        c"follow",
        METH_VARARGS,
        follow,
        c"follow(variables, pid)\n--\n\nHave the Pythons that this process starts find these variables (a list of \
          NAME=value), the first of which is PYTHONPATH. Before the start: this process was started by the recorded \
          process pid; 0: by none.",
    ),
    method(
        c"stop",
        METH_NOARGS,
        stop,
        c"stop()\n--\n\nEnd the recording, if there is one, and begin none any more.",
    ),
    method(
        c"end",
        METH_NOARGS,
        end,
        c"end()\n--\n\nAs stop(), but while windows are open the recording goes on for them.",
    ),
    method(
        c"is_recording",
        METH_NOARGS,
        is_recording,
        c"is_recording()\n--\n\nWhether this process is being recorded.",
    ),
    method(
        c"snapshot",
        METH_O,
        snapshot,
        c"snapshot(path)\n--\n\nCopy the capture as it is now to the absolute path.",
    ),
    method(
        c"open_window",
        METH_NOARGS,
        open_window,
        c"open_window()\n--\n\nOpen a window on the recording; its number, or 0 if nothing is recorded.",
    ),
    method(
        c"close_window",
        METH_O,
        close_window,
        c"close_window(number)\n--\n\nClose a window; its figures, or None if it is not open.",
    ),
    PyMethodDef::zeroed(),
]));

const fn method(
    name: &'static CStr,
    flags: c_int,
    function: PyCFunction,
    doc: &'static CStr,
) -> PyMethodDef {
    PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: function },
        ml_flags: flags,
        ml_doc: doc.as_ptr(),
    }
}

static MODULE: Module = Module(UnsafeCell::new(PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"lowtide_tracker".as_ptr(),
    m_doc: c"Records every allocation of this process.".as_ptr(),
    m_size: -1,
    m_methods: METHODS.0.get().cast(),
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
}));

/// Called by CPython when it loads the extension.
///
/// # Safety
/// The caller holds the GIL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_lowtide_tracker() -> *mut PyObject {
    // SAFETY: the caller holds the GIL; the definition lives as long as the process.
    unsafe { PyModule_Create(MODULE.0.get()) }
}

unsafe extern "C" fn start(_module: *mut PyObject, path: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL and a valid argument.
    unsafe {
        let Some(path) = path_text(path) else { return ptr::null_mut() };
        match session::start(&path, process_texts()) {
            Ok(()) => none(),
            Err(error) => raise(&error),
        }
    }
}

unsafe extern "C" fn start_on_order(
    _module: *mut PyObject,
    arguments: *mut PyObject,
) -> *mut PyObject {
    let (mut path, mut orders) = (ptr::null_mut::<PyObject>(), ptr::null_mut::<PyObject>());
    let mut is_child: c_int = 0;
    // SAFETY: CPython calls this with the GIL and a tuple, which owns what the pointers are set to.
    unsafe {
        if PyArg_ParseTuple(
            arguments,
            c"OpO".as_ptr(),
            &raw mut path,
            &raw mut is_child,
            &raw mut orders,
        ) == 0
        {
            return ptr::null_mut();
        }
        let Some(path) = path_text(path) else { return ptr::null_mut() };
        let Some(orders) = path_text(orders) else { return ptr::null_mut() };
        match session::start_on_order(&path, is_child != 0, process_texts(), &orders) {
            Ok(()) => none(),
            Err(error) => raise(&error),
        }
    }
}

unsafe extern "C" fn native_frames(_module: *mut PyObject, wanted: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL and a valid argument.
    unsafe {
        match PyObject_IsTrue(wanted) {
            -1 => ptr::null_mut(),
            wanted => native_stack::want(wanted == 1)
                .map_or_else(|error| raise(&error.into()), |()| none()),
        }
    }
}

unsafe extern "C" fn sample(_module: *mut PyObject, mean_bytes: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL and a valid argument; what is no such number leaves an exception.
    unsafe {
        let mean_bytes = PyLong_AsUnsignedLongLong(mean_bytes);
        if PyErr_Occurred().is_null() {
            sampling::want(mean_bytes);
            none()
        } else {
            ptr::null_mut()
        }
    }
}

unsafe extern "C" fn follow(_module: *mut PyObject, arguments: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL and a tuple; what is no list, text or number gives null and an exception.
    unsafe {
        let (list, pid) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if list.is_null() || pid.is_null() {
            return ptr::null_mut();
        }
        let pid = PyLong_AsLong(pid);
        let Some(variables) = file_system_texts(list).filter(|_| PyErr_Occurred().is_null()) else {
            return ptr::null_mut();
        };
        lineage::set_parent(u32::try_from(pid).unwrap_or(0));
        if orders::set(&variables) { none() } else { PyErr_NoMemory() }
    }
}

unsafe extern "C" fn stop(_module: *mut PyObject, _no_arguments: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL.
    unsafe {
        session::leave();
        none()
    }
}

unsafe extern "C" fn end(_module: *mut PyObject, _no_arguments: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL.
    unsafe {
        match session::end() {
            Ok(Some(ended)) => figures(&ended),
            Ok(None) => none(),
            Err(error) => raise(&error),
        }
    }
}

unsafe extern "C" fn is_recording(
    _module: *mut PyObject,
    _no_arguments: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL.
    unsafe { PyBool_FromLong(session::is_recording().into()) }
}

unsafe extern "C" fn snapshot(_module: *mut PyObject, path: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL and a valid argument.
    unsafe {
        let Some(path) = path_text(path) else { return ptr::null_mut() };
        match session::snapshot(&path) {
            Ok(()) => none(),
            Err(error) => raise(&error),
        }
    }
}

unsafe extern "C" fn open_window(
    _module: *mut PyObject,
    _no_arguments: *mut PyObject,
) -> *mut PyObject {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // SAFETY: CPython calls this with the GIL; the number is owned here until it is returned.
    unsafe {
        if !session::is_recording() {
            return PyLong_FromLong(0);
        }
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        // Made before the window is opened, so as not to be seen in it.
        let number = PyLong_FromUnsignedLongLong(id);
        if number.is_null() {
            return number;
        }
        let Err(error) = session::open_window(id) else { return number };
        Py_DECREF(number);
        raise(&error)
    }
}

unsafe extern "C" fn close_window(_module: *mut PyObject, number: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL and a valid argument; a number that cannot be read sets an exception.
    unsafe {
        let id = PyLong_AsUnsignedLongLong(number);
        if !PyErr_Occurred().is_null() {
            return ptr::null_mut();
        }
        let seen = session::close_window(id);
        seen.map_or_else(|| none(), |seen| figures(&Ended { figures: seen, stop_reason: None }))
    }
}

/// `(peak, before, after, churn in bytes, churn in blocks, temporary in bytes, temporary in blocks, nanoseconds, why it
/// stopped early or None)`.
///
/// # Safety
/// This thread holds the GIL.
unsafe fn figures(ended: &Ended) -> *mut PyObject {
    let reason = ended.stop_reason.and_then(|reason| CString::new(reason.message()).ok());
    let Figures { peak_bytes, before_bytes, after_bytes, churn, temporary, duration_ns } =
        ended.figures;
    // SAFETY: the caller holds the GIL; the arguments are eight numbers of 64 bits and a C string or null, as the format says.
    unsafe {
        Py_BuildValue(
            c"KKKKKKKKz".as_ptr(),
            peak_bytes,
            before_bytes,
            after_bytes,
            churn.bytes,
            churn.blocks,
            temporary.bytes,
            temporary.blocks,
            duration_ns,
            reason.as_ref().map_or(ptr::null(), |reason| reason.as_ptr()),
        )
    }
}

/// Sets the exception that says what failed.
///
/// # Safety
/// This thread holds the GIL.
unsafe fn raise(error: &StartError) -> *mut PyObject {
    let message = CString::new(format!("{error}\nhint: {}", error.hint())).unwrap_or_default();
    // SAFETY: the caller holds the GIL; the message is a C string.
    unsafe { PyErr_SetString(PyExc_RuntimeError, message.as_ptr()) };
    ptr::null_mut()
}

/// # Safety
/// This thread holds the GIL.
unsafe fn none() -> *mut PyObject {
    // SAFETY: None lives as long as the interpreter.
    unsafe {
        let none = Py_None();
        pyo3_ffi::Py_INCREF(none);
        none
    }
}

/// Executable, working directory and the whole command line (`sys.orig_argv`), as the capture keeps them. What cannot be read is left empty.
///
/// # Safety
/// This thread holds the GIL.
unsafe fn process_texts() -> ProcessTexts {
    let mut texts = Vec::new();
    // SAFETY: the caller holds the GIL; `sys` owns both objects while they are read.
    unsafe {
        texts.push(file_system_text(PySys_GetObject(c"executable".as_ptr())).unwrap_or_default());
        PyErr_Clear();
        texts.push(working_directory());
        let argv = PySys_GetObject(c"orig_argv".as_ptr());
        let count = if argv.is_null() { 0 } else { PyList_Size(argv).max(0) };
        for index in 0..count {
            texts.push(file_system_text(PyList_GetItem(argv, index)).unwrap_or_default());
        }
        PyErr_Clear();
    }
    let bytes = texts.iter().map(|text| text.as_bytes().len() + size_of::<u32>()).sum();
    let Some(mut encoded) = OwnArray::zeroed(bytes) else {
        return ProcessTexts { count: 0, encoded: OwnArray::EMPTY };
    };
    let mut room = encoded.as_mut_slice();
    for text in &texts {
        room = encode_text(room, text.as_bytes()).unwrap_or_default();
    }
    ProcessTexts { count: u32::try_from(texts.len()).unwrap_or(0), encoded }
}

/// `os.fsencode` of each text in a list; `None` with an exception set.
///
/// # Safety
/// This thread holds the GIL; `list` is a live object.
unsafe fn file_system_texts(list: *mut PyObject) -> Option<Vec<CString>> {
    // SAFETY: the caller's promise; the list owns its items while they are read.
    unsafe {
        let count = PyList_Size(list);
        (0..count).map(|index| file_system_text(PyList_GetItem(list, index))).collect()
    }
}

/// `os.fsencode(text)`; `None` with an exception set.
///
/// # Safety
/// This thread holds the GIL; `text` is null or a live object.
unsafe fn file_system_text(text: *mut PyObject) -> Option<CString> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise; the bytes are copied before their object goes.
    unsafe {
        let encoded = PyUnicode_EncodeFSDefault(text);
        if encoded.is_null() {
            return None;
        }
        let (mut start, mut length): (*mut c_char, Py_ssize_t) = (ptr::null_mut(), 0);
        let is_bytes = PyBytes_AsStringAndSize(encoded, &raw mut start, &raw mut length) == 0;
        let bytes = is_bytes
            .then(|| slice::from_raw_parts(start.cast::<u8>(), length.unsigned_abs()).to_vec());
        Py_DECREF(encoded);
        CString::new(bytes?).ok()
    }
}

/// `file_system_text(path)`; `None` always with an exception set.
///
/// # Safety
/// As [`file_system_text`].
unsafe fn path_text(path: *mut PyObject) -> Option<CString> {
    // SAFETY: the caller's promise.
    unsafe {
        let text = file_system_text(path);
        if text.is_none() && PyErr_Occurred().is_null() {
            PyErr_SetString(PyExc_ValueError, c"embedded null byte".as_ptr());
        }
        text
    }
}

fn working_directory() -> CString {
    let mut buffer = vec![0; libc::PATH_MAX as usize];
    // SAFETY: the buffer is as long as said.
    let found = unsafe { libc::getcwd(buffer.as_mut_ptr().cast::<c_char>(), buffer.len()) };
    if found.is_null() {
        return CString::default();
    }
    CStr::from_bytes_until_nul(&buffer).map(CStr::to_owned).unwrap_or_default()
}
