"""The malloc family and mappings, driven through ctypes from known lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from measuring import measure

PRELUDE = """
import ctypes
libc = ctypes.CDLL(None)
void, size = ctypes.c_void_p, ctypes.c_size_t

def function(name, *arguments):
    found = getattr(libc, name)
    found.restype, found.argtypes = void, arguments
    return found

free = function("free", void)
slot = void()
address = ctypes.addressof(slot)
"""

ASK = {
    "malloc": "function('malloc', size)(984)",
    "calloc": "function('calloc', size, size)(12, 82)",
    "realloc": "function('realloc', void, size)(None, 984)",
    "posix_memalign": "function('posix_memalign', void, size, size)(address, 64, 984)",
    "aligned_alloc": "function('aligned_alloc', size, size)(64, 984)",
    "memalign": "function('memalign', size, size)(64, 984)",
    "valloc": "function('valloc', size)(984)",
    "pvalloc": "function('pvalloc', size)(984)",
}


@pytest.mark.parametrize("name", ASK)
def test_a_native_block_is_charged_to_its_line(name: str, tmp_path: Path) -> None:
    """1,000 blocks of 984 B; what the interpreter itself keeps for the line is less than a few of them."""
    prepared, arguments = ASK[name].split(")(", 1)
    report = measure(
        tmp_path,
        PRELUDE + f"ask = {prepared})\nfor _ in range(1000):\n    ask({arguments}  # here\n",
    )
    row = report.line("here")
    assert 984_000 <= row["left_at_exit_bytes"] < 984_000 + 5_000
    assert row["churn_blocks"] >= 1000


def test_a_freed_native_block_is_gone(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        PRELUDE + "malloc = function('malloc', size)\nblock = malloc(3_000_000)  # here\nfree(block)\n",
    )
    row = report.line("here")
    assert row["left_at_exit_bytes"] < 10_000
    assert row["churn_bytes"] >= 3_000_000


def test_arenas_are_not_heap(tmp_path: Path) -> None:
    """Small objects live in arenas: the heap is what they asked for, not the arenas on top."""
    report = measure(tmp_path, "kept = [None] * 100_000\nfor i in range(100_000):\n    kept[i] = bytes(100)\n")
    assert report.peak_heap_bytes < 100_000 * (133 + 8) * 1.1 + 1_000_000


def test_threads_allocate_without_the_lock_of_python(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        PRELUDE
        + """
import threading
malloc = function('malloc', size)

def work():
    for _ in range(100):
        malloc(2000)  # here

threads = [threading.Thread(target=work) for _ in range(100)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
    )
    row = report.line("here")
    assert row["churn_blocks"] >= 10_000
    assert 10_000 * 2000 <= row["left_at_exit_bytes"] <= 10_000 * 2000 + 500_000
