"""Anonymous mappings are heap, page by page, whatever way they are unmapped; reservations and files are not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "scenarios"))
from measuring import measure

PAGE = 4096
PRELUDE = f"""
import ctypes
libc = ctypes.CDLL(None)
size, flag = ctypes.c_size_t, ctypes.c_int
libc.mmap.restype = libc.mremap.restype = size
libc.mmap.argtypes = [size, size, flag, flag, flag, ctypes.c_long]
libc.munmap.argtypes = [size, size]
libc.mremap.argtypes = [size, size, size, flag]
libc.mprotect.argtypes = [size, size, flag]
PAGE, READ_WRITE, ANONYMOUS, FIXED = {PAGE}, 3, 0x22, 0x10
ctypes.create_string_buffer(1)


def pages(count, protection=READ_WRITE, at=0, flags=ANONYMOUS):
    return libc.mmap(at, count * PAGE, protection, flags | (FIXED if at else 0), -1, 0)  # mapped


def unmap(start, first, count):
    libc.munmap(start + first * PAGE, count * PAGE)


"""
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
    "reserved": ("pages(1 << 18, protection=0)", 0),
    "reserved, then used in part": (
        "a = pages(1 << 18, protection=0); libc.mprotect(a + PAGE, 3 * PAGE, READ_WRITE)",
        3,
    ),
    "a call that fails": ("a = pages(3); libc.munmap(a + 1, PAGE); libc.mmap(0, 0, READ_WRITE, ANONYMOUS, -1, 0)", 3),
    "grown": ("a = pages(1); libc.mremap(a, PAGE, 300 << 20, 1)", (300 << 20) // PAGE),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_pages_left_mapped(name: str, tmp_path: Path) -> None:
    steps, expected = SEQUENCES[name]
    source = PRELUDE + "".join(f"{line}  # step\n" for line in steps.splitlines())
    report = measure(tmp_path, source)
    of_program = [row for row in report.data["lines"] if row["file"].endswith("program.py")]
    left = sum(row["left_at_exit_bytes"] for row in of_program if row["line"] >= PRELUDE.count("\n") - 10)
    assert left // PAGE == expected


def test_a_file_map_is_not_heap(tmp_path: Path) -> None:
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
    assert report.line("mapped")["churn_bytes"] < 100_000
    assert report.peak_heap_bytes < 20 << 20
    resident = report.data["resident"]
    assert resident["file_mapped_peak_bytes"] == 510 << 20
    assert resident["file_mapped_left_at_exit_bytes"] == 10 << 20


def test_an_anonymous_map_of_python_is_heap(tmp_path: Path) -> None:
    report = measure(tmp_path, "import mmap\nkept = mmap.mmap(-1, 30 << 20)  # mapped\n")
    assert report.line("mapped")["at_peak_bytes"] >= 30 << 20
