use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// One line of a run's journal. On disk: the kind and its fields, each ended by a NUL byte, which no path can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// The program is about to change this path for the first time.
    Touched {
        /// Absolute, without links in its folders.
        path: PathBuf,
        /// What was there.
        original: Original,
        /// Whether the name is random, as the `tempfile` module makes them.
        random_name: bool,
    },
    /// The program is about to change what this folder lists.
    Listing {
        /// The folder.
        path: PathBuf,
        /// Its time of modification before, in nanoseconds since 1970.
        modified_ns: i128,
    },
    /// The program is about to rename a folder with all that is in it.
    Moved {
        /// The old path.
        from: PathBuf,
        /// The new path.
        to: PathBuf,
    },
    /// The program is about to do something that no journal can undo.
    Effect(Effect),
    /// An original could not be kept, so the program's call was made to fail.
    Refused {
        /// The path it was about to change.
        path: PathBuf,
        /// Why it could not be kept.
        reason: String,
    },
}

/// What stood at a path before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Original {
    /// Nothing.
    Absent,
    /// A regular file.
    File {
        /// Name of its copy in the run's folder.
        kept: String,
        /// How it stood in its folder.
        inode: Inode,
    },
    /// A folder.
    Folder {
        /// Permission bits.
        mode: u32,
        /// Time of modification, in nanoseconds since 1970.
        modified_ns: i128,
    },
    /// A symbolic link.
    Link {
        /// What it points at, as written in the link.
        target: PathBuf,
    },
}

/// A regular file's identity and attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inode {
    /// Device and number.
    pub identity: (u64, u64),
    /// Permission bits.
    pub mode: u32,
    /// User and group.
    pub owner: (u32, u32),
    /// Time of modification, in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Time of the last change of content or attributes, in nanoseconds since 1970; no program can set it.
    pub changed_ns: i128,
}

/// Something done to the world outside the user's files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// What is done, such as `connects to`.
    pub verb: String,
    /// To what, such as `127.0.0.1:80`.
    pub object: String,
}

impl Record {
    /// The record as it stands in the journal.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut line = Fields::default();
        match self {
            Self::Touched { path, original, random_name } => {
                line.text(original.kind()).path(path).text(if *random_name {
                    "random"
                } else {
                    "given"
                });
                original.encode(&mut line);
            }
            Self::Listing { path, modified_ns } => {
                line.text("listing").path(path).text(&modified_ns.to_string());
            }
            Self::Moved { from, to } => {
                line.text("moved").path(from).path(to);
            }
            Self::Effect(effect) => {
                line.text("effect").text(&effect.verb).text(&effect.object);
            }
            Self::Refused { path, reason } => {
                line.text("refused").path(path).text(reason);
            }
        }
        line.0
    }

    /// All whole records of a journal; what follows a torn one is ignored.
    #[must_use]
    pub fn decode_all(journal: &[u8]) -> Vec<Record> {
        let end = journal.iter().rposition(|byte| *byte == 0).unwrap_or(0);
        let mut fields = journal[..end].split(|byte| *byte == 0);
        std::iter::from_fn(|| decode(&mut fields)).collect()
    }
}

impl Original {
    fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::File { .. } => "file",
            Self::Folder { .. } => "folder",
            Self::Link { .. } => "link",
        }
    }

    fn encode(&self, line: &mut Fields) {
        match self {
            Self::Absent => {}
            Self::File { kept, inode } => {
                line.text(kept);
                for number in inode.numbers() {
                    line.text(&number.to_string());
                }
            }
            Self::Folder { mode, modified_ns } => {
                line.text(&mode.to_string()).text(&modified_ns.to_string());
            }
            Self::Link { target } => {
                line.path(target);
            }
        }
    }
}

impl Inode {
    fn numbers(&self) -> [i128; 7] {
        [
            self.identity.0.into(),
            self.identity.1.into(),
            self.mode.into(),
            self.owner.0.into(),
            self.owner.1.into(),
            self.modified_ns,
            self.changed_ns,
        ]
    }
}

#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn bytes(&mut self, field: &[u8]) -> &mut Self {
        // A NUL cannot come from a path; in other text it would shift every later field.
        self.0.extend(field.iter().filter(|byte| **byte != 0));
        self.0.push(0);
        self
    }

    fn text(&mut self, field: &str) -> &mut Self {
        self.bytes(field.as_bytes())
    }

    fn path(&mut self, field: &Path) -> &mut Self {
        self.bytes(field.as_os_str().as_bytes())
    }
}

fn decode<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<Record> {
    let kind = text(fields)?;
    match kind.as_str() {
        "listing" => Some(Record::Listing { path: path(fields)?, modified_ns: number(fields)? }),
        "moved" => Some(Record::Moved { from: path(fields)?, to: path(fields)? }),
        "effect" => Some(Record::Effect(Effect { verb: text(fields)?, object: text(fields)? })),
        "refused" => Some(Record::Refused { path: path(fields)?, reason: text(fields)? }),
        _ => {
            let path = path(fields)?;
            let random_name = text(fields)? == "random";
            let original = decode_original(&kind, fields)?;
            Some(Record::Touched { path, original, random_name })
        }
    }
}

fn decode_original<'a>(
    kind: &str,
    fields: &mut impl Iterator<Item = &'a [u8]>,
) -> Option<Original> {
    match kind {
        "absent" => Some(Original::Absent),
        "file" => Some(Original::File { kept: text(fields)?, inode: decode_inode(fields)? }),
        "folder" => Some(Original::Folder { mode: number(fields)?, modified_ns: number(fields)? }),
        "link" => Some(Original::Link { target: path(fields)? }),
        _ => None,
    }
}

fn decode_inode<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<Inode> {
    Some(Inode {
        identity: (number(fields)?, number(fields)?),
        mode: number(fields)?,
        owner: (number(fields)?, number(fields)?),
        modified_ns: number(fields)?,
        changed_ns: number(fields)?,
    })
}

fn text<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<String> {
    fields.next().map(|field| String::from_utf8_lossy(field).into_owned())
}

fn path<'a>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<PathBuf> {
    fields.next().map(|field| OsString::from_vec(field.to_vec()).into())
}

fn number<'a, N: std::str::FromStr>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<N> {
    std::str::from_utf8(fields.next()?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_path() -> impl Strategy<Value = PathBuf> {
        proptest::collection::vec(1_u8..=255, 0..20)
            .prop_map(|bytes| OsString::from_vec(bytes).into())
    }

    fn any_original() -> impl Strategy<Value = Original> {
        let inode =
            (any::<(u64, u64)>(), any::<u32>(), any::<(u32, u32)>(), any::<i64>(), any::<i64>());
        let inode = inode.prop_map(|(identity, mode, owner, modified, changed)| Inode {
            identity,
            mode,
            owner,
            modified_ns: modified.into(),
            changed_ns: changed.into(),
        });
        prop_oneof![
            Just(Original::Absent),
            ("[a-z0-9]{1,9}", inode).prop_map(|(kept, inode)| Original::File { kept, inode }),
            (any::<u32>(), any::<i64>())
                .prop_map(|(mode, time)| Original::Folder { mode, modified_ns: time.into() }),
            any_path().prop_map(|target| Original::Link { target }),
        ]
    }

    fn any_record() -> impl Strategy<Value = Record> {
        prop_oneof![
            (any_path(), any_original(), any::<bool>()).prop_map(
                |(path, original, random_name)| Record::Touched { path, original, random_name }
            ),
            (any_path(), any::<i64>())
                .prop_map(|(path, time)| Record::Listing { path, modified_ns: time.into() }),
            (any_path(), any_path()).prop_map(|(from, to)| Record::Moved { from, to }),
            ("[a-z ]{0,9}", "[a-z.:]{0,9}")
                .prop_map(|(verb, object)| Record::Effect(Effect { verb, object })),
            (any_path(), "[a-z ]{0,9}").prop_map(|(path, reason)| Record::Refused { path, reason }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(records in proptest::collection::vec(any_record(), 0..9)) {
            let journal: Vec<u8> = records.iter().flat_map(Record::encode).collect();
            prop_assert_eq!(Record::decode_all(&journal), records);
        }

        #[test]
        fn a_torn_journal_gives_its_whole_records(records in proptest::collection::vec(any_record(), 1..5), cut in 1_usize..30) {
            let mut journal: Vec<u8> = records.iter().flat_map(Record::encode).collect();
            let last = records.last().map_or(0, |record| record.encode().len());
            journal.truncate(journal.len() - cut.min(last));
            let read = Record::decode_all(&journal);
            prop_assert_eq!(&read[..], &records[..records.len() - 1]);
        }

        #[test]
        fn any_bytes_are_read_without_panic(journal in proptest::collection::vec(any::<u8>(), 0..200)) {
            let records = Record::decode_all(&journal);
            prop_assert!(records.len() <= journal.len());
        }
    }
}
