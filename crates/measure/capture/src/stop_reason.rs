/// Why a tracker gave up before the program ended. What it recorded until then is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum StopReason {
    /// The file system under the capture is full, or a quota is.
    StorageFull = 1,
    /// The kernel refused to grow or map the capture for another reason.
    StorageFailed = 2,
    /// More distinct stacks or records than a capture holds.
    CaptureFull = 3,
    /// The kernel refused memory for the tracker's own tables.
    OutOfMemory = 4,
    /// A second interpreter with a lock of its own was started.
    SecondInterpreter = 5,
    /// Interpreter frames no longer look as they did at start.
    FramesUnreadable = 6,
    /// Somebody replaced Python's memory allocators after the tracker did.
    AllocatorReplaced = 7,
    /// The tracker's own tables contradict each other.
    Inconsistent = 8,
}

impl StopReason {
    const ALL: [Self; 8] = [
        Self::StorageFull,
        Self::StorageFailed,
        Self::CaptureFull,
        Self::OutOfMemory,
        Self::SecondInterpreter,
        Self::FramesUnreadable,
        Self::AllocatorReplaced,
        Self::Inconsistent,
    ];

    /// The number stored in the capture's header.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The reason with this number; `None` for 0 and for reasons of later versions.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What happened, as the end of the sentence "recording stopped early: ...".
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::StorageFull => "no space is left where the capture is written",
            Self::StorageFailed => "the capture could not be grown",
            Self::CaptureFull => "the program has more distinct stacks than a capture holds",
            Self::OutOfMemory => "no memory was left for the tracker's own tables",
            Self::SecondInterpreter => {
                "the program started a second interpreter with a lock of its own"
            }
            Self::FramesUnreadable => "the interpreter's frames could not be read any more",
            Self::AllocatorReplaced => "the program replaced Python's memory allocators",
            Self::Inconsistent => "the tracker's tables contradicted each other",
        }
    }

    /// What the user can do about it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::StorageFull => "free some space, or put the capture elsewhere with --out",
            Self::StorageFailed => "put the capture on a local file system with --out",
            Self::CaptureFull => "measure a shorter run",
            Self::OutOfMemory => "raise the process's memory limit, or measure a smaller run",
            Self::SecondInterpreter => "measure the program without sub-interpreters",
            Self::FramesUnreadable | Self::Inconsistent => {
                "this is a defect of lowtide: please report it with the capture and the Python version"
            }
            Self::AllocatorReplaced => {
                "figures hold up to that moment; measure without the other tool"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_round_trip_through_its_code() {
        for reason in StopReason::ALL {
            assert_eq!(StopReason::from_code(reason.code()), Some(reason));
        }
        assert_eq!(StopReason::from_code(0), None);
        assert_eq!(StopReason::from_code(9), None);
    }
}
