//! Functions that reach other processes and machines.

use crate::stage::Stage;
use lowtide_journal::Follow;
use std::ffi::{OsStr, c_int, c_void};
use std::mem::offset_of;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

enum Address {
    Network(SocketAddr),
    /// A socket with a name in the file system.
    Path(PathBuf),
    /// Inside this machine, without a file: nothing that lasts.
    Passing,
}

/// # Safety
/// `address` is null or points at `length` readable bytes.
unsafe fn decode(address: *const libc::sockaddr, length: libc::socklen_t) -> Address {
    if address.is_null() {
        return Address::Passing;
    }
    // SAFETY: by this function's contract.
    let bytes = unsafe { std::slice::from_raw_parts(address.cast::<u8>(), length as usize) };
    decode_bytes(bytes).unwrap_or(Address::Passing)
}

fn decode_bytes(bytes: &[u8]) -> Option<Address> {
    let family = u16::from_ne_bytes(*bytes.first_chunk()?);
    let port = || bytes.get(2..4)?.try_into().ok().map(u16::from_be_bytes);
    match c_int::from(family) {
        libc::AF_INET => {
            let host: [u8; 4] =
                bytes.get(offset_of!(libc::sockaddr_in, sin_addr)..)?.first_chunk().copied()?;
            Some(Address::Network((Ipv4Addr::from(host), port()?).into()))
        }
        libc::AF_INET6 => {
            let host: [u8; 16] =
                bytes.get(offset_of!(libc::sockaddr_in6, sin6_addr)..)?.first_chunk().copied()?;
            Some(Address::Network((Ipv6Addr::from(host), port()?).into()))
        }
        libc::AF_UNIX => {
            let name = bytes
                .get(offset_of!(libc::sockaddr_un, sun_path)..)?
                .split(|byte| *byte == 0)
                .next()?;
            (!name.is_empty()).then(|| Address::Path(Path::new(OsStr::from_bytes(name)).to_owned()))
        }
        _ => None,
    }
}

fn note(verb: &str, address: &Address) {
    let Some(stage) = Stage::get() else { return };
    match address {
        Address::Network(address) => stage.note_effect(verb, &address.to_string()),
        Address::Path(path) => stage.note_effect(verb, &path.to_string_lossy()),
        Address::Passing => {}
    }
}

pub(super) unsafe extern "C" fn connect(
    socket: c_int,
    address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> c_int {
    // SAFETY: the caller passes `connect` an address of that length.
    note("connects to", &unsafe { decode(address, length) });
    // SAFETY: the caller's own arguments.
    unsafe { libc::connect(socket, address, length) }
}

pub(super) unsafe extern "C" fn bind(
    socket: c_int,
    address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> c_int {
    // SAFETY: the caller passes `bind` an address of that length.
    let decoded = unsafe { decode(address, length) };
    note("listens on", &decoded);
    if let (Address::Path(path), Some(stage)) = (&decoded, Stage::get()) {
        // The socket's file stays behind. Failing to record it loses nothing of the user's.
        let _ = stage.keep(path, Follow::Nothing);
    }
    // SAFETY: the caller's own arguments.
    unsafe { libc::bind(socket, address, length) }
}

pub(super) unsafe extern "C" fn sendto(
    socket: c_int,
    data: *const c_void,
    bytes: usize,
    flags: c_int,
    address: *const libc::sockaddr,
    length: libc::socklen_t,
) -> isize {
    // SAFETY: the caller passes `sendto` an address of that length, or null.
    note("sends to", &unsafe { decode(address, length) });
    // SAFETY: the caller's own arguments.
    unsafe { libc::sendto(socket, data, bytes, flags, address, length) }
}
