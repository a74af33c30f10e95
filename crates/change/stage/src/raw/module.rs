//! The extension module. It has two phases of initialisation, so that loading it leaves no trace in `sys.modules`.

use super::replaced;
use crate::stage::Stage;
use pyo3_ffi::{
    METH_O, Py_DECREF, Py_NewRef, Py_None, PyBytes_AsString, PyErr_SetString, PyExc_RuntimeError,
    PyMethodDef, PyMethodDefPointer, PyModuleDef, PyModuleDef_HEAD_INIT, PyModuleDef_Init,
    PyObject, PyUnicode_EncodeFSDefault,
};
use std::cell::UnsafeCell;
use std::ffi::CString;
use std::ptr::{null, null_mut};

/// What Python writes into when it loads the module.
struct Definition<T>(UnsafeCell<T>);

// SAFETY: only Python touches the content, and it holds its import lock or the interpreter lock when it does.
unsafe impl<T> Sync for Definition<T> {}

static METHODS: Definition<[PyMethodDef; 2]> = Definition(UnsafeCell::new([
    PyMethodDef {
        ml_name: c"start".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: start },
        ml_flags: METH_O,
        ml_doc: c"start(run_folder: str) -> None: stage this process as that folder says.".as_ptr(),
    },
    PyMethodDef::zeroed(),
]));

static MODULE: Definition<PyModuleDef> = Definition(UnsafeCell::new(PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"lowtide_stage".as_ptr(),
    m_doc: null(),
    m_size: 0,
    m_methods: METHODS.0.get().cast(),
    m_slots: null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
}));

/// The symbol that Python looks for.
#[unsafe(no_mangle)]
pub extern "C" fn PyInit_lowtide_stage() -> *mut PyObject {
    // SAFETY: the definition lives as long as the process.
    unsafe { PyModuleDef_Init(MODULE.0.get()) }
}

unsafe extern "C" fn start(_module: *mut PyObject, run_folder: *mut PyObject) -> *mut PyObject {
    // SAFETY: Python passes an object; what is no string gives null and an exception.
    let encoded = unsafe { PyUnicode_EncodeFSDefault(run_folder) };
    if encoded.is_null() {
        return null_mut();
    }
    // SAFETY: `encoded` is a bytes object, whose content is a C string while it lives.
    Stage::set(unsafe { super::path::path(PyBytes_AsString(encoded)) });
    // SAFETY: the reference that this function was given by `PyUnicode_EncodeFSDefault`.
    unsafe { Py_DECREF(encoded) };
    match replaced::start() {
        // SAFETY: None lives as long as the interpreter.
        Ok(()) => unsafe { Py_NewRef(Py_None()) },
        Err(error) => {
            let message = CString::new(error.to_string()).unwrap_or_default();
            // SAFETY: the interpreter lock is held in a call from Python; the message is copied.
            unsafe { PyErr_SetString(PyExc_RuntimeError, message.as_ptr()) };
            null_mut()
        }
    }
}
