//! The Python module `lowtide_tracker`: `start(path)` and `stop()`.

use super::own_memory::OwnArray;
use super::session::{self, ProcessTexts};
use lowtide_capture::encode_text;
use pyo3_ffi::{
    METH_NOARGS, METH_O, Py_DECREF, Py_None, Py_ssize_t, PyBytes_AsStringAndSize, PyErr_Clear,
    PyErr_SetString, PyExc_RuntimeError, PyList_GetItem, PyList_Size, PyMethodDef,
    PyMethodDefPointer, PyModule_Create, PyModuleDef, PyModuleDef_HEAD_INIT, PyObject,
    PySys_GetObject, PyUnicode_EncodeFSDefault,
};
use std::cell::UnsafeCell;
use std::ffi::{CStr, CString, c_char};
use std::{ptr, slice};

struct Module(UnsafeCell<PyModuleDef>);

// SAFETY: only CPython writes it, with the GIL.
unsafe impl Sync for Module {}

struct Methods(UnsafeCell<[PyMethodDef; 3]>);

// SAFETY: nobody writes it.
unsafe impl Sync for Methods {}

static METHODS: Methods = Methods(UnsafeCell::new([
    PyMethodDef {
        ml_name: c"start".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: start },
        ml_flags: METH_O,
        ml_doc: c"start(path)\n--\n\nRecord this process; the capture goes to the absolute path."
            .as_ptr(),
    },
    PyMethodDef {
        ml_name: c"stop".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: stop },
        ml_flags: METH_NOARGS,
        ml_doc: c"stop()\n--\n\nEnd the recording.".as_ptr(),
    },
    PyMethodDef::zeroed(),
]));

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
        let Some(path) = file_system_text(path) else { return ptr::null_mut() };
        let outcome = session::start(&path, process_texts());
        if let Err(error) = outcome {
            let message =
                CString::new(format!("{error}\nhint: {}", error.hint())).unwrap_or_default();
            PyErr_SetString(PyExc_RuntimeError, message.as_ptr());
            return ptr::null_mut();
        }
        none()
    }
}

unsafe extern "C" fn stop(_module: *mut PyObject, _no_arguments: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython calls this with the GIL.
    unsafe {
        session::stop();
        none()
    }
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

fn working_directory() -> CString {
    let mut buffer = vec![0; libc::PATH_MAX as usize];
    // SAFETY: the buffer is as long as said.
    let found = unsafe { libc::getcwd(buffer.as_mut_ptr().cast::<c_char>(), buffer.len()) };
    if found.is_null() {
        return CString::default();
    }
    CStr::from_bytes_until_nul(&buffer).map(CStr::to_owned).unwrap_or_default()
}
