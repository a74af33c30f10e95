use crate::CaptureError;
use std::fs::File;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// A capture's bytes, which are asked for piece by piece: fresh memory for all of a large file takes longer than reading it.
///
/// It is not mapped: a file that somebody cuts short would kill its reader then.
pub struct Source<'a> {
    bytes: Box<dyn Bytes + 'a>,
    length: u64,
    path: &'a Path,
    room: Vec<u8>,
}

/// Whole items of any size that a segment has.
const PIECE_BYTES: u64 = 256 << 10;

trait Bytes: Read + Seek {}

impl<Any: Read + Seek> Bytes for Any {}

impl<'a> Source<'a> {
    pub fn open(path: &'a Path) -> Result<Self, CaptureError> {
        let failed = |source| CaptureError::io("read", path, source);
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() {
            return Ok(Self::new(file, metadata.len(), path));
        }
        // A pipe has no length, and is read once.
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let length = bytes.len() as u64;
        Ok(Self::new(Cursor::new(bytes), length, path))
    }

    pub fn in_memory(bytes: &'a [u8], path: &'a Path) -> Self {
        Self::new(Cursor::new(bytes), bytes.len() as u64, path)
    }

    fn new(bytes: impl Bytes + 'a, length: u64, path: &'a Path) -> Self {
        Self { bytes: Box::new(bytes), length, path, room: Vec::new() }
    }

    /// For messages.
    pub fn path(&self) -> &Path {
        self.path
    }

    /// Of the whole file, when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Some bytes of the file, until others are asked for.
    pub fn bytes(&mut self, offset: u64, count: u64) -> Result<&[u8], CaptureError> {
        let read = self.read(offset, count).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => self.truncated(offset.saturating_add(count)),
            _ => CaptureError::io("read", self.path, error),
        })?;
        Ok(&self.room[..read])
    }

    /// The same in pieces that stay in the processor's caches, one after the other.
    pub fn in_pieces(
        &mut self,
        offset: u64,
        count: u64,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), CaptureError> {
        let mut read = 0;
        while read < count {
            let piece = PIECE_BYTES.min(count - read);
            each(self.bytes(offset + read, piece)?);
            read += piece;
        }
        Ok(())
    }

    fn read(&mut self, offset: u64, count: u64) -> io::Result<usize> {
        let count = usize::try_from(count).map_err(io::Error::other)?;
        if self.room.len() < count {
            self.room = vec![0; count];
        }
        self.bytes.seek(SeekFrom::Start(offset))?;
        self.bytes.read_exact(&mut self.room[..count])?;
        Ok(count)
    }

    pub fn truncated(&self, expected_bytes: u64) -> CaptureError {
        CaptureError::Truncated {
            path: self.path.to_owned(),
            found_bytes: self.length,
            expected_bytes,
        }
    }

    pub fn damaged(&self, what: &'static str) -> CaptureError {
        CaptureError::Damaged { path: self.path.to_owned(), what }
    }
}
