use lowtide_capture::Ending;
use lowtide_units::Bytes;
use std::time::Duration;

/// How a program ended, and what the kernel counted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Exit status or signal.
    pub exit: Exit,
    /// Most resident bytes of the program, or of the largest child that it waited for where that is more.
    pub peak_rss: Bytes,
    /// From start to end by the monotonic clock, without lowtide's own preparations.
    pub duration: Duration,
    /// Processor time in user mode, children that it waited for included.
    pub user_time: Duration,
    /// Processor time in the kernel, likewise.
    pub system_time: Duration,
    /// Whether the capture that was asked for was begun. It is not when the command started no Python, or one that
    /// ignores its environment (`-I`, `-E`, `-S`).
    pub recorded: bool,
    /// Which of the program's recordings was the last that began: 1 unless it was controlled.
    pub recording: u32,
    /// The last signal that was sent to this process meanwhile, by a terminal or by anyone. The program got it too.
    pub received: Option<i32>,
}

/// Exit status or signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It left with this status.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl Exit {
    /// Whether the program says that all went well.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Exit::Code(0)
    }
}

impl Ended {
    /// What is noted in the capture.
    #[must_use]
    pub fn ending(&self) -> Ending {
        let (exit_code, signal) = match self.exit {
            Exit::Code(code) => (code, 0),
            Exit::Signal(signal) => (0, signal),
        };
        Ending {
            peak_rss_bytes: self.peak_rss.0,
            duration_ns: u64::try_from(self.duration.as_nanos()).unwrap_or(u64::MAX),
            exit_code,
            signal,
        }
    }
}
