use object::LittleEndian as LE;
use object::elf::{self, Dyn64, Rela64, Sym64};
use std::ffi::{CStr, c_char};
use std::ops::Range;
use std::slice;

/// A loaded object as the dynamic linker describes it: its segments and the tables that its dynamic section names.
pub(super) struct LoadedObject<'a> {
    name: &'a [u8],
    base: usize,
    headers: &'a [libc::Elf64_Phdr],
    /// From its first segment to the end of its last.
    span: Range<usize>,
    tables: Tables,
}

/// Addresses from the dynamic section; 0 where the section names none.
#[derive(Default)]
struct Tables {
    strings: usize,
    symbols: usize,
    relocations: usize,
    relocation_bytes: usize,
    leading_relative: usize,
    plt_relocations: usize,
    plt_relocation_bytes: usize,
}

impl<'a> LoadedObject<'a> {
    /// # Safety
    /// `info` comes from `dl_iterate_phdr` and is used inside its callback only, so that the object stays loaded.
    pub(super) unsafe fn new(info: &'a libc::dl_phdr_info) -> Self {
        let base = info.dlpi_addr as usize;
        // SAFETY: the dynamic linker gives `dlpi_phnum` headers at `dlpi_phdr`, valid during the callback.
        let headers =
            unsafe { slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let dynamic = headers.iter().find(|header| header.p_type == elf::PT_DYNAMIC.0);
        // SAFETY: PT_DYNAMIC of a loaded object is mapped and ends with DT_NULL.
        let tables = dynamic.map_or_else(Tables::default, |header| unsafe {
            Tables::read(base, (base + header.p_vaddr as usize) as *const Dyn64<LE>)
        });
        // SAFETY: the dynamic linker gives a C string, valid during the callback.
        let name = unsafe { CStr::from_ptr(info.dlpi_name) }.to_bytes();
        let span = span(base, headers);
        Self { name, base, headers, span, tables }
    }

    /// Where its file lies; `None` for the main program and for what has no file.
    pub(super) fn folder(&self) -> Option<&'a [u8]> {
        folder(self.name)
    }

    /// Above every address that the object's file speaks of.
    pub(super) fn extent(&self) -> usize {
        self.span.end - self.base
    }

    pub(super) fn contains(&self, address: usize) -> bool {
        self.span.contains(&address)
            && loaded(self.headers).any(|header| range(self.base, header).contains(&address))
    }

    /// The part that the dynamic linker made read-only after relocation, in whole pages as it rounds them.
    pub(super) fn read_only_after_relocation(&self) -> Option<Range<usize>> {
        let page_mask = !(page_bytes() - 1);
        let header = self.headers.iter().find(|header| header.p_type == elf::PT_GNU_RELRO.0)?;
        let range = range(self.base, header);
        Some(range.start & page_mask..range.end & page_mask)
    }

    /// Calls `visit` with each relocation that could bind a function.
    pub(super) fn for_each_slot(&self, mut visit: impl FnMut(Slot)) {
        let relative = self
            .tables
            .leading_relative
            .min(self.tables.relocation_bytes / size_of::<Rela64<LE>>());
        // SAFETY: `DT_RELA` with `DT_RELASZ`, and `DT_JMPREL` with `DT_PLTRELSZ`, name mapped arrays of a loaded object.
        let (eager, plt) = unsafe {
            (
                relocations(self.tables.relocations, self.tables.relocation_bytes),
                relocations(self.tables.plt_relocations, self.tables.plt_relocation_bytes),
            )
        };
        for relocation in eager.get(relative..).unwrap_or_default().iter().chain(plt) {
            if let Some(slot) = self.slot(relocation) {
                visit(slot);
            }
        }
    }

    fn slot(&self, relocation: &Rela64<LE>) -> Option<Slot> {
        let kind = relocation.r_type(LE, false);
        let binds_function = match kind {
            elf::R_X86_64_JUMP_SLOT | elf::R_X86_64_GLOB_DAT => true,
            elf::R_X86_64_64 => relocation.r_addend.get(LE) == 0,
            _ => false,
        };
        let address = self.base + relocation.r_offset.get(LE) as usize;
        (binds_function && address.is_multiple_of(size_of::<usize>())).then_some(Slot {
            address: address as *mut usize,
            symbol: relocation.r_sym(LE, false) as usize,
        })
    }

    /// The name of a symbol that this object does not define itself.
    pub(super) fn imported_name(&self, symbol: usize) -> Option<&'a CStr> {
        if self.tables.symbols == 0 || self.tables.strings == 0 {
            return None;
        }
        // SAFETY: symbol numbers of relocations are valid indices of `DT_SYMTAB`, whose names are C strings in `DT_STRTAB`.
        unsafe {
            let symbol = &*(self.tables.symbols as *const Sym64<LE>).add(symbol);
            let is_imported = symbol.st_shndx.get(LE) == elf::SHN_UNDEF;
            let name = (self.tables.strings + symbol.st_name.get(LE) as usize) as *const c_char;
            is_imported.then(|| CStr::from_ptr(name))
        }
    }
}

fn loaded(headers: &[libc::Elf64_Phdr]) -> impl Iterator<Item = &libc::Elf64_Phdr> {
    headers.iter().filter(|header| header.p_type == elf::PT_LOAD.0)
}

fn range(base: usize, header: &libc::Elf64_Phdr) -> Range<usize> {
    let start = base + header.p_vaddr as usize;
    start..start + header.p_memsz as usize
}

fn span(base: usize, headers: &[libc::Elf64_Phdr]) -> Range<usize> {
    let ranges = || loaded(headers).map(|header| range(base, header));
    let start = ranges().map(|range| range.start).min().unwrap_or(base);
    start..ranges().map(|range| range.end).max().unwrap_or(base)
}

/// A word that the dynamic linker fills with a function's address.
pub(super) struct Slot {
    pub(super) address: *mut usize,
    /// Index in the object's symbol table.
    pub(super) symbol: usize,
}

impl Tables {
    /// # Safety
    /// `entry` points to the dynamic section of an object that is loaded at `base`.
    unsafe fn read(base: usize, mut entry: *const Dyn64<LE>) -> Self {
        let mut tables = Self::default();
        // glibc relocates these addresses in place where the section is writable, and leaves them alone where it is not.
        let absolute = |value: usize| if value < base { base + value } else { value };
        loop {
            // SAFETY: the section ends with DT_NULL, which ends the loop.
            let (tag, value) = unsafe { ((*entry).d_tag.get(LE), (*entry).d_val.get(LE) as usize) };
            match tag {
                elf::DT_NULL => return tables,
                elf::DT_STRTAB => tables.strings = absolute(value),
                elf::DT_SYMTAB => tables.symbols = absolute(value),
                elf::DT_RELA => tables.relocations = absolute(value),
                elf::DT_RELASZ => tables.relocation_bytes = value,
                elf::DT_RELACOUNT => tables.leading_relative = value,
                elf::DT_JMPREL => tables.plt_relocations = absolute(value),
                elf::DT_PLTRELSZ => tables.plt_relocation_bytes = value,
                _ => {}
            }
            // SAFETY: DT_NULL was not reached yet.
            entry = unsafe { entry.add(1) };
        }
    }
}

/// # Safety
/// `address` is 0, or that of `bytes` bytes of relocations of an object that stays loaded.
unsafe fn relocations<'a>(address: usize, bytes: usize) -> &'a [Rela64<LE>] {
    if address == 0 {
        return &[];
    }
    // SAFETY: the caller's promise; the structure has an alignment of 8 at most, which the linker keeps.
    unsafe { slice::from_raw_parts(address as *const Rela64<LE>, bytes / size_of::<Rela64<LE>>()) }
}

pub(super) fn page_bytes() -> usize {
    // SAFETY: no preconditions.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// What stands before the last slash of a path.
pub(super) fn folder(path: &[u8]) -> Option<&[u8]> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    Some(&path[..slash])
}
