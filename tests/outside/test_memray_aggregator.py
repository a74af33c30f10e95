"""Random lists of events: what lowtide says of their peak is what memray's own aggregator says."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from measuring import measure

HARNESS = pytest.importorskip("memray._memray").HighWaterMarkAggregatorTestHarness
SITES = 6
SLOTS = 40
EVENTS = 1200
# The interpreter's own objects come and go by less than this.
GRAIN_BYTES = 1 << 16
MALLOC, FREE = 6, 5
PROGRAM = """
import json, sys
from memray._test_utils import MemoryAllocator

{sites}

sites = [{names}]
slots = [MemoryAllocator() for _ in range({slots})]
mallocs, frees = [slot.malloc for slot in slots], [slot.free for slot in slots]
for slot, site, size in json.load(open(sys.argv[1])):
    if size:
        sites[site](mallocs[slot], size)
    else:
        frees[slot]()
"""
Event = tuple[int, int, int]


def random_events(seed: int) -> list[Event]:
    """Slot, site and size of each event, 0 for a free."""
    chance, used, events = random.Random(seed), dict[int, int](), list[Event]()
    # Grows, shrinks, and grows again.
    for number in range(EVENTS):
        slot = chance.randrange(SLOTS)
        if slot in used:
            events.append((slot, used.pop(slot), 0))
        elif chance.random() < (0.9 if number % 400 < 200 else 0.4):
            used[slot] = chance.randrange(SITES)
            events.append((slot, used[slot], chance.randrange(1, 60) * GRAIN_BYTES))
    return events


def live_after_each(events: list[Event]) -> list[int]:
    sizes: dict[int, int] = {}
    live = []
    for slot, _, size in events:
        sizes[slot] = size
        live.append(sum(sizes.values()))
    return live


def has_one_peak(events: list[Event]) -> bool:
    """Where two moments are equally high, a byte of the interpreter's decides which is the peak."""
    live = live_after_each(events)
    return live.count(max(live)) == 1


SEEDS = [seed for seed in range(30) if has_one_peak(random_events(seed))][:8]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_peak_is_the_one_that_memray_finds(seed: int, tmp_path: Path) -> None:
    events = random_events(seed)
    (tmp_path / "events.json").write_text(json.dumps(events))
    sites = "\n".join(f"def site{n}(malloc, size):\n    malloc(size)  # site{n}" for n in range(SITES))
    names = ", ".join(f"site{n}" for n in range(SITES))
    program = PROGRAM.format(sites=sites, names=names, slots=SLOTS)
    report = measure(tmp_path, program, str(tmp_path / "events.json"))
    rows = [report.line(f"site{n}") for n in range(SITES)]
    at_peak, left, churned = as_memray_says(events)
    assert [(row["at_peak_bytes"], row["at_peak_blocks"]) for row in rows] == at_peak
    assert [(row["left_at_exit_bytes"], row["left_at_exit_blocks"]) for row in rows] == left
    assert [row["churn_bytes"] for row in rows] == churned


def as_memray_says(events: list[Event]) -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[int]]:
    """Of each site: bytes and blocks at the peak, those left at the end, and bytes allocated in total."""
    harness = HARNESS()
    churned: Counter[int] = Counter()
    for slot, site, size in events:
        harness.add_allocation(
            tid=1,
            address=(slot + 1) << 20,
            size=size,
            allocator=MALLOC if size else FREE,
            native_frame_id=0,
            frame_index=site,
            native_segment_generation=0,
        )
        churned[site] += size
    at_peak, left = [(0, 0)] * SITES, [(0, 0)] * SITES
    for found in harness.get_allocations():
        site = found["frame_index"]
        at_peak[site] = (found["bytes_in_high_water_mark"], found["n_allocations_in_high_water_mark"])
        left[site] = (found["bytes_leaked"], found["n_allocations_leaked"])
    return at_peak, left, [churned[site] for site in range(SITES)]
