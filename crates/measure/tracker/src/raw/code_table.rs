use super::address_map::AddressMap;
use super::own_memory::OwnArray;
use super::shadow::Shadow;
use lowtide_capture::{CaptureWriter, CodeFacts, StopReason};
use lowtide_cpython::{CodeAddress, Layout};
use lowtide_units::PythonVersion;

/// Texts longer than this are cut: no file system has longer paths, and no sane program longer names.
const LONGEST_TEXT_BYTES: usize = 16 << 10;

/// The id in the capture of each code object that was seen on a stack.
pub(super) struct CodeTable {
    by_address: AddressMap,
    /// Programs that make the same code again and again (exec, eval, namedtuple) get one id for it.
    by_content: AddressMap,
    texts: OwnArray<u8>,
}

impl CodeTable {
    pub(super) const EMPTY: Self = Self {
        by_address: AddressMap::EMPTY,
        by_content: AddressMap::EMPTY,
        texts: OwnArray::EMPTY,
    };

    #[inline]
    pub(super) fn get(&self, code: CodeAddress) -> Option<u32> {
        self.by_address.get(code.0 as u64)
    }

    /// Writes what the report needs to know of a code object, once.
    ///
    /// # Safety
    /// The code object is alive and `layout` describes its interpreter.
    pub(super) unsafe fn add(
        &mut self,
        code: CodeAddress,
        layout: &Layout,
        shadow: &mut Shadow,
        writer: &mut CaptureWriter,
    ) -> Result<u32, StopReason> {
        // An unaligned or foreign address is never freed by an allocator that is hooked: nothing to note then.
        let _ = shadow.watch(code.0);
        // SAFETY: the caller's promise.
        let id = unsafe { self.id_by_content(code, layout, writer) }?;
        if self.by_address.insert(code.0 as u64, id) {
            Ok(id)
        } else {
            Err(StopReason::OutOfMemory)
        }
    }

    /// What is at this address is gone: whether it was a code object that was seen.
    pub(super) fn forget(&mut self, code: CodeAddress) -> bool {
        self.by_address.remove(code.0 as u64).is_some()
    }

    /// # Safety
    /// As [`Self::add`].
    unsafe fn id_by_content(
        &mut self,
        code: CodeAddress,
        layout: &Layout,
        writer: &mut CaptureWriter,
    ) -> Result<u32, StopReason> {
        if self.texts.capacity() == 0 {
            self.texts = OwnArray::zeroed(2 * LONGEST_TEXT_BYTES).ok_or(StopReason::OutOfMemory)?;
        }
        let (filename_room, name_room) = self.texts.as_mut_slice().split_at_mut(LONGEST_TEXT_BYTES);
        // SAFETY: the caller's promise; the facts are used before the code object can go away.
        let facts = unsafe {
            CodeFacts {
                first_line: code.first_line(layout),
                is_line_table_of_3_10: layout.version == PythonVersion::three(10),
                filename: code.filename(layout, filename_room),
                qualified_name: code.qualified_name(layout, name_room),
                line_table: code.line_table(layout),
            }
        };
        let hash = content_hash(&facts);
        if let Some(id) = self.by_content.get(hash) {
            return Ok(id);
        }
        let id = writer.add_code(&facts)?;
        if self.by_content.insert(hash, id) { Ok(id) } else { Err(StopReason::OutOfMemory) }
    }
}

/// FNV-1a over 64 bits, never 0.
fn content_hash(facts: &CodeFacts) -> u64 {
    let first_line = facts.first_line.to_le_bytes();
    let parts =
        [&first_line[..], facts.filename, b"\0", facts.qualified_name, b"\0", facts.line_table];
    let bytes = parts.into_iter().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    }) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_differs_in_one_respect_has_another_hash() {
        let facts = |first_line, filename, qualified_name, line_table| {
            content_hash(&CodeFacts {
                first_line,
                is_line_table_of_3_10: false,
                filename,
                qualified_name,
                line_table,
            })
        };
        let hashes = [
            facts(1, b"a.py", b"f", b"\x01"),
            facts(2, b"a.py", b"f", b"\x01"),
            facts(1, b"a.pyf", b"", b"\x01"),
            facts(1, b"a.py", b"g", b"\x01"),
            facts(1, b"a.py", b"f", b"\x02"),
        ];
        let distinct: std::collections::BTreeSet<u64> = hashes.into();
        assert_eq!(distinct.len(), hashes.len());
    }
}
