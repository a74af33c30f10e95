"""Blocks that their thread frees before its fourth next allocation: each is counted at its line, to the byte."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compiling import library
from measuring import measure

BYTES = 984
OTHER_BYTES = 24
BYTES_HEADER = sys.getsizeof(b"")
# Of a block that is freed before its thread's next allocation, the number of that is 1.
SOONEST_LATE = 4


def temporary(row: dict[str, Any]) -> tuple[int, int]:
    return row["temporary_blocks"], row["temporary_bytes"]


def native(folder: Path, calls: str) -> str:
    """A program whose `lib` has the functions of temporary.c."""
    return f"import ctypes\nlib = ctypes.CDLL({str(library('temporary.c', folder))!r})\n{calls}"


def test_a_block_is_temporary_up_to_its_thread_s_third_next_allocation(tmp_path: Path) -> None:
    calls = "".join(f"lib.free_after({others})  # {others} others\n" for others in range(7))
    report = measure(tmp_path, native(tmp_path, calls))
    for others in range(7):
        row = report.line(f"{others} others")["native"]
        assert (row["churn_blocks"], row["churn_bytes"]) == (1 + others, BYTES + others * OTHER_BYTES)
        assert temporary(row) == ((1, BYTES) if others < SOONEST_LATE else (0, 0)), others


def test_a_mapping_is_temporary_as_a_block_is(tmp_path: Path) -> None:
    calls = "lib.unmap_after(3)  # soon\nlib.unmap_after(4)  # late\nlib.unmap_in_halves()  # halves\n"
    report = measure(tmp_path, native(tmp_path, calls))
    assert temporary(report.line("soon")["mappings"]) == (1, 1 << 20)
    assert temporary(report.line("late")["mappings"]) == (0, 0)
    assert temporary(report.line("halves")["mappings"]) == (0, 0)


def test_a_block_that_another_thread_frees_is_not_temporary(tmp_path: Path) -> None:
    row = measure(tmp_path, native(tmp_path, "lib.hand_over()  # here\n")).line("here")["native"]
    assert (row["churn_bytes"], row["left_at_exit_bytes"]) == (BYTES, 0)
    assert temporary(row) == (0, 0)


def test_what_other_threads_allocate_meanwhile_does_not_matter(tmp_path: Path) -> None:
    row = measure(tmp_path, native(tmp_path, "lib.interleave()  # here\n")).line("here")["native"]
    assert (row["churn_blocks"], row["left_at_exit_blocks"]) == (11, 10)
    assert temporary(row) == (1, BYTES)


def test_a_block_that_grows_again_and_again_is_temporary_each_time(tmp_path: Path) -> None:
    """realloc is a free and a new block, whether it moves or not."""
    program = f"import ctypes\nlib = ctypes.CDLL({str(library('each_way.c', tmp_path))!r})\n"
    row = measure(tmp_path, program + "lib.grow_and_shrink()  # here\n").line("here")["native"]
    assert temporary(row) == (17, sum(1 << power for power in range(4, 21)))


def test_functions_looked_up_by_ctypes_are_followed(tmp_path: Path) -> None:
    """What ctypes itself allocates between two calls is Python's, and counts among the next allocations."""
    program = """
        import ctypes
        libc = ctypes.PyDLL(None)
        libc.malloc.restype, libc.free.restype = ctypes.c_void_p, None
        libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
        malloc, free = libc.malloc, libc.free

        def main():
            free(malloc(984))  # freed
            kept = malloc(984)  # kept

        main()
        main()
        """
    report = measure(tmp_path, program)
    assert temporary(report.line("freed")["native"]) == (2, 2 * BYTES)
    assert temporary(report.line("kept")["native"]) == (0, 0)


def test_a_free_without_its_block_is_ignored(tmp_path: Path) -> None:
    program = f"import ctypes\nlib = ctypes.CDLL({str(library('each_way.c', tmp_path))!r})\n"
    row = measure(tmp_path, program + "lib.free_unknown()  # here\n").line("here")["native"]
    assert (row["churn_blocks"], *temporary(row)) == (0, 0, 0)


def test_what_a_loop_leaks_is_left_at_exit_and_not_temporary(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        f"""
        def leak(keep, one):
            for place in range(10):
                keep[place] = one * (1024 - {BYTES_HEADER})  # leak

        def drop(one):
            for place in range(10):
                one * (1024 - {BYTES_HEADER})  # drop

        keep = [None] * 10
        leak(keep, b"x")
        drop(b"x")
        """,
    )
    leak, drop = report.line("leak"), report.line("drop")
    assert (leak["left_at_exit_blocks"], leak["left_at_exit_bytes"], *temporary(leak)) == (10, 10_240, 0, 0)
    assert (drop["left_at_exit_blocks"], drop["left_at_exit_bytes"], *temporary(drop)) == (0, 0, 10, 10_240)


ROUNDS = 5_000
WINDOWS = range(1, 8)
# Each line allocates one block at a time and drops the one that it allocated so many times before.
SLIDING = "from itertools import repeat\nkept = []\n" + "".join(
    f"""
def slide_{window}(one):
    ring = [None] * {window}
    kept.append(ring)
    for place in {tuple(range(window))} * {ROUNDS}:
        ring[place] = one * {200 - BYTES_HEADER}  # {window}

slide_{window}(b"x")
"""
    for window in WINDOWS
)


def slid(folder: Path, options: Sequence[str] = ()) -> list[tuple[dict[str, Any], int]]:
    """The line of each window, and its length."""
    report = measure(folder, SLIDING, options=options)
    churn, lines = report.data["churn"], report.data["lines"]
    for figure in ("bytes", "blocks"):
        assert churn[f"temporary_{figure}"] == sum(row[f"temporary_{figure}"] for row in lines)
    return [(report.line(str(window)), window) for window in WINDOWS]


def test_what_a_window_drops_is_temporary_if_the_window_is_short(tmp_path: Path) -> None:
    for row, window in slid(tmp_path):
        assert row["churn_blocks"] == window * ROUNDS
        dropped = window * ROUNDS - window if window < SOONEST_LATE else 0
        assert temporary(row) == (dropped, dropped * 200), window


def test_a_sample_tells_as_well(tmp_path: Path) -> None:
    """Of a sampled block all allocations count that its thread makes next, sampled or not."""
    for row, window in slid(tmp_path, ["--sample=10k"]):
        # The chance that none of the line's 1 MB or more is hit is exp(-100); what stays is hit thrice at most.
        assert row["churn_bytes"] > 0
        late = 3 * 10_100 if window < SOONEST_LATE else row["churn_bytes"]
        assert row["churn_bytes"] - late <= row["temporary_bytes"] <= row["churn_bytes"], window
        assert (row["temporary_bytes"] == 0) == (window >= SOONEST_LATE), window
