"""Anonymous mappings are heap, page by page, whatever way they are unmapped; reservations and files are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from measuring import Report, measure

PAGE = 4096
PRELUDE = f"""
import ctypes, tempfile
libc = ctypes.CDLL(None)
size, flag = ctypes.c_size_t, ctypes.c_int
libc.mmap.restype = libc.mremap.restype = libc.sbrk.restype = size
libc.mmap.argtypes = [size, size, flag, flag, flag, ctypes.c_long]
libc.munmap.argtypes = [size, size]
libc.mremap.argtypes = [size, size, size, flag, size]
libc.mprotect.argtypes = libc.madvise.argtypes = [size, size, flag]
libc.sbrk.argtypes = [ctypes.c_ssize_t]
PAGE, READ_WRITE, SHARED, ANONYMOUS, FIXED = {PAGE}, 3, 1, 0x22, 0x10
MAY_MOVE, TO_FIXED, KEEP_OLD, FAILED = 1, 2, 4, ctypes.c_size_t(-1).value
file = tempfile.TemporaryFile()
file.truncate(16 * PAGE)


def pages(count, protection=READ_WRITE, at=0, flags=ANONYMOUS):
    return libc.mmap(at, count * PAGE, protection, flags | (FIXED if at else 0), -1, 0)


def file_pages(count, at=0):
    return libc.mmap(at, count * PAGE, READ_WRITE, SHARED | (FIXED if at else 0), file.fileno(), 0)


def unmap(start, first, count):
    libc.munmap(start + first * PAGE, count * PAGE)


def move(start, old, new, flags, to=0):
    return libc.mremap(start, old * PAGE, new * PAGE, flags, to)


"""
# Steps, and the pages that they leave.
SEQUENCES = {
    "one of two unmapped": ("a = pages(2); unmap(a, 0, 1); pages(10)", 11),
    "both ends unmapped": ("a = pages(4); unmap(a, 0, 1); unmap(a, 3, 1); pages(10)", 12),
    "two adjacent unmapped at once": (
        "a = pages(8); pages(4, at=a); pages(4, at=a + 4 * PAGE); unmap(a, 0, 8); pages(10)",
        10,
    ),
    "four unmapped by two": (
        "a = pages(8)\nfor i in range(4): pages(2, at=a + 2 * i * PAGE)\nunmap(a, 0, 4); unmap(a, 4, 4); pages(10)",
        10,
    ),
    "two holes": ("a = pages(5); unmap(a, 1, 1); unmap(a, 3, 1); pages(10)", 13),
    "one hole": ("a = pages(8); unmap(a, 4, 1); pages(10)", 17),
    "mapped over": ("a = pages(6); pages(6, at=a)", 6),
    "mapped over in part": ("a = pages(8); unmap(a, 6, 2); pages(4, at=a + 4 * PAGE)", 8),
    "shared with children": ("pages(5, flags=ANONYMOUS - 2 + SHARED)", 5),
    "reserved": ("pages(1 << 18, protection=0)", 0),
    "reserved, then used in part": (
        "a = pages(1 << 18, protection=0); libc.mprotect(a + PAGE, 3 * PAGE, READ_WRITE)",
        3,
    ),
    "reserved, grown, then used": (
        "a = pages(8, protection=0); b = move(a, 8, 16, MAY_MOVE); libc.mprotect(b, 16 * PAGE, READ_WRITE)",
        16,
    ),
    "made unusable again": ("a = pages(3); libc.mprotect(a, 3 * PAGE, 0)", 3),
    "thrown away but kept": ("a = pages(3); libc.madvise(a, 3 * PAGE, 4)", 3),
    "a file over memory": ("a = pages(5); file_pages(2, at=a); pages(10)", 13),
    "memory over a file": ("a = file_pages(5); pages(2, at=a)", 2),
    "grown": ("a = pages(1); move(a, 1, (300 << 20) // PAGE, MAY_MOVE)", (300 << 20) // PAGE),
    "shrunk": ("a = pages(8); move(a, 8, 3, 0); pages(10)", 13),
    "moved over another": ("to = pages(4); a = pages(2); move(a, 2, 2, MAY_MOVE | TO_FIXED, to); pages(10)", 14),
    "moved, and kept as well": ("a = pages(3); move(a, 3, 3, MAY_MOVE | KEEP_OLD)", 6),
    "a file moved": ("a = file_pages(2); move(a, 2, 4, MAY_MOVE)", 0),
    "calls that fail": (
        "a = pages(3)\nassert libc.munmap(a + 1, PAGE) == -1 == libc.mprotect(a + 1, PAGE, READ_WRITE)\n"
        "assert libc.mmap(0, 0, READ_WRITE, ANONYMOUS, -1, 0) == FAILED == move(a, 3, 0, MAY_MOVE)\n"
        "assert pages(1 << 40) == FAILED",
        3,
    ),
    # The program break belongs to malloc: what a program takes there itself is not seen.
    "the break moved": ("libc.sbrk(4 * PAGE)", 0),
}


def mapped_pages(report: Report, figure: str) -> float:
    rows = [row["mappings"] for row in report.data["lines"] if row["mappings"] and row["file"].endswith("program.py")]
    return sum(row[figure] for row in rows) / PAGE


@pytest.mark.parametrize("name", SEQUENCES)
def test_pages_left_mapped(name: str, tmp_path: Path) -> None:
    steps, expected = SEQUENCES[name]
    report = measure(tmp_path, PRELUDE + steps)
    assert mapped_pages(report, "left_at_exit_bytes") == expected
    assert mapped_pages(report, "at_peak_bytes") == expected


def test_a_file_map_is_not_heap_and_shown_besides_it(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        import mmap
        with open("data.bin", "wb") as file:
            file.truncate(500 << 20)
        file = open("data.bin", "rb")
        view = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)  # mapped
        other = mmap.mmap(file.fileno(), 10 << 20, prot=mmap.PROT_READ)
        first = view[0]
        view.close()
        """,
    )
    assert report.line("mapped")["mappings"]["churn_bytes"] == 0
    assert report.peak_heap_bytes < 20 << 20
    resident = report.data["resident"]
    assert resident["file_mapped_peak_bytes"] == 510 << 20
    assert resident["file_mapped_left_at_exit_bytes"] == 10 << 20


def test_an_anonymous_map_of_python_is_heap(tmp_path: Path) -> None:
    report = measure(tmp_path, "import mmap\nkept = mmap.mmap(-1, 30 << 20)  # mapped\n")
    assert report.line("mapped")["at_peak_bytes"] >= 30 << 20
