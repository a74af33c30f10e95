use super::{load, text_of};
use crate::layout::objects::{AttributeStorage, ObjectLayout, object_field, type_flag, type_word};
use crate::layout::{IndexBytes, Layout};
use crate::type_facts::{Attributes, Container};

/// The address of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectAddress(pub usize);

/// Where an object keeps its attributes at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredAttributes {
    /// Nowhere else than in itself.
    Inside,
    /// In an array of values; what lies in front of them belongs to it.
    Values(usize),
    /// In this dict.
    Dict(ObjectAddress),
}

impl ObjectAddress {
    /// `ob_refcnt`; a word that no count can be if the object has been freed.
    ///
    /// # Safety
    /// The first two words can be read.
    #[inline]
    #[must_use]
    pub unsafe fn reference_count(self, layout: &ObjectLayout) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { load::<u64>(self.0, 0) & layout.reference_count_bits }
    }

    /// `ob_type`.
    ///
    /// # Safety
    /// As [`Self::reference_count`].
    #[inline]
    #[must_use]
    pub unsafe fn type_address(self) -> usize {
        // SAFETY: the caller's promise.
        unsafe { load(self.0, object_field::TYPE) }
    }

    /// Whether the collector does not know the object (`_PyObject_GC_IS_TRACKED`): not yet, or no longer.
    ///
    /// # Safety
    /// The collector's words stand in front of the object.
    #[must_use]
    pub unsafe fn is_untracked(self) -> bool {
        // SAFETY: the caller's promise.
        unsafe { load::<u64>(self.0 - object_field::GC_NEXT_BEFORE, 0) == 0 }
    }

    /// The address of the buffer that the object may own, or 0. It lies inside another block when the object shares the
    /// buffer or has it inside itself, and a little behind the start of its block when [`StoredAttributes::Values`] may.
    ///
    /// # Safety
    /// `bytes` can be read from here, which are at least as many as the type wants, and the GIL is held.
    #[inline]
    #[must_use]
    pub unsafe fn buffer(self, container: Container, bytes: usize, layout: &Layout) -> usize {
        // SAFETY: the caller's promise: the object has the fields of its container.
        unsafe {
            match container {
                Container::None => 0,
                Container::List => load(self.0, object_field::LIST_ITEMS),
                Container::Set => load(self.0, object_field::SET_TABLE),
                Container::ByteArray => load(self.0, object_field::BYTEARRAY_BUFFER),
                Container::Bytes => load(self.0, object_field::BYTEARRAY_BYTES),
                Container::Dict => {
                    let values: usize = load(self.0, object_field::DICT_VALUES);
                    // With values of its own, its keys are shared with all instances of a class.
                    if values == 0 { load(self.0, object_field::DICT_KEYS) } else { values }
                }
                Container::Text if bytes < container.least_owner_bytes(layout) => 0,
                Container::Text => {
                    let state: u32 = load(self.0, layout.text.state);
                    let is_compact = state & TEXT_IS_COMPACT != 0;
                    if is_compact { 0 } else { load(self.0, layout.text.compact_data) }
                }
            }
        }
    }

    /// Where the attributes are now.
    ///
    /// # Safety
    /// It is a live object of a type with such attributes, `bytes` long from here, and the GIL is held.
    #[inline]
    #[must_use]
    pub unsafe fn attributes(
        self,
        attributes: Attributes,
        bytes: usize,
        layout: &ObjectLayout,
    ) -> StoredAttributes {
        let word = match attributes {
            Attributes::None => 0,
            // SAFETY: the caller's promise.
            Attributes::Managed => return unsafe { self.managed_attributes(layout.attributes) },
            Attributes::Dict { offset, basic_bytes, item_bytes } => {
                // SAFETY: the caller's promise; the place is checked against the object's size.
                unsafe {
                    self.dict_pointer(offset, basic_bytes as usize, item_bytes as usize, bytes)
                }
            }
        };
        stored_dict(word)
    }

    /// # Safety
    /// As [`Self::attributes`].
    unsafe fn managed_attributes(self, storage: AttributeStorage) -> StoredAttributes {
        // SAFETY: the caller's promise: managed words stand in front of the object.
        unsafe {
            let word: usize = load(self.0 - object_field::MANAGED_DICT_BEFORE, 0);
            match storage {
                AttributeStorage::ValuesAndDict if word == 0 => {
                    let values = load(self.0 - object_field::MANAGED_VALUES_BEFORE, 0);
                    if values == 0 {
                        StoredAttributes::Inside
                    } else {
                        StoredAttributes::Values(values)
                    }
                }
                AttributeStorage::ValuesOrDict if word & 1 == 1 => {
                    StoredAttributes::Values(word + 1)
                }
                _ => stored_dict(word),
            }
        }
    }

    /// `_PyObject_GetDictPtr` (Objects/object.c); 0 without a dict.
    ///
    /// # Safety
    /// The object is live and `bytes` long.
    unsafe fn dict_pointer(
        self,
        offset: i32,
        basic_bytes: usize,
        item_bytes: usize,
        bytes: usize,
    ) -> usize {
        let place = if offset > 0 {
            usize::try_from(offset).ok()
        } else {
            // SAFETY: a type with a negative offset has items, so the object has their number.
            let items: i64 = unsafe { load(self.0, object_field::SIZE) };
            let items = usize::try_from(items.unsigned_abs()).unwrap_or(usize::MAX);
            let whole =
                items.checked_mul(item_bytes).and_then(|size| size.checked_add(basic_bytes));
            let whole = whole.and_then(|size| size.checked_next_multiple_of(size_of::<usize>()));
            whole.and_then(|size| size.checked_sub(usize::try_from(offset.unsigned_abs()).ok()?))
        };
        match place {
            // SAFETY: the word lies inside the object.
            Some(place) if place + size_of::<usize>() <= bytes => unsafe { load(self.0, place) },
            _ => 0,
        }
    }
}

fn stored_dict(word: usize) -> StoredAttributes {
    if word == 0 { StoredAttributes::Inside } else { StoredAttributes::Dict(ObjectAddress(word)) }
}

/// In the bit field of `PyASCIIObject`.
const TEXT_IS_COMPACT: u32 = 1 << 5;

/// The address of a type object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeAddress(pub usize);

impl TypeAddress {
    /// Writes `module.qualname` into the buffer, builtins without their module, cut to the buffer.
    ///
    /// # Safety
    /// It is a type object, and the GIL is held.
    pub unsafe fn write_name<'b>(
        self,
        layout: &Layout,
        objects: &ObjectLayout,
        buffer: &'b mut [u8],
    ) -> &'b [u8] {
        // SAFETY: the caller's promise: a type has a name, and one made at run time a qualified name and a dict.
        unsafe {
            let flags: u64 = load(self.0, type_word::FLAGS * size_of::<u64>());
            if flags & type_flag::HEAP_TYPE == 0 {
                return written(&[self.plain_name()], buffer);
            }
            let mut room = [0; 256];
            let mut more_room = [0; 256];
            let qualified_name =
                text_of(&layout.text, load(self.0, objects.qualified_name), &mut room);
            match text_of(&layout.text, self.module(layout, objects), &mut more_room) {
                b"" => written(&[self.plain_name()], buffer),
                b"builtins" => written(&[qualified_name], buffer),
                module => written(&[module, b".", qualified_name], buffer),
            }
        }
    }

    /// `tp_name`: with the module for types of C extensions.
    ///
    /// # Safety
    /// As [`Self::write_name`].
    unsafe fn plain_name<'a>(self) -> &'a [u8] {
        // SAFETY: `tp_name` is a C string that lives as long as the type.
        unsafe { std::ffi::CStr::from_ptr(load(self.0, type_word::NAME * size_of::<u64>())) }
            .to_bytes()
    }

    /// The `str` under `__module__` in `tp_dict`, 0 if there is none.
    ///
    /// # Safety
    /// As [`Self::write_name`].
    unsafe fn module(self, layout: &Layout, objects: &ObjectLayout) -> usize {
        // SAFETY: `tp_dict` is null or a dict; keys and values of its entries are null or objects.
        unsafe {
            let dict: usize = load(self.0, type_word::DICT * size_of::<u64>());
            if dict == 0 {
                return 0;
            }
            let entries = DictEntries::of(load(dict, object_field::DICT_KEYS), objects);
            let named = entries.filter(|&(key, value)| value != 0 && is_module_key(key, layout));
            named.map(|(_, value)| value).find(|&value| is_text(value)).unwrap_or(0)
        }
    }
}

/// # Safety
/// `object` is 0 or a live object.
unsafe fn is_module_key(object: usize, layout: &Layout) -> bool {
    // SAFETY: the caller's promise; `text_of` wants a `str`, which is checked first.
    object != 0
        && unsafe { is_text(object) && text_of(&layout.text, object, &mut []) == b"__module__" }
}

/// # Safety
/// `object` is a live object.
unsafe fn is_text(object: usize) -> bool {
    // SAFETY: the caller's promise; an object has a type.
    let flags: u64 =
        unsafe { load(load(object, object_field::TYPE), type_word::FLAGS * size_of::<u64>()) };
    flags & type_flag::UNICODE != 0
}

/// Keys and values of a combined dict table.
struct DictEntries {
    next: usize,
    end: usize,
    has_hash: bool,
}

impl DictEntries {
    /// # Safety
    /// `keys` is the table of a live dict without values of its own, which does not change meanwhile.
    unsafe fn of(keys: usize, objects: &ObjectLayout) -> Self {
        let layout = objects.dict_keys;
        // SAFETY: the caller's promise.
        unsafe {
            let (index_bytes, has_hash) = match layout.index_bytes {
                IndexBytes::BySlots => (index_bytes(load(keys, 8)), true),
                IndexBytes::Logarithm => (1 << load::<u8>(keys, 9), load::<u8>(keys, 10) == 0),
            };
            let next = keys + layout.indices + index_bytes;
            let count: usize = load(keys, layout.entry_count);
            Self { next, end: next + count * Self::entry_bytes(has_hash), has_hash }
        }
    }

    const fn entry_bytes(has_hash: bool) -> usize {
        if has_hash { 24 } else { 16 }
    }
}

impl Iterator for DictEntries {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        if self.next >= self.end {
            return None;
        }
        let key = self.next + if self.has_hash { 8 } else { 0 };
        self.next += Self::entry_bytes(self.has_hash);
        // SAFETY: `of` was promised a table that stays; the entry lies before its end.
        Some(unsafe { (load(key, 0), load(key, 8)) })
    }
}

/// As wide as the number of slots needs (3.10, `DK_IXSIZE`).
fn index_bytes(slots: usize) -> usize {
    match slots {
        0..=0xff => slots,
        0x100..=0xffff => slots * 2,
        0x1_0000..=0xffff_ffff => slots * 4,
        _ => slots * 8,
    }
}

/// The parts one after the other, cut to the buffer.
fn written<'b>(parts: &[&[u8]], buffer: &'b mut [u8]) -> &'b [u8] {
    let mut used = 0;
    for part in parts {
        let length = part.len().min(buffer.len() - used);
        buffer[used..used + length].copy_from_slice(&part[..length]);
        used += length;
    }
    &buffer[..used]
}
