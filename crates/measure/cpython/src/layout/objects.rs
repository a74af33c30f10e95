//! Objects, their types, and where attributes and items are kept. What is the same from 3.10 to 3.15 is a constant.

use crate::type_facts::Container;
use lowtide_units::PythonVersion;

/// What differs between versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectLayout {
    /// `PyHeapTypeObject` to the `str` with the qualified name.
    pub qualified_name: usize,
    /// Bytes of a `PyHeapTypeObject`, at least.
    pub least_type_bytes: usize,
    /// Flags of types whose objects have two more words in front of the collector's.
    pub preheader_flags: u64,
    /// How instances keep their attributes.
    pub attributes: AttributeStorage,
    /// `PyDictKeysObject`.
    pub dict_keys: DictKeysLayout,
    /// What part of an object's first word counts references.
    pub reference_count_bits: u64,
    /// Where a `bytearray` keeps its content.
    pub bytearray: Container,
}

/// How instances of Python classes keep their attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeStorage {
    /// 3.10: a pointer to a dict.
    Dict,
    /// 3.11: a pointer to an array of values and one to a dict, one of them null.
    ValuesAndDict,
    /// 3.12: one word; odd is one less than the array of values, even is a dict.
    ValuesOrDict,
    /// From 3.13 on: values inside the object, and a pointer to a dict.
    InlineValues,
}

/// `PyDictKeysObject` (`Include/internal/pycore_dict.h`; before 3.11 `Objects/dict-common.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DictKeysLayout {
    /// To the number of entries in use.
    pub entry_count: usize,
    /// To the indices; entries follow them.
    pub indices: usize,
    /// How the size of the indices is told.
    pub index_bytes: IndexBytes,
}

/// How large the index of a dict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexBytes {
    /// The word at 8 counts indices; each is as wide as that number needs.
    BySlots,
    /// The byte at 9 is the logarithm of the size, the byte at 10 says whether entries have no hash.
    Logarithm,
}

impl ObjectLayout {
    /// That of a feature version, if it is known.
    #[must_use]
    pub const fn of(version: PythonVersion) -> Option<Self> {
        match version {
            PythonVersion { major: 3, minor: 10 } => Some(V3_10),
            PythonVersion { major: 3, minor: 11 } => Some(V3_11),
            PythonVersion { major: 3, minor: 12 } => Some(V3_12),
            PythonVersion { major: 3, minor: 13 } => Some(V3_13),
            PythonVersion { major: 3, minor: 14 } => Some(V3_14),
            PythonVersion { major: 3, minor: 15 } => Some(V3_15),
            _ => None,
        }
    }
}

const V3_10: ObjectLayout = ObjectLayout {
    qualified_name: 864,
    least_type_bytes: 888,
    preheader_flags: 0,
    attributes: AttributeStorage::Dict,
    dict_keys: DictKeysLayout { entry_count: 32, indices: 40, index_bytes: IndexBytes::BySlots },
    reference_count_bits: u64::MAX,
    bytearray: Container::ByteArray,
};
const V3_11: ObjectLayout = ObjectLayout {
    qualified_name: 864,
    least_type_bytes: 904,
    preheader_flags: type_flag::MANAGED_DICT,
    attributes: AttributeStorage::ValuesAndDict,
    dict_keys: DictKeysLayout { entry_count: 24, indices: 32, index_bytes: IndexBytes::Logarithm },
    ..V3_10
};
const V3_12: ObjectLayout = ObjectLayout {
    qualified_name: 872,
    least_type_bytes: 920,
    preheader_flags: type_flag::MANAGED_DICT | type_flag::MANAGED_WEAKREF,
    attributes: AttributeStorage::ValuesOrDict,
    ..V3_11
};
const V3_13: ObjectLayout =
    ObjectLayout { least_type_bytes: 928, attributes: AttributeStorage::InlineValues, ..V3_12 };
/// The upper 16 bits became flags: one of them marks what is immortal, another what lies inside the interpreter.
const V3_14: ObjectLayout =
    ObjectLayout { least_type_bytes: 936, reference_count_bits: u64::MAX >> 16, ..V3_13 };
/// `PyTypeObject` has one word more, behind all that is read of it.
const V3_15: ObjectLayout = ObjectLayout {
    qualified_name: 880,
    least_type_bytes: 944,
    bytearray: Container::Bytes,
    ..V3_14
};

/// `tp_flags` (Include/object.h).
pub(crate) mod type_flag {
    pub(crate) const MANAGED_WEAKREF: u64 = 1 << 3;
    pub(crate) const MANAGED_DICT: u64 = 1 << 4;
    pub(crate) const HEAP_TYPE: u64 = 1 << 9;
    pub(crate) const READY: u64 = 1 << 12;
    pub(crate) const HAS_GC: u64 = 1 << 14;
    pub(crate) const LIST: u64 = 1 << 25;
    pub(crate) const UNICODE: u64 = 1 << 28;
    pub(crate) const DICT: u64 = 1 << 29;
    pub(crate) const TYPE: u64 = 1 << 31;
}

/// `PyTypeObject` (`Include/cpython/object.h`), in words.
pub(crate) mod type_word {
    pub(crate) const REFERENCE_COUNT: usize = 0;
    pub(crate) const METATYPE: usize = 1;
    pub(crate) const NAME: usize = 3;
    pub(crate) const BASIC_SIZE: usize = 4;
    pub(crate) const ITEM_SIZE: usize = 5;
    pub(crate) const FLAGS: usize = 21;
    pub(crate) const BASE: usize = 32;
    pub(crate) const DICT: usize = 33;
    pub(crate) const DICT_OFFSET: usize = 36;
}

/// Fields of objects, in bytes from the object.
pub(crate) mod object_field {
    pub(crate) const TYPE: usize = 8;
    pub(crate) const SIZE: usize = 16;
    pub(crate) const LIST_ITEMS: usize = 24;
    pub(crate) const BYTEARRAY_BUFFER: usize = 32;
    /// From 3.15 on.
    pub(crate) const BYTEARRAY_BYTES: usize = 56;
    pub(crate) const DICT_KEYS: usize = 32;
    pub(crate) const DICT_VALUES: usize = 40;
    pub(crate) const SET_TABLE: usize = 40;
    /// The words in front of the object: the collector's two, then the managed ones.
    pub(crate) const GC_NEXT_BEFORE: usize = 16;
    pub(crate) const MANAGED_VALUES_BEFORE: usize = 32;
    pub(crate) const MANAGED_DICT_BEFORE: usize = 24;
}
