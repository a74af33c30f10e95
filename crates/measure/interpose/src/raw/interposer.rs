use super::filters::{AddressFilter, NameFilter};
use super::loaded_object::{LoadedObject, Slot, folder};
use super::replacement::{Replacement, Spared};
use super::seen_objects::{Generation, SeenObjects};
use crate::InterposeError;
use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Patches the slots of loaded objects, each object once, and can put them back.
pub struct Interposer {
    replacements: &'static [Replacement],
    names: NameFilter,
    originals: AddressFilter,
    functions: AddressFilter,
    /// Touched inside `dl_iterate_phdr` only, whose lock serialises all callers.
    seen: UnsafeCell<SeenObjects>,
    /// An address inside the object that this code is part of.
    own_code: AtomicUsize,
    spares_neighbours: bool,
    /// Written inside `dl_iterate_phdr` only.
    is_on: AtomicBool,
}

// SAFETY: `seen` is touched under the dynamic linker's lock only, see `patch_object`.
unsafe impl Sync for Interposer {}
// SAFETY: nothing here belongs to a thread.
unsafe impl Send for Interposer {}

impl Interposer {
    /// An interposer that has not patched anything yet. Earlier replacements win where two name the same function.
    #[must_use]
    pub const fn new(replacements: &'static [Replacement]) -> Self {
        Self {
            replacements,
            names: NameFilter::of(replacements),
            originals: AddressFilter::new(),
            functions: AddressFilter::new(),
            seen: UnsafeCell::new(SeenObjects::new()),
            own_code: AtomicUsize::new(0),
            spares_neighbours: false,
            is_on: AtomicBool::new(false),
        }
    }

    /// Also leaves objects alone that lie in the folder of the object that this code is part of: a package's own.
    #[must_use]
    pub const fn sparing_neighbours(mut self) -> Self {
        self.spares_neighbours = true;
        self
    }

    /// Patches every object that is loaded and was not patched yet. Call [`Self::patch_new`] after something was loaded.
    ///
    /// # Errors
    /// When a symbol is defined nowhere, or when a slot cannot be written; other objects are still patched.
    pub fn patch_loaded(&self) -> Result<(), InterposeError> {
        for replacement in self.replacements {
            replacement.resolve()?;
            self.originals.add(replacement.original() as usize);
            self.functions.add(replacement.function as usize);
        }
        self.visit_objects(Direction::Patch)
    }

    /// Patches what was loaded since [`Self::patch_loaded`]; nothing after [`Self::restore`].
    ///
    /// # Errors
    /// When a slot cannot be written; other objects are still patched.
    pub fn patch_new(&self) -> Result<(), InterposeError> {
        self.visit_objects(Direction::PatchNew)
    }

    /// Whether slots are patched: from `patch_loaded` to `restore`.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Gives every patched slot its original back. Objects loaded since `patch_loaded` are unharmed.
    pub fn restore(&self) {
        // A slot that cannot be written any more keeps the replacement, which must go on working anyway.
        let _ = self.visit_objects(Direction::Restore);
    }

    /// The function that callers of `original` shall get instead, if it is one of the replaced.
    #[must_use]
    pub fn replacement_of(&self, original: *mut c_void) -> Option<*mut c_void> {
        let replaced =
            |replacement: &&Replacement| !original.is_null() && replacement.original() == original;
        self.replacements
            .iter()
            .find(replaced)
            .map(|replacement| replacement.function.cast_mut().cast())
    }

    /// Whether a function of this name is replaced.
    #[must_use]
    pub fn replaces(&self, name: &CStr) -> bool {
        self.replacements.iter().any(|replacement| replacement.symbol == name)
    }

    fn visit_objects(&self, direction: Direction) -> Result<(), InterposeError> {
        self.own_code.store(Self::visit_objects as *const () as usize, Ordering::Relaxed);
        let mut visit = Visit { interposer: self, direction, is_first: true, outcome: Ok(()) };
        // SAFETY: `visit_object` is given the `Visit` that lives until the call returns.
        unsafe { libc::dl_iterate_phdr(Some(visit_object), (&raw mut visit).cast()) };
        visit.outcome
    }

    /// Whether there is anything to visit. A thread that loaded something while another restored must not patch again.
    fn begins(&self, direction: Direction, generation: Generation) -> bool {
        match direction {
            Direction::Patch => self.is_on.store(true, Ordering::Relaxed),
            Direction::PatchNew if !self.is_on() => return false,
            Direction::PatchNew => {}
            Direction::Restore => {
                self.is_on.store(false, Ordering::Relaxed);
                return true;
            }
        }
        // SAFETY: `dl_iterate_phdr` holds the dynamic linker's lock around this call, so no other reference exists.
        unsafe { &mut *self.seen.get() }.begin(generation)
    }

    /// Whether nothing is left to do for an object. Most are asked about each time that one is loaded.
    fn is_done(&self, identity: usize, direction: Direction) -> bool {
        // SAFETY: as in `begins`.
        direction != Direction::Restore && unsafe { &*self.seen.get() }.contains(identity)
    }

    fn patch_object(
        &self,
        identity: usize,
        object: &LoadedObject,
        direction: Direction,
    ) -> Result<(), InterposeError> {
        // SAFETY: as in `begins`.
        let seen = unsafe { &mut *self.seen.get() };
        match direction {
            Direction::Restore => {
                seen.clear();
                self.rewrite_slots(object, direction).map(|_| ())
            }
            _ if self.is_exempt(object) => Ok(()),
            _ => match self.rewrite_slots(object, direction) {
                Ok(Relocated::Yes) => seen.insert(identity),
                outcome => {
                    seen.mark_incomplete();
                    outcome.map(|_| ())
                }
            },
        }
    }

    /// What calls this code, and with it the originals, must get through to them.
    fn is_exempt(&self, object: &LoadedObject) -> bool {
        let own_code = self.own_code.load(Ordering::Relaxed);
        object.contains(own_code)
            || (self.spares_neighbours
                && object.folder().is_some()
                && object.folder() == folder_of(own_code))
    }

    /// Whether the object keeps all slots but those that are replaced in their definer too.
    fn is_spared(&self, object: &LoadedObject) -> bool {
        self.replacements.iter().any(|replacement| {
            replacement.spares != Spared::ThisSymbol
                && object.contains(replacement.original() as usize)
        })
    }

    fn rewrite_slots(
        &self,
        object: &LoadedObject,
        direction: Direction,
    ) -> Result<Relocated, InterposeError> {
        let mut relocated = Relocated::Yes;
        let mut outcome = Ok(());
        let mut protection = Protection::new(object.read_only_after_relocation());
        let is_spared = self.is_spared(object);
        let replaces = |replacement: &&Replacement| match replacement.spares {
            Spared::AllButThisSymbol => true,
            Spared::WholeObject => !is_spared,
            Spared::ThisSymbol => !is_spared && !object.contains(replacement.original() as usize),
        };
        object.for_each_slot(|slot| {
            // SAFETY: a relocation's slot is a mapped word of the object; the dynamic linker may write it at any time.
            let cell = unsafe { AtomicUsize::from_ptr(slot.address) };
            let wanted = match direction {
                Direction::Restore => self.restored_value(cell.load(Ordering::Relaxed)),
                _ => self.patched_value(object, &slot, cell.load(Ordering::Relaxed), replaces),
            };
            match wanted {
                Wanted::Keep => {}
                Wanted::NotRelocatedYet => relocated = Relocated::No,
                Wanted::Write(function) => match protection.lift_for(slot.address as usize) {
                    Ok(()) => cell.store(function, Ordering::Release),
                    Err(error) => outcome = Err(error),
                },
            }
        });
        protection.put_back();
        outcome.map(|()| relocated)
    }

    fn patched_value(
        &self,
        object: &LoadedObject,
        slot: &Slot,
        current: usize,
        replaces: impl Fn(&&Replacement) -> bool,
    ) -> Wanted {
        let bound = |replacement: &&Replacement| replacement.original() as usize == current;
        if self.originals.may_hold(current)
            && let Some(replacement) = self.replacements.iter().find(bound)
        {
            return if replaces(&replacement) {
                Wanted::Write(replacement.function as usize)
            } else {
                Wanted::Keep
            };
        }
        let is_bound = !object.contains(current) && current >= object.extent();
        if is_bound && !self.spares_neighbours {
            return Wanted::Keep;
        }
        // The slot is not bound yet: lazily (it points into its own object), or because the object is being loaded by
        // another thread (it holds 0 or an address as in the file). Only its name tells what it will be.
        let Some(name) = object.imported_name(slot.symbol).filter(|name| self.names.may_hold(name))
        else {
            return Wanted::Keep;
        };
        let named = |replacement: &&Replacement| replacement.symbol == name;
        let Some(replacement) = self.replacements.iter().find(named).filter(replaces) else {
            return Wanted::Keep;
        };
        match (is_bound, object.contains(current)) {
            // A neighbour that replaces the same function was first. It is behind this one: its own slots are spared.
            (true, _) if current != replacement.function as usize && self.is_neighbour(current) => {
                Wanted::Write(replacement.function as usize)
            }
            (true, _) => Wanted::Keep,
            (false, true) => Wanted::Write(replacement.function as usize),
            (false, false) => Wanted::NotRelocatedYet,
        }
    }

    /// Whether the address lies in an object of the same folder as this code.
    fn is_neighbour(&self, address: usize) -> bool {
        let folder = folder_of(address);
        folder.is_some() && folder == folder_of(self.own_code.load(Ordering::Relaxed))
    }

    fn restored_value(&self, current: usize) -> Wanted {
        if !self.functions.may_hold(current) {
            return Wanted::Keep;
        }
        let patched = |replacement: &&Replacement| replacement.function as usize == current;
        self.replacements
            .iter()
            .find(patched)
            .map_or(Wanted::Keep, |replacement| Wanted::Write(replacement.original() as usize))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Patch,
    PatchNew,
    Restore,
}

#[derive(PartialEq)]
enum Relocated {
    Yes,
    No,
}

enum Wanted {
    Keep,
    NotRelocatedYet,
    Write(usize),
}

struct Visit<'a> {
    interposer: &'a Interposer,
    direction: Direction,
    is_first: bool,
    outcome: Result<(), InterposeError>,
}

unsafe extern "C" fn visit_object(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    visit: *mut c_void,
) -> c_int {
    // SAFETY: `visit_objects` passes a `Visit` that nothing else refers to; the dynamic linker passes a valid `info`.
    let (info, visit) = unsafe { (&*info, &mut *visit.cast::<Visit>()) };
    if std::mem::take(&mut visit.is_first) {
        let generation = Generation { loaded: info.dlpi_adds, unloaded: info.dlpi_subs };
        if !visit.interposer.begins(visit.direction, generation) {
            return 1;
        }
    }
    // No two objects have their headers at one address.
    let identity = info.dlpi_phdr as usize;
    if visit.interposer.is_done(identity, visit.direction) {
        return 0;
    }
    // SAFETY: `info` is used inside this callback only.
    let object = unsafe { LoadedObject::new(info) };
    let outcome = visit.interposer.patch_object(identity, &object, visit.direction);
    visit.outcome = visit.outcome.and(outcome);
    0
}

/// The folder of the object that `address` lies in. It is asked for inside `dl_iterate_phdr`, where a thread may go through
/// the objects again; `dladdr` would wait there for whoever loads one, and that for this thread.
fn folder_of(address: usize) -> Option<&'static [u8]> {
    let mut search = Search { address, name: ptr::null() };
    // SAFETY: `look_into_object` is given the `Search` that lives until the call returns.
    unsafe { libc::dl_iterate_phdr(Some(look_into_object), (&raw mut search).cast()) };
    if search.name.is_null() {
        return None;
    }
    // SAFETY: the name of a loaded object is a C string. Whoever asks runs in it, or is about to call it, so it stays.
    folder(unsafe { CStr::from_ptr(search.name) }.to_bytes())
}

struct Search {
    address: usize,
    name: *const c_char,
}

unsafe extern "C" fn look_into_object(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    search: *mut c_void,
) -> c_int {
    // SAFETY: `folder_of` passes a `Search` that nothing else refers to; the dynamic linker passes a valid `info`, which is
    // used inside this callback only.
    unsafe {
        let (info, search) = (&*info, &mut *search.cast::<Search>());
        let is_found = LoadedObject::new(info).contains(search.address);
        if is_found {
            search.name = info.dlpi_name;
        }
        c_int::from(is_found)
    }
}

/// The pages that are read-only after relocation: writable from the first slot that needs it until `put_back`.
struct Protection {
    read_only: Range<usize>,
    is_lifted: bool,
}

impl Protection {
    fn new(read_only: Option<Range<usize>>) -> Self {
        Self { read_only: read_only.unwrap_or(0..0), is_lifted: false }
    }

    fn lift_for(&mut self, address: usize) -> Result<(), InterposeError> {
        if self.is_lifted || !self.read_only.contains(&address) {
            return Ok(());
        }
        self.is_lifted = self.protect(libc::PROT_READ | libc::PROT_WRITE);
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        if self.is_lifted { Ok(()) } else { Err(InterposeError::Protected { errno }) }
    }

    fn put_back(self) {
        if self.is_lifted {
            self.protect(libc::PROT_READ);
        }
    }

    fn protect(&self, access: c_int) -> bool {
        // SAFETY: whole pages of a loaded object that the dynamic linker itself made read-only; they stay readable.
        unsafe {
            libc::mprotect(self.read_only.start as *mut c_void, self.read_only.len(), access) == 0
        }
    }
}
