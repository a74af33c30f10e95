"""`--native`: native functions between the lines of Python that they call and are called by."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from measuring import PROGRAM, Recorded, Report, record

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")

SOURCES = Path(__file__).parent / "native"
# What `outer` in calls.c comes to: function, line, whether it is inlined.
ALLOCATING = [("outer", 14, False), ("inner", 11, False), ("grab", 8, True)]
PRELUDE = """
import ctypes

def load(name):
    return ctypes.CDLL(f"{FOLDER}/{name}.so")

def function(library, name):
    found = getattr(library, name)
    found.restype, found.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    return found

calls = load("calls")
outer = function(calls, "outer")
Callback = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
"""


def build(folder: Path, source: str = "calls.c", name: str | None = None, *options: str) -> None:
    """Builds `name`.so from a source of this folder, whose name it takes by default."""
    path = SOURCES / source
    library = folder / f"{name or path.stem}.so"
    compiler = {".c": "cc", ".cpp": "c++"}[path.suffix]
    # The build id is what linkers give by default where distributions are made.
    command = [compiler, "-g", "-O2", "-shared", "-fPIC", "-Wl,--build-id", *options, "-o", library, path]
    subprocess.run(command, check=True)


def native(folder: Path, program: str) -> Recorded:
    build(folder)
    recorded = record(folder, f"FOLDER = {str(folder)!r}\n{PRELUDE}{program}", options=["--native"])
    assert recorded.done.returncode == 0, recorded.done.stderr
    return recorded


def stack(report: Report, left_at_exit_bytes: int, process: int | None = None) -> list[dict[str, Any]]:
    """The frames of the one stack that left so much, in the process itself or in a forked one."""
    figures = report.data if process is None else report.data["children"][process]
    stacks = [row for row in figures["stacks"] if row["left_at_exit_bytes"] == left_at_exit_bytes]
    assert len(stacks) == 1
    assert stacks[0]["allocator"] == "malloc"
    return stacks[0]["frames"]


def of_library(frames: list[dict[str, Any]], name: str = "calls") -> list[tuple[str, int, bool]]:
    own = [frame for frame in frames if (frame.get("module") or "").endswith(f"/{name}.so")]
    return [(frame["function"], frame["line"], frame["inlined"]) for frame in own]


def stacks_in(report: Report, name: str = "calls") -> list[dict[str, Any]]:
    """Those that end in a library: more than one where an interpreter without symbols came there in more than one way."""
    return [row for row in report.data["stacks"] if of_library(row["frames"], name)]


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
    calls.call_back(Callback(back), 7)

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

sorted([1], key=key)
"""
    frames = stack(native(tmp_path, program).report(), 1_000_000)
    names = [frame["function"] for frame in frames]
    lines = [index for index, frame in enumerate(frames) if frame["kind"] == "python"]
    assert [names[index] for index in lines] == ["<module>", "key"]
    between = frames[lines[0] + 1 : lines[1]]
    assert between
    assert all(frame["kind"] == "native" for frame in between)


def test_a_report_does_not_need_the_library_and_tells_its_build_id(tmp_path: Path) -> None:
    recorded = native(tmp_path, "outer(5_000_000)\n")
    library = tmp_path / "calls.so"
    build_id = build_id_of(library)
    library.unlink()
    report = recorded.report()
    assert of_library(stack(report, 5_000_000)) == ALLOCATING
    assert {"path": str(library), "build_id": build_id} in report.data["modules"]


def build_id_of(library: Path) -> str:
    """What stands behind the note's head: lengths of owner and id, the kind 3, and the owner (elf.h, `Elf64_Nhdr`)."""
    head = struct.pack("<III4s", 4, 20, 3, b"GNU")
    _, after = library.read_bytes().split(head, 1)
    assert head not in after
    return after[:20].hex()


def test_the_lines_are_charged_as_without_native_functions(tmp_path: Path) -> None:
    program = f"FOLDER = {str(tmp_path)!r}\n{PRELUDE}kept = [outer(1000) for _ in range(100)]  # here\n"
    build(tmp_path)
    rows = [record(tmp_path, program, options=options).report().line("here") for options in ([], ["--native"])]
    assert rows[0] == rows[1]


def test_without_the_option_there_are_no_native_functions(tmp_path: Path) -> None:
    build(tmp_path)
    report = record(tmp_path, f"FOLDER = {str(tmp_path)!r}\n{PRELUDE}outer(5_000_000)\n").report()
    assert "stacks" not in report.data


def test_a_killed_program_is_named_by_files_of_the_same_build(tmp_path: Path) -> None:
    """Its launcher is killed with it, so nobody has looked the names up before the report."""
    build(tmp_path)
    program = f"FOLDER = {str(tmp_path)!r}\n{PRELUDE}outer(5_000_000)\nimport os\nos.kill(os.getppid(), 9)\n"
    kill = "os.kill(os.getppid(), 9); os.kill(os.getpid(), 9)"
    recorded = record(tmp_path, program.replace("os.kill(os.getppid(), 9)", kill), options=["--native"])
    assert recorded.done.returncode != 0
    assert of_library(stack(recorded.report(), 5_000_000)) == ALLOCATING
    build(tmp_path, "calls.c", None, "-O1")
    frames = stack(recorded.report(), 5_000_000)
    unnamed = [frame for frame in frames if (frame.get("module") or "").endswith("/calls.so")]
    assert [frame["function"] for frame in unnamed] == [None, None]
    assert all(frame["address"] for frame in unnamed)


def test_each_thread_has_a_stack_of_its_own(tmp_path: Path) -> None:
    program = """
import threading

def work(number):
    for _ in range(100):
        outer(10_000 + number)

threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
    stacks = stacks_in(native(tmp_path, program).report())
    assert {tuple(of_library(row["frames"])) for row in stacks} == {tuple(ALLOCATING)}
    assert {tuple(of_program(row["frames"])) for row in stacks} == {("work",)}
    assert sum(row["left_at_exit_bytes"] for row in stacks) == 100 * sum(10_000 + number for number in range(8))


def test_a_forked_child_has_native_functions_too(tmp_path: Path) -> None:
    program = """
import os

def child():
    outer(3_000_000)

if os.fork() == 0:
    child()
else:
    os.wait()
    outer(5_000_000)
"""
    report = native(tmp_path, program).report()
    assert of_library(stack(report, 5_000_000)) == ALLOCATING
    frames = stack(report, 3_000_000, process=0)
    assert of_library(frames) == ALLOCATING
    assert of_program(frames) == ["<module>", "child"]


def test_a_library_that_takes_the_place_of_another_keeps_its_names(tmp_path: Path) -> None:
    # The same instructions at the same addresses, but for the name and the size of the frame.
    for name, room in (("first", 1024), ("other", 2048)):
        build(tmp_path, "unloaded.c", name, f"-DNAME={name}", f"-DROOM={room}")
    program = """
import _ctypes

def ask(name, bytes):
    library = load(name)
    found = function(library, name)
    found(bytes)
    address = ctypes.cast(found, ctypes.c_void_p).value
    _ctypes.dlclose(library._handle)
    return address

places = [ask(name, bytes) >> 12 for name, bytes in (("first", 3_000_000), ("other", 4_000_000)) * 8]
print(any(place == next_place for place, next_place in zip(places, places[1:])))
"""
    recorded = native(tmp_path, program)
    # Now and then something else is mapped in between, but not every time.
    assert recorded.done.stdout == "True\n", "one lies where the other lay, or this is no test"
    report = recorded.report()
    for name, bytes_left in (("first", 24_000_000), ("other", 32_000_000)):
        stacks = stacks_in(report, name)
        assert sum(row["left_at_exit_bytes"] for row in stacks) == bytes_left
        for frames in (row["frames"] for row in stacks):
            assert of_library(frames, name) == [(name, 8, False)]
            assert frames[-1]["function"] == name
            assert all(frame["kind"] == "python" or frame["module"] for frame in frames), "none was lost"


def test_a_function_without_tables_ends_the_native_stack_but_not_the_lines(tmp_path: Path) -> None:
    build(tmp_path, "odd_stacks.c")
    program = """
ask = function(load("odd_stacks"), "through_assembly")

def start():
    ask(5_000_000)

start()
"""
    frames = stack(native(tmp_path, program).report(), 5_000_000)
    assert of_program(frames) == ["<module>", "start"]
    after = frames[[frame["kind"] for frame in frames].index("native") :]
    assert [(frame["module"] is None, frame["function"]) for frame in after] == [
        (True, None),
        (False, "without_tables"),
        (False, "allocate"),
    ]


def test_a_stack_that_is_not_the_threads_own_is_not_read(tmp_path: Path) -> None:
    build(tmp_path, "odd_stacks.c")
    program = """
ask = function(load("odd_stacks"), "on_own_stack")

def start():
    ask(5_000_000)

start()
"""
    frames = stack(native(tmp_path, program).report(), 5_000_000)
    assert of_program(frames) == ["<module>", "start"]
    assert [frame["module"] for frame in frames if frame["kind"] == "native"] == [None]


@pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")
def test_an_exception_passes_and_names_are_as_cpp_writes_them(tmp_path: Path) -> None:
    build(tmp_path, "throwing.cpp")
    frames = stack(native(tmp_path, 'function(load("throwing"), "catching")(5_000_000)\n').report(), 5_000_000)
    names = [name for name, _, _ in of_library(frames, "throwing")]
    assert names == ["catching", "void* shop::allocate<unsigned long>(unsigned long)"]
