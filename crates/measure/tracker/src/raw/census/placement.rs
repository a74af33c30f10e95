use super::known_types::Heap;
use lowtide_cpython::{Attributes, Container, TypeFacts};

/// What is counted of an object: its type, and whether other blocks belong to it.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) type_index: u32,
    pub(super) container: Container,
    pub(super) has_attributes: bool,
}

/// Which type it is, and what a block must be like to hold an object of it.
#[derive(Clone, Copy)]
pub(super) struct Placement {
    pub(super) owner: Owner,
    object_offset: u32,
    least_block_bytes: u32,
    /// An object in a smaller block owns nothing but that.
    least_owner_bytes: u32,
}

impl Placement {
    pub(super) const NONE: Self = Self {
        owner: Owner { type_index: u32::MAX, container: Container::None, has_attributes: false },
        object_offset: 0,
        least_block_bytes: 0,
        least_owner_bytes: 0,
    };

    pub(super) fn of(index: u32, facts: &TypeFacts, heap: Heap) -> Self {
        let in_block = |object_bytes: usize| {
            u32::try_from(object_bytes.saturating_add(facts.object_offset)).unwrap_or(u32::MAX)
        };
        let least_owner_bytes = match facts.attributes {
            Attributes::None => facts.container.least_owner_bytes(heap.moment.layout),
            Attributes::Dict { .. } | Attributes::Managed => 0,
        };
        Self {
            owner: Owner {
                type_index: index,
                container: facts.container,
                has_attributes: facts.attributes != Attributes::None,
            },
            object_offset: in_block(0),
            least_block_bytes: in_block(facts.least_object_bytes),
            least_owner_bytes: in_block(least_owner_bytes),
        }
    }

    /// Whether an object of this type can begin so far into a block of `block_bytes`.
    #[inline]
    pub(super) fn begins_at(self, offset: usize, block_bytes: u64) -> bool {
        self.object_offset as usize == offset && block_bytes >= self.least_block_bytes.into()
    }

    /// Whether an object in a block of `block_bytes` may own other blocks.
    #[inline]
    pub(super) fn may_own(self, block_bytes: u64) -> bool {
        block_bytes >= self.least_owner_bytes.into()
    }
}
