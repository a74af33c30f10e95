//! The only code that knows a CPython version: frames, code objects, line tables, object sizes.
