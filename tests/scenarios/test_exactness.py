"""Programs with known allocations: every block is charged to its line, byte for byte."""

from __future__ import annotations

import sys
from pathlib import Path

from measuring import measure

BYTES_HEADER = sys.getsizeof(b"")


def test_each_block_is_charged_to_its_line(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        def fill(keep):
            for i in range(100):
                keep[i] = bytes(100)  # small
            for i in range(100, 200):
                keep[i] = bytes(1000)  # middle
            for i in range(200, 300):
                keep[i] = bytes(1_000_000)  # large

        keep = [None] * 300
        fill(keep)
        """,
    )
    for marker, size in (("small", 100), ("middle", 1000), ("large", 1_000_000)):
        row = report.line(marker)
        assert (row["at_peak_blocks"], row["at_peak_bytes"]) == (100, 100 * (size + BYTES_HEADER)), marker
        assert row["functions"] == ["fill"]


def test_what_was_freed_before_the_peak_is_absent(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        def main(keep):
            early = bytes(3_000_000)  # early
            del early
            late = bytes(5_000_000)  # late
            del late
            keep[0] = bytes(2_000_000)  # after

        keep = [None]
        main(keep)
        """,
    )
    assert report.line("early")["at_peak_bytes"] == 0
    assert report.line("late")["at_peak_bytes"] == 5_000_000 + BYTES_HEADER
    assert report.line("after")["at_peak_bytes"] == 0
    assert report.line("after")["left_at_exit_bytes"] == 2_000_000 + BYTES_HEADER
    assert 3_000_000 + BYTES_HEADER <= report.line("early")["churn_bytes"] < 3_001_000


def test_of_two_equal_peaks_one_is_reported(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        def main():
            first = bytes(4_000_000)  # first
            del first
            second = bytes(4_000_000)  # second
            del second

        main()
        """,
    )
    shown = [report.line(marker)["at_peak_bytes"] for marker in ("first", "second")]
    assert sorted(shown) == [0, 4_000_000 + BYTES_HEADER]


def test_recursive_spikes(tmp_path: Path) -> None:
    """A recursion that keeps 10, 8, 6, 4, 2 and 2 kB and drops 9, 7, 5 and 3: at the peak all kept ones are live."""
    report = measure(
        tmp_path,
        f"""
        def spike(kilobytes):
            if kilobytes == 0:
                return
            if kilobytes % 2 == 0 or kilobytes == 1:
                size = max(kilobytes, 2) * 1024 - {BYTES_HEADER}
                kept = bytes(size)  # kept
            else:
                size = kilobytes * 1024 - {BYTES_HEADER}
                dropped = bytes(size)  # dropped
                del dropped
            spike(kilobytes - 1)

        filler = bytes(1_000_000)
        spike(10)
        """,
    )
    kept, dropped = report.line("kept"), report.line("dropped")
    assert (kept["at_peak_blocks"], kept["at_peak_bytes"]) == (6, (10 + 8 + 6 + 4 + 2 + 2) * 1024)
    assert (dropped["churn_blocks"], dropped["at_peak_bytes"]) == (4, 0)
    assert kept["churn_bytes"] + dropped["churn_bytes"] == 56 * 1024


def test_the_last_event_can_be_the_peak_and_a_line_can_ask_twice(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        import os

        def main(keep):
            for place in range(2):
                keep[place] = bytes(1_000_000)  # twice
            keep[2] = bytes(5_000_000)  # last
            os._exit(0)

        main([None] * 3)
        """,
    )
    twice, last = report.line("twice"), report.line("last")
    assert (twice["at_peak_blocks"], twice["at_peak_bytes"]) == (2, 2 * (1_000_000 + BYTES_HEADER))
    assert (last["at_peak_blocks"], last["at_peak_bytes"]) == (1, 5_000_000 + BYTES_HEADER)


def test_leak_in_a_loop_is_left_at_exit(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        f"""
        def leak(keep):
            for i in range(10):
                keep[i] = bytes(1024 - {BYTES_HEADER})  # leak

        keep = [None] * 10
        leak(keep)
        """,
    )
    assert report.line("leak")["left_at_exit_bytes"] == 10_240
    assert report.line("leak")["left_at_exit_blocks"] == 10


def test_realloc_is_a_free_and_a_new_block(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        def grow():
            data = bytearray(1_000_000)  # first
            data += bytes(3_000_000)  # grown
            return data

        data = grow()
        filler = bytes(4_000_000)
        """,
    )
    assert report.line("first")["at_peak_bytes"] < 200, "only the bytearray object itself stays with its first line"
    assert 4_000_000 <= report.line("grown")["at_peak_bytes"] <= 5_000_000


# tracemalloc keeps a `trace_t` for each traced block, which it takes from the raw domain (CPython, _tracemalloc.c).
TRACE_BYTES = 16


def test_python_domain_bytes_agree_with_tracemalloc(tmp_path: Path) -> None:
    """Both watch the same run; a run without rows takes away what was there before tracemalloc began."""
    program = """
        import sys, tracemalloc
        tracemalloc.start(1)

        def rows(n):
            return [{"id": i, "name": f"row {i}", "tags": [i, str(i)]} for i in range(n)]  # rows

        kept = rows(int(sys.argv[1]))
        with open("peak.txt", "w") as out:
            print(tracemalloc.get_traced_memory()[1], file=out)
        """
    ours, theirs = [], []
    for rows in (0, 60_000):
        report = measure(tmp_path, program, str(rows))
        ours.append(report.data["peak"]["python_bytes"])
        theirs.append(int((tmp_path / "peak.txt").read_text()))
    # Each traced block brings two of tracemalloc's own: its trace, and the entry of its hash table.
    traced_blocks = report.line("rows")["at_peak_blocks"] // 3
    expected = theirs[1] - theirs[0] + traced_blocks * TRACE_BYTES
    assert traced_blocks > 400_000
    assert abs(ours[1] - ours[0] - expected) <= 0.01 * expected


def test_a_million_instances_are_counted(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        class Boat:
            def __init__(self, draught, beam):
                self.draught = draught  # attribute
                self.beam = beam

        boats = [None] * 1_000_000
        for i in range(1_000_000):
            boats[i] = Boat(1, 2)  # here
        """,
    )
    boats = report.type("__main__.Boat")
    made = report.line("here")["at_peak_bytes"] + report.line("attribute")["at_peak_bytes"]
    assert boats["count"] == 1_000_000
    assert abs(boats["bytes"] - made) <= 0.01 * made
    assert report.made_at("__main__.Boat", "here") == (1_000_000, boats["bytes"])
