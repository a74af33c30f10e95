use super::address_map::AddressMap;
use super::own_memory::OwnArray;
use lowtide_capture::layout::UNKNOWN_MODULE;
use lowtide_capture::{CaptureWriter, ModuleFacts, StopReason};
use lowtide_unwind::{LoadedObject, Unwinder};

const FIRST_CAPACITY: usize = 64;

/// Code by its place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NativeCode {
    /// Module id, or [`UNKNOWN_MODULE`].
    pub(super) module: u32,
    /// In the addresses of the module's file.
    pub(super) address: u32,
}

const UNKNOWN: NativeCode = NativeCode { module: UNKNOWN_MODULE, address: 0 };

/// The id in the capture of each program and library that native frames were seen in.
pub(super) struct ModuleTable {
    places: OwnArray<Place>,
    used: usize,
    /// A library that is unloaded and loaded again gets its old id.
    by_content: AddressMap,
}

#[derive(Clone, Copy)]
struct Place {
    object: LoadedObject,
    base: usize,
    id: u32,
}

impl ModuleTable {
    pub(super) const EMPTY: Self =
        Self { places: OwnArray::EMPTY, used: 0, by_content: AddressMap::EMPTY };

    /// What is loaded where has changed.
    pub(super) fn forget_places(&mut self) {
        self.used = 0;
    }

    /// Where the code at `address` of this process's memory is from. A module is written down when it is first seen.
    pub(super) fn locate(
        &mut self,
        address: usize,
        unwinder: &Unwinder,
        writer: &mut CaptureWriter,
    ) -> Result<NativeCode, StopReason> {
        let Some(object) = unwinder.object_at(address) else { return Ok(UNKNOWN) };
        let known = self.places.as_slice()[..self.used].iter().find(|place| place.object == object);
        let Place { base, id, .. } = match known {
            Some(place) => *place,
            None => self.add(object, writer)?,
        };
        let code = u32::try_from(address.wrapping_sub(base))
            .map_or(UNKNOWN, |address| NativeCode { module: id, address });
        Ok(code)
    }

    #[cold]
    fn add(
        &mut self,
        object: LoadedObject,
        writer: &mut CaptureWriter,
    ) -> Result<Place, StopReason> {
        let mut room = [0; libc::PATH_MAX as usize];
        let path = match object.path() {
            b"" => own_program(&mut room),
            path => path,
        };
        let facts = ModuleFacts {
            base: object.base() as u64,
            start: object.start as u64,
            end: object.end as u64,
            build_id: object.build_id(),
            path,
        };
        let place = Place { object, base: object.base(), id: self.id_of(&facts, writer)? };
        if self.used == self.places.capacity()
            && !self.places.grow((self.used * 2).max(FIRST_CAPACITY))
        {
            return Err(StopReason::OutOfMemory);
        }
        self.places.as_mut_slice()[self.used] = place;
        self.used += 1;
        Ok(place)
    }

    fn id_of(
        &mut self,
        facts: &ModuleFacts,
        writer: &mut CaptureWriter,
    ) -> Result<u32, StopReason> {
        let hash = content_hash(facts);
        if let Some(id) = self.by_content.get(hash) {
            return Ok(id);
        }
        let id = writer.add_module(facts)?;
        if self.by_content.insert(hash, id) { Ok(id) } else { Err(StopReason::OutOfMemory) }
    }
}

/// FNV-1a over 64 bits, never 0.
fn content_hash(facts: &ModuleFacts) -> u64 {
    let bytes = [facts.path, b"\0", facts.build_id].into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    }) | 1
}

/// The path of the program itself, which the dynamic linker does not keep.
fn own_program(room: &mut [u8]) -> &[u8] {
    // SAFETY: the name is a C string, and the room is as long as said.
    let length =
        unsafe { libc::readlink(c"/proc/self/exe".as_ptr(), room.as_mut_ptr().cast(), room.len()) };
    room.get(..length.max(0).unsigned_abs()).unwrap_or_default()
}
