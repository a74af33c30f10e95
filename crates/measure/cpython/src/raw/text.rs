use super::load;
use crate::layout::TextLayout;
use std::slice;

/// The text of a `str`, in UTF-8 with surrogate escapes turned back into bytes (as `os.fsencode` does). ASCII is
/// borrowed from the object, anything else is written into `buffer` and cut where that ends.
///
/// # Safety
/// `object` is 0 or the address of a `str` that lives as long as the text is used.
pub unsafe fn text_of<'b>(layout: &TextLayout, object: usize, buffer: &'b mut [u8]) -> &'b [u8] {
    if object == 0 {
        return b"";
    }
    // SAFETY: the caller's promise; a compact string keeps its characters right behind its head.
    unsafe {
        let state = State(load(object, layout.state));
        let length: usize = load(object, layout.length);
        if !state.is_compact() {
            return b"?";
        }
        if state.is_ascii() {
            return slice::from_raw_parts((object + layout.ascii_data) as *const u8, length);
        }
        let data = object + layout.compact_data;
        let written = match state.kind() {
            1 => encode((0..length).map(|index| u32::from(load::<u8>(data, index))), buffer),
            2 => encode((0..length).map(|index| u32::from(load::<u16>(data, index * 2))), buffer),
            _ => encode((0..length).map(|index| load::<u32>(data, index * 4)), buffer),
        };
        &buffer[..written]
    }
}

/// The content of a `bytes`.
///
/// # Safety
/// `object` is 0 or the address of a `bytes` that lives as long as the result is used.
#[must_use]
pub unsafe fn bytes_of<'a>(layout: &TextLayout, object: usize) -> &'a [u8] {
    if object == 0 {
        return b"";
    }
    // SAFETY: the caller's promise.
    unsafe {
        slice::from_raw_parts(
            (object + layout.bytes_data) as *const u8,
            load(object, layout.bytes_length),
        )
    }
}

/// The bit field of `PyASCIIObject` (Include/cpython/unicodeobject.h): interned 2 bits, kind 3, compact 1, ascii 1.
#[derive(Clone, Copy)]
struct State(u32);

impl State {
    fn kind(self) -> u32 {
        self.0 >> 2 & 7
    }

    fn is_compact(self) -> bool {
        self.0 >> 5 & 1 == 1
    }

    fn is_ascii(self) -> bool {
        self.0 >> 6 & 1 == 1
    }
}

/// PEP 383: a byte that is not UTF-8 stands in a `str` as one of these.
const ESCAPED_BYTES: std::ops::RangeInclusive<u32> = 0xdc80..=0xdcff;

fn encode(characters: impl Iterator<Item = u32>, buffer: &mut [u8]) -> usize {
    let mut used = 0;
    for character in characters {
        let mut encoded = [0; 4];
        let bytes: &[u8] = if ESCAPED_BYTES.contains(&character) {
            encoded[0] = character.to_le_bytes()[0];
            &encoded[..1]
        } else {
            char::from_u32(character)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
                .encode_utf8(&mut encoded)
                .as_bytes()
        };
        let Some(room) = buffer.get_mut(used..used + bytes.len()) else { break };
        room.copy_from_slice(bytes);
        used += bytes.len();
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_encoded_as_os_fsencode_does() {
        let mut buffer = [0; 16];
        let used = encode([0x61, 0xe9, 0x20ac, 0x1f40d, 0xdcff, 0xd800].into_iter(), &mut buffer);
        assert_eq!(&buffer[..used], b"a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d\xff\xef\xbf\xbd");
    }

    #[test]
    fn text_longer_than_the_buffer_is_cut_between_characters() {
        let mut buffer = [0; 4];
        assert_eq!(encode([0x20ac, 0x20ac].into_iter(), &mut buffer), 3);
    }
}
