"""Heap, RSS and slack: who keeps what is resident, and why RSS does not fall with the heap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from measuring import Report, measure, record

ARENA_BYTES = 1 << 20
# Fewer than so many events leave no point of the timeline.
TICK = "ticks = [str(number) for number in range(2_000)]"
# Stays where the program is until points of the timeline, which are so many seconds apart, are due again, and leaves one.
POINT = f"""
import time

def point():
    due = time.monotonic() + 0.01
    while time.monotonic() < due:
        pass
    {TICK}
"""


def parts(moment: dict[str, Any]) -> int:
    """What RSS is made of."""
    kept = sum(moment[f"{part}_bytes"] for part in ("heap", "arena_free", "malloc_free", "file_rss", "own", "rest"))
    return kept - moment["absent_bytes"]


def assert_sound(report: Report) -> None:
    resident = report.data["resident"]
    moments = [resident["highest"], resident["last"], *report.data["timeline"]]
    for moment in moments:
        assert parts(moment) == moment["rss_bytes"]
        assert moment["arena_free_bytes"] == moment["arena_bytes"] - moment["arena_live_bytes"]
        assert 0 < moment["file_rss_bytes"] < moment["rss_bytes"]
        assert moment["own_bytes"] > 0
    assert resident["highest"]["rss_bytes"] == max(moment["rss_bytes"] for moment in moments)
    assert report.data["timeline"][0]["heap_bytes"] == 0
    assert resident["last"] == report.data["timeline"][-1]


def test_one_block_kept_in_every_arena_keeps_the_arenas(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        POINT
        + f"""
def main():
    rows = [bytes(200) for _ in range(400_000)]
    point()
    return rows[::400]

kept = main()
{TICK}
""",
    )
    report = recorded.report()
    assert_sound(report)
    fall = report.data["resident"]["fall"]
    assert fall["from"]["heap_bytes"] > 96_000_000
    assert fall["to"]["heap_bytes"] < 2_000_000
    # 4,000 blocks of 240 bytes fill an arena, so that each has ten of those that are kept.
    arenas = fall["to"]["arena_count"]
    assert 90 <= arenas <= 110
    assert fall["to"]["arena_bytes"] == arenas * ARENA_BYTES
    assert fall["to"]["arena_free_bytes"] > 90_000_000
    assert fall["stuck_bytes"] > 80_000_000
    text = recorded.text()
    assert "Why RSS did not fall with the heap" in text
    assert f"in {arenas} arenas, in which" in text


def test_arenas_that_are_all_free_go_back_and_rss_falls(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        POINT
        + f"""
def main():
    rows = [bytes(200) for _ in range(400_000)]
    point()

main()
{TICK}
""",
    )
    assert_sound(report)
    last = report.data["resident"]["last"]
    assert report.data["peak"]["heap_bytes"] > 90_000_000
    assert last["arena_bytes"] < 10_000_000
    assert last["rss_bytes"] < report.data["resident"]["highest"]["rss_bytes"] - 80_000_000
    assert report.data["resident"]["fall"] is None


def test_blocks_freed_beneath_a_kept_one_stay_with_malloc(tmp_path: Path) -> None:
    """Each is smaller than what malloc maps on its own, and the last keeps the end of its heap."""
    recorded = record(
        tmp_path,
        POINT
        + f"""
def main():
    rows = [bytes(10_000) for _ in range(10_000)]
    point()
    return bytes(10_000)

kept = main()
{TICK}
""",
    )
    report = recorded.report()
    assert_sound(report)
    fall = report.data["resident"]["fall"]
    assert fall["to"]["malloc_free_bytes"] > 95_000_000
    assert fall["to"]["malloc_top_bytes"] < 1_000_000
    assert fall["stuck_bytes"] > 80_000_000
    assert "malloc_trim(0)" in recorded.text()


def test_a_large_block_that_is_freed_leaves_nothing_behind(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        f"""
        block = bytearray(b"x" * 100_000_000)
        del block
        {TICK}
        """,
    )
    assert_sound(report)
    assert report.data["resident"]["fall"] is None
    assert report.data["resident"]["last"]["rss_bytes"] < 60_000_000
    # The point before it was freed tells of it, though nothing else was allocated meanwhile.
    assert report.data["resident"]["highest"]["rss_bytes"] > 100_000_000


def test_memory_never_written_to_is_heap_and_not_resident(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        f"""
        block = bytes(200_000_000)
        {TICK}
        """,
    )
    report = recorded.report()
    assert_sound(report)
    last = report.data["resident"]["last"]
    assert last["heap_bytes"] > 200_000_000 > last["rss_bytes"]
    assert last["absent_bytes"] > 190_000_000
    assert "Why RSS is below the heap" in recorded.text()


def test_a_file_that_is_mapped_is_no_heap_and_resident_as_far_as_it_is_read(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        f"""
        import mmap

        with open("large", "w+b") as file:
            file.truncate(500_000_000)
            mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        pages = sum(mapped[start] for start in range(0, 100_000_000, 4096))
        {TICK}
        """,
    )
    report = recorded.report()
    assert_sound(report)
    resident = report.data["resident"]
    page_rounded = -(-500_000_000 // 4096) * 4096
    assert resident["file_mapped_peak_bytes"] == page_rounded
    assert report.data["peak"]["heap_bytes"] < 20_000_000
    assert 100_000_000 < resident["last"]["file_rss_bytes"] < 200_000_000
    assert "file maps" in recorded.text()


def test_a_shared_anonymous_map_is_heap_and_counted_once(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        f"""
        import mmap

        mapped = mmap.mmap(-1, 100_000_000)
        mapped.write(b"x" * 50_000_000)
        {TICK}
        """,
    )
    assert_sound(report)
    last = report.data["resident"]["last"]
    assert last["heap_bytes"] > 100_000_000
    assert last["file_rss_bytes"] < 30_000_000
    # Half of it was never written to.
    assert 45_000_000 < last["absent_bytes"] < 55_000_000
