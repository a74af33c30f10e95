use crate::layout::Layout;
use crate::layout::objects::{AttributeStorage, ObjectLayout, type_flag, type_word};

/// So many words of a type object are looked at.
pub const TYPE_WORDS: usize = type_word::DICT_OFFSET + 1;

/// `PyGC_Head` in front of an object that the collector knows, and the two words that may stand in front of that.
const GC_HEAD_BYTES: usize = 16;
const PREHEADER_BYTES: usize = 16;
/// `PyObject`, which every object begins with.
const LEAST_OBJECT_BYTES: u64 = 16;
/// A type whose objects are larger is none: the words are something else.
const LARGEST_BASIC_BYTES: u64 = 1 << 24;
/// Compact strings are smaller than their type says (`PyASCIIObject`).
const LEAST_TEXT_BYTES: usize = 40;

/// What a type object says of its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeFacts {
    /// The type of the type.
    pub metatype: usize,
    /// `tp_base`, 0 for `object`.
    pub base: usize,
    /// Bytes from the start of an object's block to the object.
    pub object_offset: usize,
    /// An object is at least so large.
    pub least_object_bytes: usize,
    /// Whether the type is part of a library, not made at run time.
    pub is_static: bool,
    /// Whether objects of this type are types.
    pub is_metatype: bool,
    /// What its objects own, as far as the type's flags tell.
    pub container: Container,
    /// Where its objects keep their attributes.
    pub attributes: Attributes,
}

/// A buffer that objects of a type own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// None that is known.
    None,
    /// `list`: an array of items.
    List,
    /// `dict`, `frozendict`: keys and values.
    Dict,
    /// `set`, `frozenset`: a table, if they are not small.
    Set,
    /// `bytearray`: bytes.
    ByteArray,
    /// `bytearray` from 3.15 on: a `bytes`.
    Bytes,
    /// Subclasses of `str`: characters.
    Text,
}

impl Container {
    /// Smaller objects own no buffer.
    #[must_use]
    pub fn least_owner_bytes(self, layout: &Layout) -> usize {
        match self {
            Self::None => usize::MAX,
            // Compact strings have their characters inside, and are smaller than others.
            Self::Text => layout.text.compact_data + size_of::<usize>(),
            Self::List | Self::Dict | Self::Set | Self::ByteArray | Self::Bytes => 0,
        }
    }
}

/// Where objects of a type keep their attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributes {
    /// They have none, or slots.
    None,
    /// In a dict, to which a pointer stands in the object; a negative offset counts from the end of its items.
    Dict {
        /// `tp_dictoffset`.
        offset: i32,
        /// `tp_basicsize`.
        basic_bytes: u32,
        /// `tp_itemsize`.
        item_bytes: u32,
    },
    /// Where the interpreter manages it (`Py_TPFLAGS_MANAGED_DICT`).
    Managed,
}

impl TypeFacts {
    /// Reads a copy of the first words of what may be a type object; `None` when it cannot be one.
    #[must_use]
    pub fn from_words(words: &[u64; TYPE_WORDS], layout: &ObjectLayout) -> Option<Self> {
        let [basic_bytes, item_bytes] = [words[type_word::BASIC_SIZE], words[type_word::ITEM_SIZE]];
        let flags = words[type_word::FLAGS];
        let is_plausible = words[type_word::REFERENCE_COUNT] != 0
            && flags & type_flag::READY != 0
            && words[type_word::NAME] != 0
            && (LEAST_OBJECT_BYTES..LARGEST_BASIC_BYTES).contains(&basic_bytes)
            && item_bytes < LARGEST_BASIC_BYTES;
        if !is_plausible {
            return None;
        }
        let container = container_of(flags);
        let basic = usize::try_from(basic_bytes).ok()?;
        Some(Self {
            metatype: usize::try_from(words[type_word::METATYPE]).ok()?,
            base: usize::try_from(words[type_word::BASE]).ok()?,
            object_offset: object_offset(flags, layout),
            least_object_bytes: if container == Container::Text { LEAST_TEXT_BYTES } else { basic },
            is_static: flags & type_flag::HEAP_TYPE == 0,
            is_metatype: flags & type_flag::TYPE != 0,
            container,
            attributes: attributes_of(words, layout)?,
        })
    }
}

fn object_offset(flags: u64, layout: &ObjectLayout) -> usize {
    let collected = if flags & type_flag::HAS_GC != 0 { GC_HEAD_BYTES } else { 0 };
    let managed = if flags & layout.preheader_flags != 0 { PREHEADER_BYTES } else { 0 };
    collected + managed
}

fn container_of(flags: u64) -> Container {
    match flags {
        _ if flags & type_flag::LIST != 0 => Container::List,
        _ if flags & type_flag::DICT != 0 => Container::Dict,
        _ if flags & type_flag::UNICODE != 0 => Container::Text,
        _ => Container::None,
    }
}

fn attributes_of(words: &[u64; TYPE_WORDS], layout: &ObjectLayout) -> Option<Attributes> {
    let is_managed = words[type_word::FLAGS] & type_flag::MANAGED_DICT != 0;
    if is_managed && layout.attributes != AttributeStorage::Dict {
        return Some(Attributes::Managed);
    }
    let offset = i32::try_from(words[type_word::DICT_OFFSET].cast_signed()).ok()?;
    if offset == 0 {
        return Some(Attributes::None);
    }
    let basic_bytes = u32::try_from(words[type_word::BASIC_SIZE]).ok()?;
    let item_bytes = u32::try_from(words[type_word::ITEM_SIZE]).ok()?;
    Some(Attributes::Dict { offset, basic_bytes, item_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lowtide_units::PythonVersion;

    /// `class A` as 3.10, 3.11, 3.12 and 3.13 to 3.15 make it.
    fn facts(minor: u8, flags: u64, dict_offset: i64, basic_size: u64) -> Option<TypeFacts> {
        let mut words = [0; TYPE_WORDS];
        words[type_word::REFERENCE_COUNT] = 5;
        words[type_word::METATYPE] = 0x1000;
        words[type_word::NAME] = 0x2000;
        words[type_word::BASIC_SIZE] = basic_size;
        words[type_word::FLAGS] = flags;
        words[type_word::DICT_OFFSET] = dict_offset.cast_unsigned();
        TypeFacts::from_words(&words, &ObjectLayout::of(PythonVersion::three(minor)).unwrap())
    }

    #[test]
    fn objects_of_a_python_class_begin_where_their_version_puts_them() {
        let dict = Attributes::Dict { offset: 16, basic_bytes: 32, item_bytes: 0 };
        let seen =
            |facts: Option<TypeFacts>| facts.map(|facts| (facts.object_offset, facts.attributes));
        assert_eq!(seen(facts(10, 0x5600, 16, 32)), Some((16, dict)));
        assert_eq!(seen(facts(11, 0x5610, -48, 24)), Some((32, Attributes::Managed)));
        assert_eq!(seen(facts(12, 0x5618, -1, 16)), Some((32, Attributes::Managed)));
        for minor in 13..=15 {
            assert_eq!(seen(facts(minor, 0x561c, -1, 16)), Some((32, Attributes::Managed)));
        }
    }

    #[test]
    fn slots_with_a_weak_reference_have_a_preheader_from_3_12_on() {
        assert_eq!(facts(11, 0x5600, 0, 24).unwrap().object_offset, 16);
        assert_eq!(facts(12, 0x5608, 0, 16).unwrap().object_offset, 32);
    }

    #[test]
    fn builtin_containers_are_told_by_their_flags() {
        let container = |flags, basic_size| facts(10, flags, 0, basic_size).unwrap().container;
        assert_eq!(container(0x0248_5520, 40), Container::List);
        assert_eq!(container(0x2048_5540, 48), Container::Dict);
        assert_eq!(container(0x1048_1500, 80), Container::Text);
        assert_eq!(container(0x0448_5520, 24), Container::None);
        assert!(facts(10, 0x8048_5500, 0, 880).unwrap().is_metatype);
    }

    #[test]
    fn what_is_not_ready_or_has_no_size_is_no_type() {
        assert_eq!(facts(11, 0x4610, -48, 24), None);
        assert_eq!(facts(11, 0x5610, -48, 8), None);
        assert_eq!(
            facts(11, 0x5610, i64::MIN, 24).map(|facts| facts.attributes),
            Some(Attributes::Managed)
        );
        assert_eq!(facts(10, 0x5600, i64::MIN, 24), None);
    }
}
