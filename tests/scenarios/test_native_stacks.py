"""`--native`: native functions between the lines of Python that they call and are called by."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from measuring import PROGRAM, Recorded, Report, record

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

LIBRARY = """\
#include <stdlib.h>
#define KEPT __attribute__((noinline))
#define AFTER __asm__ volatile("" ::: "memory")
typedef long (*Callback)(long);

__attribute__((always_inline)) static inline void *grab(size_t bytes) {
    return malloc(bytes); }

KEPT void *inner(size_t bytes) {
    void *block = grab(bytes); AFTER; return block; }

KEPT void *outer(size_t bytes) {
    void *block = inner(bytes); AFTER; return block; }

KEPT long call_back(Callback callback, long number) {
    long result = callback(number); AFTER; return result; }
"""
ALLOCATING = [
    ("outer", 13, False),
    ("inner", 10, False),
    ("grab", 7, True),
]
PRELUDE = """
import ctypes
lib = ctypes.CDLL(FOLDER + "/libnative.so")
outer = lib.outer
outer.restype, outer.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
Callback = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
"""


def build(folder: Path) -> Path:
    source, library = folder / "native.c", folder / "libnative.so"
    source.write_text(LIBRARY, encoding="utf-8")
    # The build id is what a linker always gives where distributions are made.
    command = ["cc", "-g", "-O2", "-shared", "-fPIC", "-Wl,--build-id", "-o", library, source]
    subprocess.run(command, check=True)
    return library


def native(folder: Path, program: str) -> Recorded:
    build(folder)
    recorded = record(folder, f"FOLDER = {str(folder)!r}\n{PRELUDE}{program}", options=["--native"])
    assert recorded.done.returncode == 0, recorded.done.stderr
    return recorded


def stack(report: Report, left_at_exit_bytes: int) -> list[dict[str, Any]]:
    """The frames of the one stack that left so much."""
    stacks = [row for row in report.data["stacks"] if row["left_at_exit_bytes"] == left_at_exit_bytes]
    assert len(stacks) == 1
    assert stacks[0]["allocator"] == "malloc"
    return stacks[0]["frames"]


def of_library(frames: list[dict[str, Any]]) -> list[tuple[str, int, bool]]:
    own = [frame for frame in frames if (frame.get("module") or "").endswith("libnative.so")]
    assert {Path(frame["file"]).name for frame in own} <= {"native.c"}
    return [(frame["function"], frame["line"], frame["inlined"]) for frame in own]


def of_program(frames: list[dict[str, Any]]) -> list[str]:
    return [frame["function"] for frame in frames if frame["kind"] == "python" and frame["file"].endswith(PROGRAM)]


def test_a_native_block_has_the_functions_that_asked_for_it(tmp_path: Path) -> None:
    report = native(tmp_path, "def ask(bytes):\n    return outer(bytes)  # here\n\nask(5_000_000)\n").report()
    frames = stack(report, 5_000_000)
    assert of_library(frames) == ALLOCATING
    assert of_program(frames) == ["<module>", "ask"]
    assert [frame["function"] for frame in frames[-3:]] == ["outer", "inner", "grab"]
    assert report.line("here")["left_at_exit_bytes"] >= 5_000_000


def test_native_functions_stand_between_the_lines_that_they_connect(tmp_path: Path) -> None:
    program = """
def deeper(number):
    return outer(3_000_000 + number)

def back(number):
    deeper(number)
    return number

def start():
    lib.call_back(Callback(back), 7)

start()
"""
    frames = stack(native(tmp_path, program).report(), 3_000_007)
    known = {"<module>", "start", "call_back", "back", "deeper", "outer", "inner", "grab"}
    order = [frame["function"] for frame in frames if frame["function"] in known]
    assert order == ["<module>", "start", "call_back", "back", "deeper", "outer", "inner", "grab"]


def test_a_sort_stands_between_its_caller_and_the_key(tmp_path: Path) -> None:
    program = """
def key(number):
    outer(1_000_000)
    return number

sorted([3, 2, 1], key=key)
"""
    frames = stack(native(tmp_path, program).report(), 3_000_000)
    names = [frame["function"] for frame in frames]
    lines = [index for index, frame in enumerate(frames) if frame["kind"] == "python"]
    assert [names[index] for index in lines] == ["<module>", "key"]
    between = frames[lines[0] + 1 : lines[1]]
    assert between
    assert all(frame["kind"] == "native" for frame in between)


def test_a_report_needs_neither_the_library_nor_its_source(tmp_path: Path) -> None:
    recorded = native(tmp_path, "outer(5_000_000)\n")
    for name in ("libnative.so", "native.c"):
        (tmp_path / name).unlink()
    assert of_library(stack(recorded.report(), 5_000_000)) == ALLOCATING


def test_the_lines_are_charged_as_without_native_functions(tmp_path: Path) -> None:
    program = f"FOLDER = {str(tmp_path)!r}\n{PRELUDE}kept = [outer(1000) for _ in range(100)]  # here\n"
    build(tmp_path)
    rows = [record(tmp_path, program, options=options).report().line("here") for options in ([], ["--native"])]
    assert rows[0] == rows[1]


def test_without_the_option_there_are_no_native_functions(tmp_path: Path) -> None:
    build(tmp_path)
    report = record(tmp_path, f"FOLDER = {str(tmp_path)!r}\n{PRELUDE}outer(5_000_000)\n").report()
    assert "stacks" not in report.data
