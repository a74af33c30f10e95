//! Everything that works on addresses: the program's memory, the tracker's own, the capture's.
#![expect(unsafe_code, reason = "the tracker hooks C functions and reads its host by address")]
#![expect(
    clippy::cast_possible_truncation,
    reason = "an address has 64 bits on every platform that is supported"
)]

mod address_map;
#[cfg(not(test))]
mod arenas;
mod c_strings;
mod call_tree;
#[cfg(not(test))]
mod capture_path;
mod census;
mod clock;
mod code_table;
mod control;
#[cfg(not(test))]
mod domains;
mod entered;
mod errno;
#[cfg(not(test))]
mod events;
#[cfg(not(test))]
mod fast_path;
mod fork_place;
mod gate;
#[cfg(not(test))]
mod interpreter;
#[cfg(not(test))]
mod leaving;
mod lineage;
mod loaded_range;
mod mapped_ranges;
#[cfg(not(test))]
mod module;
mod module_table;
#[cfg(not(test))]
mod native;
mod native_stack;
mod nodes;
#[cfg(not(test))]
mod only_thread;
mod open_windows;
mod orders;
mod origin;
mod other_children;
mod own_memory;
mod prefetch;
mod recent;
mod recording;
mod residency;
mod sampling;
#[cfg(not(test))]
mod session;
mod shadow;
mod stack;
mod started_program;
mod thread;
#[cfg(not(test))]
mod thread_variable;
mod waiting;
