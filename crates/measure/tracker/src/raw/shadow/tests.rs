use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const FOUR_GIB: u64 = 1 << 32;
const CHUNK: usize = 1 << CHUNK_BITS;
const POOL: usize = 0x7f00_0000_0000;
/// Behind a pool's header.
const FIRST: usize = POOL + 48;

fn shadow() -> Shadow {
    Shadow::new(false).unwrap()
}

fn block(node: u32, bytes: u64) -> Block {
    Block { node, bytes }
}

fn taken(block: Block) -> Taken {
    Taken { block: Some(block), was_watched: false }
}

fn all(shadow: &Shadow) -> Vec<(usize, Block)> {
    let (mut in_pools, mut elsewhere) = (Vec::new(), Vec::new());
    shadow.for_each_in_pools(|address, block| in_pools.push((address, block)));
    shadow.for_each_among_granules(|address, block| elsewhere.push((address, block)));
    assert!([&in_pools, &elsewhere].map(|seen| seen.is_sorted_by_key(|seen| seen.0)) == [true; 2]);
    in_pools.append(&mut elsewhere);
    in_pools.sort_unstable_by_key(|seen| seen.0);
    in_pools
}

#[test]
fn every_size_comes_back_whole() {
    let mut shadow = shadow();
    let sizes = [0, 1, 16, 17, 4096, FOUR_GIB - 1, FOUR_GIB, 5 * FOUR_GIB + 3];
    for (index, bytes) in sizes.into_iter().enumerate() {
        let address = POOL + index * 48;
        let block = block(LAST_NODE, bytes);
        assert_eq!(shadow.put(address, block, Source::Other), Ok(None));
        assert_eq!(shadow.take(address), Some(taken(block)));
        assert_eq!(shadow.take(address), None);
        assert_eq!(shadow.take(address + 16), None, "the size slot of {bytes} bytes is left");
    }
}

#[test]
fn pages_count_once_they_are_written_to() {
    let mut shadow = shadow();
    let (mapped, written) = shadow.sparse_bytes();
    assert_eq!((mapped as usize, written), (REGIONS * 8, 0));
    let small = block(1, 50);
    for address in [POOL, POOL + CHUNK, POOL + (1 << 29), 1 << 30] {
        shadow.put(address, small, Source::Other).unwrap();
    }
    assert_eq!(all(&shadow).len(), 4);
    // Two regions, in two pages of the entries, and three pages of chunks.
    let expected = (mapped + 2 * REGION_BYTES as u64, 5 * 4096);
    assert_eq!(shadow.sparse_bytes(), expected);
}

#[test]
fn every_size_of_a_pool_comes_back_whole() {
    let mut shadow = shadow();
    for bytes in 0..=512 {
        let places = bytes.max(1_usize).next_multiple_of(16);
        let last = FIRST + (CHUNK - 48) / places * places - places;
        let block = block(LAST_NODE, bytes as u64);
        for address in [FIRST, FIRST + places, last] {
            assert_eq!(shadow.put(address, block, Source::Pool), Ok(None));
        }
        assert_eq!(all(&shadow).len(), 3, "{bytes}");
        for address in [FIRST, FIRST + places, last] {
            assert_eq!(shadow.take(address), Some(taken(block)), "{bytes}");
        }
    }
}

#[test]
fn a_block_that_shrinks_in_its_place_keeps_its_size() {
    let mut shadow = shadow();
    shadow.put(FIRST, block(1, 512), Source::Pool).unwrap();
    shadow.put(FIRST + 512, block(1, 512), Source::Pool).unwrap();
    shadow.take(FIRST);
    shadow.put(FIRST, block(2, 390), Source::Pool).unwrap();
    assert_eq!(shadow.peek(FIRST), Some((block(2, 390), Source::Pool)));
    assert_eq!(all(&shadow), [(FIRST, block(2, 390)), (FIRST + 512, block(1, 512))]);
    assert_eq!(shadow.take(FIRST), Some(taken(block(2, 390))));
    assert_eq!(shadow.take(FIRST), None);
}

#[test]
fn a_pool_gets_places_of_another_size_when_it_is_empty() {
    let mut shadow = shadow();
    for (places, round) in [(64, 1), (48, 2), (64, 3)] {
        let addresses = (0..100).map(|index| FIRST + index * places).collect::<Vec<_>>();
        for &address in &addresses {
            shadow.put(address, block(round, places as u64), Source::Pool).unwrap();
        }
        assert_eq!(all(&shadow).len(), 100);
        for &address in &addresses {
            assert_eq!(shadow.take(address), Some(taken(block(round, places as u64))));
        }
    }
}

#[test]
fn what_looked_like_a_pool_and_is_none_loses_nothing() {
    let mut shadow = shadow();
    let pool = [(FIRST, block(1, 64)), (FIRST + 64, block(2, 60))];
    for (address, block) in pool {
        shadow.put(address, block, Source::Pool).unwrap();
    }
    shadow.watch(FIRST).unwrap();
    let odd = (FIRST + 144, block(3, 700));
    shadow.put(odd.0, odd.1, Source::Other).unwrap();
    assert_eq!(all(&shadow), [pool[0], pool[1], odd]);
    assert_eq!(shadow.take(FIRST), Some(Taken { block: Some(pool[0].1), was_watched: true }));
    shadow.put(FIRST, block(4, 33), Source::Pool).unwrap();
    assert_eq!(shadow.take(FIRST), Some(taken(block(4, 33))));
}

#[test]
fn a_block_in_the_last_granule_of_a_chunk_leaves_the_next_chunk_alone() {
    let mut shadow = shadow();
    let (last, next) = ((POOL + CHUNK - 16, block(1, 9 * FOUR_GIB)), (POOL + CHUNK, block(2, 3)));
    shadow.put(next.0, next.1, Source::Other).unwrap();
    shadow.put(last.0, last.1, Source::Other).unwrap();
    assert_eq!(shadow.peek(next.0).map(|(found, _)| found), Some(next.1));
    assert_eq!(all(&shadow), [last, next]);
}

#[test]
fn odd_and_kernel_addresses_are_refused() {
    let mut shadow = shadow();
    for address in [8, 0x1001, 1 << ADDRESS_BITS, usize::MAX & !15] {
        for source in [Source::Pool, Source::Other] {
            assert_eq!(shadow.put(address, block(1, 1), source), Err(Unrecordable::Address));
        }
        assert_eq!(shadow.take(address), None);
    }
}

#[test]
fn a_code_object_is_noted_whether_its_block_is_recorded_or_not() {
    let mut shadow = shadow();
    shadow.put(0x10000, block(7, 200), Source::Other).unwrap();
    shadow.watch(0x10000).unwrap();
    shadow.watch(0x20000).unwrap();
    assert_eq!(shadow.peek(0x20000), None);
    let recorded = Some(Taken { block: Some(block(7, 200)), was_watched: true });
    assert_eq!(shadow.take(0x10000), recorded);
    assert_eq!(shadow.take(0x20000), Some(Taken { block: None, was_watched: true }));
    assert_eq!(shadow.take(0x20000), None);
}

#[test]
fn a_sample_comes_back_with_the_code_object_in_it() {
    let mut shadow = Shadow::new(true).unwrap();
    let (plain, with_code) = (block(1, 9 * FOUR_GIB), block(2, 200));
    assert_eq!(shadow.put(POOL, plain, Source::Other), Ok(None));
    assert_eq!(shadow.put(FIRST, with_code, Source::Pool), Ok(None));
    shadow.watch(FIRST).unwrap();
    shadow.watch(FIRST + 64).unwrap();
    assert_eq!(shadow.take(POOL), Some(taken(plain)));
    assert_eq!(shadow.take(FIRST), Some(Taken { block: Some(with_code), was_watched: true }));
    assert_eq!(shadow.take(FIRST + 64), Some(Taken { block: None, was_watched: true }));
    assert_eq!([POOL, FIRST, FIRST + 64].map(|address| shadow.take(address)), [None; 3]);
}

/// Places 112 bytes apart, around the border of two chunks, so that no blocks overlap.
fn place(index: usize) -> usize {
    POOL + CHUNK - 48 * 112 - 64 + index * 112
}

proptest! {
    #[test]
    fn it_agrees_with_a_map(
        events in prop::collection::vec((0usize..100, 0u64..113, 0u8..3), 0..400),
    ) {
        let mut shadow = shadow();
        let mut map = BTreeMap::new();
        for (node, (index, bytes, event)) in events.into_iter().enumerate() {
            let address = place(index);
            let expected = map.remove(&address);
            let found = if event == 0 {
                shadow.take(address)
            } else {
                let source = if event == 1 { Source::Pool } else { Source::Other };
                let block = block(node as u32, bytes);
                map.insert(address, block);
                shadow.put(address, block, source).unwrap()
            };
            prop_assert_eq!(found.and_then(|taken| taken.block), expected);
        }
        prop_assert_eq!(all(&shadow).into_iter().collect::<BTreeMap<_, _>>(), map);
    }
}
