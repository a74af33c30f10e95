/// How to get from a function's registers to those of its caller, at one address of the code. Zero bytes are `UNKNOWN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Rule {
    pub end: FrameEnd,
    pub saved: SavedFramePointer,
    pub saved_offset: i16,
    pub end_offset: i32,
}

/// Where the function's frame ends: the stack pointer that its caller had before the call (DWARF's canonical frame
/// address). The return address lies just below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameEnd {
    /// No table says, or it says what is not understood here.
    Unknown = 0,
    /// The function has no caller.
    NoCaller,
    /// At this offset from the stack pointer.
    FromStackPointer,
    /// At this offset from the frame pointer.
    FromFramePointer,
    /// What the word at this offset from the frame pointer says: functions that align their stack.
    StoredAtFramePointer,
}

/// Where the caller's frame pointer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SavedFramePointer {
    /// Still in its register.
    InRegister = 0,
    /// In the word at this offset from the end of the frame.
    AtFrameEnd,
    /// In the word at this offset from the frame pointer.
    AtFramePointer,
}

impl Rule {
    pub const UNKNOWN: Self = Self::without_offsets(FrameEnd::Unknown);
    pub const NO_CALLER: Self = Self::without_offsets(FrameEnd::NoCaller);

    const fn without_offsets(end: FrameEnd) -> Self {
        Self { end, saved: SavedFramePointer::InRegister, saved_offset: 0, end_offset: 0 }
    }
}

/// One place of a cache of rules by address; zero bytes are an empty one. What is cached goes stale when an object is
/// unloaded: empty the cache then.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CachedRule {
    pub(crate) address: usize,
    pub(crate) rule: Rule,
}

impl CachedRule {
    /// No rule yet.
    pub const EMPTY: Self = Self { address: 0, rule: Rule::UNKNOWN };
}
