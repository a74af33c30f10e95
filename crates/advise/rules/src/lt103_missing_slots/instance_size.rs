//! What an instance whose attributes are all slots takes in CPython.
//!
//! Bytes are those that the interpreter asks of its allocator on 64-bit Linux. They are the same from 3.10 to 3.14: only the plain
//! instance changed with the versions (a shared-key dict in 3.10, an array of values apart from the object in 3.11 and 3.12, inside
//! it from 3.13, and a hash table of its own from 30 attributes on), and that one is measured, never modelled.

use crate::Measured;

/// `PyGC_Head`: two words before every object that the cycle collector follows (`Include/internal/pycore_gc.h`).
const GC_HEADER_BYTES: u64 = 16;
/// `PyObject`: reference count and type (`Include/object.h`).
const OBJECT_HEADER_BYTES: u64 = 16;
/// One attribute in its slot.
const SLOT_BYTES: u64 = 8;

/// Bytes of one instance with `attributes` slots, neither `__dict__` nor `__weakref__` among them.
pub const fn slotted_instance_bytes(attributes: u32) -> u64 {
    GC_HEADER_BYTES + OBJECT_HEADER_BYTES + SLOT_BYTES * attributes as u64
}

/// What the measured instances shrink by when each keeps nothing but `attributes` slots.
pub const fn slots_saving_bytes(instances: Measured, attributes: u32) -> u64 {
    instances.bytes.saturating_sub(instances.count * slotted_instance_bytes(attributes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_two_coordinates_takes_48_bytes() {
        assert_eq!(slotted_instance_bytes(2), 48);
    }

    #[test]
    fn instances_already_smaller_than_their_slots_save_nothing() {
        assert_eq!(slots_saving_bytes(Measured { bytes: 40, count: 1 }, 2), 0);
    }
}
