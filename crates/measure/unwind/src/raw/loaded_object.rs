use libc::{Elf64_Ehdr, Elf64_Phdr, PT_LOAD, PT_NOTE, c_char, c_int, c_void};
use std::ffi::CStr;
use std::mem::{self, MaybeUninit};
use std::slice;

/// `struct dl_find_object` (dlfcn.h of glibc) on x86-64.
#[repr(C)]
struct Found {
    flags: u64,
    start: *const c_void,
    end: *const c_void,
    link_map: *const LinkMap,
    eh_frame_header: *const c_void,
    reserved: [u64; 7],
}

/// The public part of `struct link_map` (link.h).
#[repr(C)]
struct LinkMap {
    base: usize,
    name: *const c_char,
}

type FindFunction = unsafe extern "C" fn(*mut c_void, *mut Found) -> c_int;

/// `_dl_find_object`, which takes no lock and never allocates; unwinders of exceptions use it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectFinder {
    function: FindFunction,
}

impl ObjectFinder {
    /// `None` before glibc 2.35.
    pub(super) fn new() -> Option<Self> {
        // SAFETY: the name is a C string.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
        // SAFETY: glibc's function of this name has this type; null is `None`.
        unsafe { mem::transmute::<*mut c_void, Option<FindFunction>>(found) }
            .map(|function| Self { function })
    }

    /// The object that the code at `address` is part of.
    pub(super) fn object_at(self, address: usize) -> Option<LoadedObject> {
        let mut found = MaybeUninit::<Found>::zeroed();
        // SAFETY: any address may be asked about; on success the structure is filled.
        let found = unsafe {
            if (self.function)(address as *mut c_void, found.as_mut_ptr()) != 0 {
                return None;
            }
            found.assume_init()
        };
        Some(LoadedObject {
            start: found.start as usize,
            end: found.end as usize,
            link_map: found.link_map as usize,
            eh_frame_header: found.eh_frame_header as usize,
        })
    }
}

/// A program or library in memory. It stays as long as code of it is on the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct LoadedObject {
    /// Its first address.
    pub start: usize,
    /// The first address behind it.
    pub end: usize,
    /// The dynamic linker's own entry for it.
    pub(super) link_map: usize,
    /// Its `.eh_frame_hdr`; 0 without one.
    pub(super) eh_frame_header: usize,
}

/// The magic number and the class that say: ELF, 64 bits.
const ELF_64: [u8; 5] = [0x7f, b'E', b'L', b'F', 2];
/// The first segment is at least one page, and only what is known to lie in it is read.
const FIRST_PAGE_BYTES: usize = 4096;
const NOTE_OWNER: &[u8] = b"GNU\0";
const NOTE_BUILD_ID: u32 = 3;

impl LoadedObject {
    /// Whether `address` lies in it.
    #[must_use]
    pub fn contains(&self, address: usize) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// How far from where its file says it was loaded.
    #[must_use]
    pub fn base(&self) -> usize {
        self.link_map().map_or(0, |link_map| link_map.base)
    }

    /// The path it was loaded by; empty for the program itself.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        let Some(name) = self.link_map().map(|link_map| link_map.name) else { return &[] };
        if name.is_null() {
            return &[];
        }
        // SAFETY: the dynamic linker keeps the name as a C string as long as the object is loaded.
        unsafe { CStr::from_ptr(name) }.to_bytes()
    }

    /// The build id that the linker gave it; empty without one.
    #[must_use]
    pub fn build_id(&self) -> &[u8] {
        let notes = self.headers().iter().filter(|header| header.p_type == PT_NOTE);
        notes
            .filter_map(|header| {
                let start = self.base().wrapping_add(header.p_vaddr as usize);
                self.bytes_from(start)?.get(..header.p_memsz as usize)
            })
            .find_map(build_id_in)
            .unwrap_or_default()
    }

    /// What can be read from `address` to the end of its segment.
    pub(super) fn bytes_from(&self, address: usize) -> Option<&[u8]> {
        let segment =
            self.headers().iter().filter(|header| header.p_type == PT_LOAD).find_map(|header| {
                let start = self.base().wrapping_add(header.p_vaddr as usize);
                // Beyond what is in the file nothing is written that could be read here.
                let end = start.checked_add(header.p_filesz as usize)?;
                (header.p_flags & libc::PF_R != 0 && (start..end).contains(&address)).then_some(end)
            })?;
        if !self.contains(address) || segment > self.end {
            return None;
        }
        // SAFETY: the object's own headers say that these bytes are loaded and readable, and nobody changes constants.
        Some(unsafe { slice::from_raw_parts(address as *const u8, segment - address) })
    }

    fn link_map(&self) -> Option<&LinkMap> {
        // SAFETY: the dynamic linker's entry lives as long as the object is loaded.
        unsafe { (self.link_map as *const LinkMap).as_ref() }
    }

    /// The program headers, where they lie in the first page as linkers put them.
    fn headers(&self) -> &[Elf64_Phdr] {
        if self.end.saturating_sub(self.start) < FIRST_PAGE_BYTES
            || !self.start.is_multiple_of(FIRST_PAGE_BYTES)
        {
            return &[];
        }
        // SAFETY: the first page of a loaded object is mapped, and readable in all objects that have headers there.
        let header = unsafe { &*(self.start as *const Elf64_Ehdr) };
        let (offset, count) = (header.e_phoff as usize, usize::from(header.e_phnum));
        let bytes = count * size_of::<Elf64_Phdr>();
        let is_in_page = offset.checked_add(bytes).is_some_and(|end| end <= FIRST_PAGE_BYTES);
        if !header.e_ident.starts_with(&ELF_64)
            || !is_in_page
            || !offset.is_multiple_of(align_of::<Elf64_Phdr>())
        {
            return &[];
        }
        // SAFETY: within the first page, see above; any bytes are valid headers.
        unsafe { slice::from_raw_parts((self.start + offset) as *const Elf64_Phdr, count) }
    }
}

/// The build id among the notes of one segment (elf.h, `Elf64_Nhdr`).
fn build_id_in(mut notes: &[u8]) -> Option<&[u8]> {
    loop {
        let (owner_bytes, id_bytes, kind) =
            (notes_word(notes, 0)?, notes_word(notes, 4)?, notes_word(notes, 8)?);
        let rest = notes.get(12..)?;
        let owner = rest.get(..owner_bytes as usize)?;
        let rest = rest.get((owner_bytes as usize).next_multiple_of(4)..)?;
        let content = rest.get(..id_bytes as usize)?;
        if kind == NOTE_BUILD_ID && owner == NOTE_OWNER {
            return Some(content);
        }
        notes = rest.get((id_bytes as usize).next_multiple_of(4)..)?;
    }
}

fn notes_word(notes: &[u8], at: usize) -> Option<u32> {
    let bytes = notes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_says_who_it_is() {
        let finder = ObjectFinder::new().unwrap();
        let own = finder.object_at(notes_word as *const () as usize).unwrap();
        assert!(own.contains(notes_word as *const () as usize));
        assert_eq!(own.path(), b"");
        assert!(own.eh_frame_header != 0 && own.bytes_from(own.eh_frame_header).is_some());
        let libc = finder.object_at(libc::getpid as *const () as usize).unwrap();
        assert!(libc.path().ends_with(b"libc.so.6"), "{:?}", libc.path());
        assert_eq!(libc.build_id().len(), 20);
    }

    #[test]
    fn no_object_is_found_where_no_code_is() {
        assert_eq!(ObjectFinder::new().unwrap().object_at(8), None);
    }

    #[test]
    fn a_build_id_is_found_behind_other_notes() {
        let mut notes = Vec::new();
        for (kind, content) in [(1_u32, &[0_u8; 5][..]), (NOTE_BUILD_ID, b"\x01\x02\x03")] {
            notes.extend(
                [4, u32::try_from(content.len()).unwrap(), kind]
                    .map(u32::to_le_bytes)
                    .as_flattened(),
            );
            notes.extend(NOTE_OWNER);
            notes.extend(content);
            notes.resize(notes.len().next_multiple_of(4), 0);
        }
        assert_eq!(build_id_in(&notes), Some(&b"\x01\x02\x03"[..]));
        assert_eq!(build_id_in(&notes[..notes.len() - 5]), None);
    }
}
