//! The table of all replaced functions.

use super::{changing, executing, loading, network, opening};
use lowtide_interpose::{InterposeError, Interposer, Replacement};

/// The tracker beside it opens files that are none of the program's.
static INTERPOSER: Interposer = Interposer::new(&REPLACEMENTS).sparing_neighbours();

/// Replaces the functions in everything that is loaded now.
pub(super) fn start() -> Result<(), InterposeError> {
    INTERPOSER.patch_loaded()
}

/// The same for what was loaded since. A library that cannot be patched goes unseen, and the program goes on.
pub(super) fn patch_loaded() {
    let _ = INTERPOSER.patch_loaded();
}

macro_rules! replacements {
    ($($symbol:literal => $function:path,)*) => {
        [$(Replacement::new($symbol, $function as *const ())),*]
    };
}

static REPLACEMENTS: [Replacement; 53] = replacements! {
    c"open" => opening::open,
    c"open64" => opening::open,
    c"openat" => opening::openat,
    c"openat64" => opening::openat,
    c"__open_2" => opening::open_2,
    c"__open64_2" => opening::open_2,
    c"__openat_2" => opening::openat_2,
    c"__openat64_2" => opening::openat_2,
    c"creat" => opening::creat,
    c"creat64" => opening::creat,
    c"fopen" => opening::fopen,
    c"fopen64" => opening::fopen,
    c"freopen" => opening::freopen,
    c"freopen64" => opening::freopen,
    c"unlink" => changing::unlink,
    c"unlinkat" => changing::unlinkat,
    c"remove" => changing::remove,
    c"rmdir" => changing::rmdir,
    c"mkdir" => changing::mkdir,
    c"mkdirat" => changing::mkdirat,
    c"rename" => changing::rename,
    c"renameat" => changing::renameat,
    c"renameat2" => changing::renameat2,
    c"link" => changing::link,
    c"linkat" => changing::linkat,
    c"symlink" => changing::symlink,
    c"symlinkat" => changing::symlinkat,
    c"mkfifo" => changing::mkfifo,
    c"mknod" => changing::mknod,
    c"truncate" => changing::truncate64,
    c"truncate64" => changing::truncate64,
    c"chmod" => changing::chmod,
    c"fchmod" => changing::fchmod,
    c"fchmodat" => changing::fchmodat,
    c"chown" => changing::chown,
    c"fchown" => changing::fchown,
    c"lchown" => changing::lchown,
    c"fchownat" => changing::fchownat,
    c"utimes" => changing::utimes,
    c"utimensat" => changing::utimensat,
    c"futimens" => changing::futimens,
    c"execv" => executing::execv,
    c"execve" => executing::execve,
    c"execvp" => executing::execvp,
    c"execvpe" => executing::execvpe,
    c"posix_spawn" => executing::posix_spawn,
    c"posix_spawnp" => executing::posix_spawnp,
    c"system" => executing::system,
    c"popen" => executing::popen,
    c"connect" => network::connect,
    c"bind" => network::bind,
    c"sendto" => network::sendto,
    c"dlopen" => loading::dlopen,
};
