use super::known_types::KnownType;
use super::sites::{Site, Sites};
use crate::raw::own_memory::OwnArray;
use lowtide_capture::{CaptureWriter, StopReason};
use lowtide_cpython::{Layout, ObjectLayout, TypeAddress};

/// Longer names are cut.
const LONGEST_NAME_BYTES: usize = 400;
const HEAD_BYTES: usize = 24;
const SITE_BYTES: usize = 24;
/// Of types and nodes together, so that a program with many stacks has a small census as well.
const MOST_SITES: usize = 16_384;

/// What is written of a census, in front of the types and sites.
pub(super) struct Head {
    pub(super) live_bytes: u64,
    pub(super) elapsed_ns: u64,
}

/// How type names are read.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) layout: &'a Layout,
    pub(super) objects: &'a ObjectLayout,
}

impl Names<'_> {
    fn of<'b>(self, known: &KnownType, buffer: &'b mut [u8; LONGEST_NAME_BYTES]) -> &'b [u8] {
        // SAFETY: it was checked to be a type; a census is taken with the GIL held.
        unsafe { TypeAddress(known.address).write_name(self.layout, self.objects, buffer) }
    }
}

/// Writes a `CENSUS` record (see the capture's `spec.md`).
pub(super) fn write(
    writer: &mut CaptureWriter,
    head: &Head,
    types: &[KnownType],
    sites: &Sites,
    names: Names,
) -> Result<(), StopReason> {
    let found = || types.iter().filter(|known| known.objects > 0);
    let places = places(types)?;
    let place_of = |index: usize| places.as_slice()[index];
    let is_written = |site: &Site| types[site.type_index()].objects > 0;
    let mut heaviest = OwnArray::zeroed(MOST_SITES).ok_or(StopReason::OutOfMemory)?;
    let site_count = sites
        .heaviest(MOST_SITES)
        .filter(is_written)
        .zip(heaviest.as_mut_slice())
        .map(|(site, place)| *place = site)
        .count();
    let mut name = [0; LONGEST_NAME_BYTES];
    let types_bytes: usize =
        found().map(|known| 16 + padded_text_bytes(names.of(known, &mut name))).sum();
    let whole = HEAD_BYTES + types_bytes + site_count * SITE_BYTES;
    let room = writer.begin_census(whole)?;
    let counts = found().count() as u64 | (site_count as u64) << 32;
    let mut rest = put(room, &[head.live_bytes, head.elapsed_ns, counts].map(u64::to_le_bytes));
    for known in found() {
        rest = put(rest, &[known.objects, known.bytes.max(0)].map(i64::to_le_bytes));
        let text = names.of(known, &mut name);
        let (place, after) = rest.split_at_mut(padded_text_bytes(text));
        place.fill(0);
        let _ = lowtide_capture::encode_text(place, text);
        rest = after;
    }
    for site in &heaviest.as_slice()[..site_count] {
        let key = u64::from(place_of(site.type_index())) | u64::from(site.node()) << 32;
        let figures = [site.objects, site.bytes.max(0)].map(i64::cast_unsigned);
        rest = put(rest, &[key, figures[0], figures[1]].map(u64::to_le_bytes));
    }
    writer.publish_census(whole);
    Ok(())
}

/// Where each type stands among those that are written.
fn places(types: &[KnownType]) -> Result<OwnArray<u32>, StopReason> {
    let mut places = OwnArray::zeroed(types.len().max(1)).ok_or(StopReason::OutOfMemory)?;
    let mut next = 0;
    for (place, known) in places.as_mut_slice().iter_mut().zip(types) {
        *place = next;
        next += u32::from(known.objects > 0);
    }
    Ok(places)
}

fn padded_text_bytes(text: &[u8]) -> usize {
    (text.len() + 4).next_multiple_of(8)
}

fn put<'a, const COUNT: usize>(room: &'a mut [u8], words: &[[u8; 8]; COUNT]) -> &'a mut [u8] {
    let (place, rest) = room.split_at_mut(COUNT * 8);
    place.copy_from_slice(words.as_flattened());
    rest
}
