//! Functions of libc, hooked for native code of every loaded object: the malloc family, mappings, the loader, threads,
//! what executes programs or ends the process, and those of Python by which native code lets others run.

mod executing;
mod exiting;
mod loader;
mod malloc;
mod mappings;
mod reaping;
mod threads;
mod waiting;

use lowtide_interpose::{InterposeError, Interposer, Replacement};
use std::mem;

static REPLACEMENTS: [Replacement; 39] = [
    Replacement::new(c"malloc", malloc::malloc as *const ()).in_definer_too(),
    Replacement::new(c"calloc", malloc::calloc as *const ()).in_definer_too(),
    Replacement::new(c"realloc", malloc::realloc as *const ()).in_definer_too(),
    Replacement::new(c"free", malloc::free as *const ()).in_definer_too(),
    Replacement::new(c"posix_memalign", malloc::posix_memalign as *const ()),
    Replacement::new(c"aligned_alloc", malloc::aligned_alloc as *const ()),
    Replacement::new(c"memalign", malloc::memalign as *const ()),
    Replacement::new(c"valloc", malloc::valloc as *const ()),
    Replacement::new(c"pvalloc", malloc::pvalloc as *const ()),
    Replacement::new(c"reallocarray", malloc::reallocarray as *const ()),
    Replacement::new(c"dlopen", loader::dlopen as *const ()),
    Replacement::new(c"dlsym", loader::dlsym as *const ()),
    Replacement::new(c"mmap", mappings::mmap as *const ()),
    // The same function where a file offset has 64 bits anyway.
    Replacement::new(c"mmap64", mappings::mmap as *const ()),
    Replacement::new(c"munmap", mappings::munmap as *const ()),
    Replacement::new(c"mprotect", mappings::mprotect as *const ()),
    Replacement::new(c"mremap", mappings::mremap as *const ()),
    Replacement::new(c"pthread_create", threads::pthread_create as *const ()).of_program(),
    Replacement::new(c"PyEval_SaveThread", waiting::save_thread as *const ()).of_program(),
    Replacement::new(c"PyEval_RestoreThread", waiting::restore_thread as *const ()).of_program(),
    Replacement::new(c"PyEval_ReleaseThread", waiting::release_thread as *const ()).of_program(),
    Replacement::new(c"PyEval_AcquireThread", waiting::acquire_thread as *const ()).of_program(),
    Replacement::new(c"dlclose", loader::dlclose as *const ()),
    Replacement::new(c"execve", executing::execve as *const ()),
    Replacement::new(c"execv", executing::execv as *const ()),
    Replacement::new(c"execvpe", executing::execvpe as *const ()),
    Replacement::new(c"execvp", executing::execvp as *const ()),
    Replacement::new(c"fexecve", executing::fexecve as *const ()),
    Replacement::new(c"posix_spawn", executing::posix_spawn as *const ()),
    Replacement::new(c"posix_spawnp", executing::posix_spawnp as *const ()),
    Replacement::new(c"_exit", exiting::_exit as *const ()),
    // The same function under the name that ISO C gives it.
    Replacement::new(c"_Exit", exiting::_exit as *const ()),
    Replacement::new(c"quick_exit", exiting::quick_exit as *const ()),
    Replacement::new(c"exit", exiting::exit as *const ()),
    Replacement::new(c"wait4", reaping::wait4 as *const ()),
    Replacement::new(c"wait3", reaping::wait3 as *const ()),
    Replacement::new(c"waitpid", reaping::waitpid as *const ()),
    Replacement::new(c"wait", reaping::wait as *const ()),
    Replacement::new(c"waitid", reaping::waitid as *const ()),
];

/// Places in [`REPLACEMENTS`].
mod place {
    pub(super) const MALLOC: usize = 0;
    pub(super) const CALLOC: usize = 1;
    pub(super) const REALLOC: usize = 2;
    pub(super) const FREE: usize = 3;
    pub(super) const POSIX_MEMALIGN: usize = 4;
    pub(super) const ALIGNED_ALLOC: usize = 5;
    pub(super) const MEMALIGN: usize = 6;
    pub(super) const VALLOC: usize = 7;
    pub(super) const PVALLOC: usize = 8;
    pub(super) const REALLOCARRAY: usize = 9;
    pub(super) const DLOPEN: usize = 10;
    pub(super) const DLSYM: usize = 11;
    pub(super) const MMAP: usize = 12;
    pub(super) const MUNMAP: usize = 14;
    pub(super) const MPROTECT: usize = 15;
    pub(super) const MREMAP: usize = 16;
    pub(super) const PTHREAD_CREATE: usize = 17;
    pub(super) const SAVE_THREAD: usize = 18;
    pub(super) const RESTORE_THREAD: usize = 19;
    pub(super) const RELEASE_THREAD: usize = 20;
    pub(super) const ACQUIRE_THREAD: usize = 21;
    pub(super) const DLCLOSE: usize = 22;
    pub(super) const EXECVE: usize = 23;
    pub(super) const EXECVPE: usize = 25;
    pub(super) const FEXECVE: usize = 27;
    pub(super) const POSIX_SPAWN: usize = 28;
    pub(super) const POSIX_SPAWNP: usize = 29;
    pub(super) const EXIT_AT_ONCE: usize = 30;
    pub(super) const QUICK_EXIT: usize = 32;
    pub(super) const EXIT: usize = 33;
    pub(super) const WAIT4: usize = 34;
    pub(super) const WAITID: usize = 38;
}

static INTERPOSER: Interposer = Interposer::new(&REPLACEMENTS);

/// Hooks the functions in every object that is loaded.
pub(super) fn install() -> Result<(), InterposeError> {
    INTERPOSER.patch_loaded()
}

/// Gives every object its functions back. Code that kept a hook's address gets through to the original.
pub(super) fn remove() {
    INTERPOSER.restore();
}

/// The function behind the hook at this place, as the function pointer `F`.
///
/// # Safety
/// `F` is the function's type, and `install` was called.
#[inline]
unsafe fn original<F: Copy>(place: usize) -> F {
    let address = REPLACEMENTS[place].original();
    // SAFETY: the caller's promise; a function pointer is an address.
    unsafe { mem::transmute_copy(&address) }
}
