"""The programs that memray tests itself with, in its wheel, run under lowtide: somebody else's idea of what is hard."""

from __future__ import annotations

from pathlib import Path

import pytest
from measuring import Report, measure

pytest.importorskip("memray._test_utils")

VICTIMS = """
from memray._test_utils import MemoryAllocator, PymallocDomain, PymallocMemoryAllocator
from memray._test_utils import allocate_cpp_vector, fill_cpp_vector, function_caller
from memray._test_utils import _cython_allocate_in_two_places, _cython_nested_allocation
native = MemoryAllocator()
python = {name: PymallocMemoryAllocator(PymallocDomain["PYMALLOC_" + name]) for name in ("RAW", "MEM", "OBJECT")}
"""
NATIVE = ("malloc", "calloc", "posix_memalign", "aligned_alloc", "memalign", "valloc", "pvalloc")
# An expression that allocates, with what it looks up looked up before, and the bytes and blocks that it asks for.
CASES = {
    **{name: (f"native.{name}", "ask(984)", 984, 1) for name in NATIVE},
    "realloc, of 1 B before": ("native.realloc", "ask(984)", 1 + 984, 2),
    **{
        f"{domain} {name} of {size} B": (f"python[{domain!r}].{name}", f"ask({size})", size, 1)
        for domain in ("RAW", "MEM", "OBJECT")
        for name in ("malloc", "calloc", "realloc")
        for size in (98, 984)
    },
    "a vector of C++ that reserves": ("allocate_cpp_vector", "ask(984)", 984, 1),
    # Capacities 1, 2, 4 ... 256 of 4 B each.
    "a vector of C++ that grows": ("fill_cpp_vector", "ask(984)", 4 * 511, 9),
    "a callback of Cython, and Cython itself": ("native.malloc", "_cython_nested_allocation(ask, 984)", 2 * 984, 2),
    "two functions of Cython": ("_cython_allocate_in_two_places", "ask(984)", 2 * 984, 2),
}
PAGE = 1 << 20
MAPPINGS = """
from memray._test_utils import MmapAllocator
PAGE = 1 << 20
# Far from everything, so that the kernel takes each hint.
START = 0x2000_0000_0000

def mapped(pages, at=0):
    block = MmapAllocator(pages * PAGE, START + at * PAGE)
    assert block.address == START + at * PAGE
    return block

def freed(block, pages, at=0):
    block.munmap(pages * PAGE, at * PAGE)

{steps}
last = mapped(10, at=100)
"""
# What is mapped and freed before ten pages more, and the pages that are live at that peak.
STEPS = {
    "half of a mapping": ("a = mapped(2); freed(a, 1)", 11),
    "its first and last page": ("a = mapped(4); freed(a, 1); freed(a, 1, at=3)", 12),
    "two neighbours at once": ("a = mapped(4); b = mapped(4, at=4); freed(a, 8)", 10),
    "four neighbours two by two": (
        "a, b, c, d = (mapped(2, at=at) for at in (0, 2, 4, 6)); freed(a, 4); freed(c, 4)",
        10,
    ),
    "two holes": ("a = mapped(5); freed(a, 1, at=1); freed(a, 1, at=3)", 13),
    "one hole": ("a = mapped(8); freed(a, 1, at=4)", 17),
    "twice the same pages": ("a = mapped(4); freed(a, 2); freed(a, 2)", 12),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One run of all cases, each on a line of its own."""
    lines = [f"def case{n}(ask):\n    {call}  # {name}" for n, (name, (_, call, _, _)) in enumerate(CASES.items())]
    calls = [f"case{n}({ask})" for n, (ask, _, _, _) in enumerate(CASES.values())]
    return measure(tmp_path_factory.mktemp("asked"), "\n".join([VICTIMS, *lines, *calls]))


@pytest.mark.parametrize("name", CASES)
def test_each_block_is_counted_once_at_its_line(name: str, asked: Report) -> None:
    _, _, churn_bytes, churn_blocks = CASES[name]
    row = asked.line(name)
    assert (row["churn_bytes"], row["churn_blocks"]) == (churn_bytes, churn_blocks)


@pytest.mark.parametrize("name", STEPS)
def test_pages_of_mappings_are_live_until_each_is_unmapped(name: str, tmp_path: Path) -> None:
    steps, pages = STEPS[name]
    report = measure(tmp_path, MAPPINGS.format(steps=steps))
    assert report.data["peak"]["mapping_bytes"] == pages * PAGE


def test_a_callback_from_c_is_charged_to_its_own_line(tmp_path: Path) -> None:
    program = f"{VICTIMS}\nmalloc = native.malloc\ndef called():\n    malloc(984)  # here\nfunction_caller(called)"
    row = measure(tmp_path, program).line("here")
    assert (row["left_at_exit_bytes"], row["left_at_exit_blocks"]) == (984, 1)


def test_a_foreign_thread_that_enters_python_is_charged_to_its_line(tmp_path: Path) -> None:
    program = (
        f"{VICTIMS}\nmalloc = native.malloc\ndef called():\n    malloc(984)  # here\nnative.run_in_pthread(called)"
    )
    row = measure(tmp_path, program).line("here")
    assert (row["left_at_exit_bytes"], row["left_at_exit_blocks"]) == (984, 1)


def test_native_code_without_the_gil_is_charged_to_the_line_it_was_called_from(tmp_path: Path) -> None:
    """1,234 B without the GIL while the main thread runs on, then 4,321 B with it."""
    program = """
    import os, threading
    from memray._test_utils import allocate_without_gil_held
    main_reads, thread_writes = os.pipe()
    thread_reads, main_writes = os.pipe()
    def work(ask):
        ask(thread_writes, thread_reads)  # here
    thread = threading.Thread(target=work, args=(allocate_without_gil_held,))
    thread.start()
    os.read(main_reads, 1)
    os.write(main_writes, b"x")
    thread.join()
    """
    row = measure(tmp_path, program).line("here")
    assert (row["churn_bytes"], row["churn_blocks"], row["left_at_exit_bytes"]) == (1234 + 4321, 2, 0)


@pytest.mark.parametrize("with_finalize", [False, True])
def test_a_program_that_c_ends_leaves_a_whole_capture(with_finalize: bool, tmp_path: Path) -> None:
    program = f"kept = bytearray(5_000_000)  # here\nfrom memray._test_utils import exit\nexit({with_finalize})"
    report = measure(tmp_path, program)
    assert 5_000_000 < report.line("here")["at_peak_bytes"] < 5_001_000
