use std::fmt;

/// A CPython feature version, such as 3.13.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PythonVersion {
    /// Always 3 so far.
    pub major: u8,
    /// The number after the first dot.
    pub minor: u8,
}

impl PythonVersion {
    /// The feature version inside `sys.hexversion` (CPython, Include/patchlevel.h).
    #[must_use]
    pub const fn from_hexversion(hexversion: u32) -> Self {
        let [major, minor, _, _] = hexversion.to_be_bytes();
        Self { major, minor }
    }

    /// 3.`minor`.
    #[must_use]
    pub const fn three(minor: u8) -> Self {
        Self { major: 3, minor }
    }
}

impl fmt::Display for PythonVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexversion_of_3_13_0_final() {
        assert_eq!(PythonVersion::from_hexversion(0x030d_00f0), PythonVersion::three(13));
    }
}
