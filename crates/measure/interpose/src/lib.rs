//! Replaces functions of loaded objects by patching their relocation slots.
