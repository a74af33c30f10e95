//! The target's side of a proof: the Python extension `lowtide_stage`, with one function, `start(run_folder: str)`.
//!
//! In: the run's folder, which names the sources to substitute. Out: Python reads the substitutes in their place, and
//! before the program changes a file or folder, the original is kept and recorded in that folder's journal
//! (`lowtide-journal`), as is what it does to the world outside.
//! Never: Python code, Python names, the interpreter lock, an open descriptor, or a change to what the program sees.
//!
//! It works underneath Python: the functions of libc that open, change, connect and execute are replaced in all loaded
//! objects, so that a native library which writes a file is seen as well as Python's own `open`, and a rewritten source is
//! what `inspect` and tracebacks show. Byte code of a substituted source is neither read nor written.
//!
//! ```python
//! import lowtide_stage
//! lowtide_stage.start("/tmp/lowtide-proof-1/run-3")
//! ```

mod raw;
mod stage;
mod substitution;
