"""Native blocks, asked for in each way there is, from known lines: each is counted once, to the byte, and its free matched."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from compiling import library
from measuring import measure

BYTES = 984
# What allocates in C and C++, what frees that, and the blocks and bytes that come and go on the way.
C_WAYS = {
    "by_malloc": ("give_back", 1, BYTES),
    "by_calloc": ("give_back", 1, BYTES),
    "by_realloc": ("give_back", 1, BYTES),
    "by_reallocarray": ("give_back", 1, BYTES),
    "by_memalign": ("give_back", 1, BYTES),
    "by_aligned_alloc": ("give_back", 1, BYTES),
    "by_valloc": ("give_back", 1, BYTES),
    "by_pvalloc": ("give_back", 1, BYTES),
    "by_posix_memalign": ("give_back", 1, BYTES),
    "by_moving": ("give_back", 3, BYTES + 24 + 24),
    "by_strdup": ("give_back", 1, BYTES),
    "grow_and_shrink": ("shrink_to_nothing", 18, BYTES + sum(1 << power for power in range(4, 21))),
}
CPP_WAYS = {
    "by_new": ("give_back", 1, BYTES),
    "by_new_array": ("give_back_array", 1, BYTES),
    "by_nothrow_new": ("give_back_sized", 1, BYTES),
    "by_aligned_new": ("give_back_aligned", 1, BYTES),
    # The vector itself is three pointers.
    "by_vector": ("give_back_vector", 2, BYTES + 24),
}
LOAD = """
import ctypes

def load(path):
    lib = ctypes.CDLL(path)
    for name in {ways}:
        give_back = getattr(lib, {ways}[name][0])
        give_back.argtypes = [ctypes.c_void_p]
        getattr(lib, name).restype = give_back.restype = ctypes.c_void_p
    return lib

lib = load("{library}")
"""


def figures(row: dict[str, Any], what: str) -> tuple[int, int]:
    """Blocks and bytes of native code."""
    return row["native"][f"{what}_blocks"], row["native"][f"{what}_bytes"]


@pytest.mark.parametrize(("source", "ways"), [("each_way.c", C_WAYS), ("each_way.cpp", CPP_WAYS)])
def test_each_way_gives_one_block_and_its_free_is_matched(tmp_path: Path, source: str, ways: dict[str, Any]) -> None:
    program = LOAD.format(ways=ways, library=library(source, tmp_path))
    for name, (give_back, _, _) in ways.items():
        program += f"kept = lib.{name}()  # {name} kept\n"
        program += f"lib.{give_back}(lib.{name}())  # {name} freed\n"
    report = measure(tmp_path, program)
    for name, (_, blocks, churn) in ways.items():
        kept, freed = report.line(f"{name} kept"), report.line(f"{name} freed")
        live = 2 if name == "by_vector" else 1
        assert figures(kept, "left_at_exit") == (live, churn if name == "by_vector" else BYTES), name
        assert figures(kept, "churn") == figures(freed, "churn") == (blocks, churn), name
        assert figures(freed, "left_at_exit") == (0, 0), name


def test_what_the_c_library_asks_for_itself_is_seen(tmp_path: Path) -> None:
    """getline asks for the line, fmemopen for a stream that fclose frees."""
    program = LOAD.format(ways={"by_getline": ("give_back",)}, library=library("each_way.c", tmp_path))
    report = measure(tmp_path, program + "kept = lib.by_getline()  # here\n")
    assert figures(report.line("here"), "left_at_exit") == (1, BYTES)


def test_calls_that_fail_change_nothing(tmp_path: Path) -> None:
    c = LOAD.format(ways={"by_malloc": ("fail",)}, library=library("each_way.c", tmp_path))
    cpp = f"cpp = ctypes.CDLL({str(library('each_way.cpp', tmp_path, name='libcpp.so'))!r})\n"
    calls = "block = lib.by_malloc()  # block\nassert lib.fail(block)  # failing\n"
    # The first exception of a thread may ask for the thread's variables of the C++ library, which stay.
    calls += "assert cpp.fail()\nassert cpp.fail()  # throwing\n"
    report = measure(tmp_path, c + cpp + calls)
    assert figures(report.line("block"), "left_at_exit") == (1, BYTES)
    assert figures(report.line("failing"), "churn") == (0, 0)
    # The exception itself is a block.
    assert figures(report.line("throwing"), "left_at_exit") == (0, 0)
    assert figures(report.line("throwing"), "churn")[0] == 1


def test_a_free_without_its_block_is_ignored(tmp_path: Path) -> None:
    program = LOAD.format(ways={"by_malloc": ("give_back",)}, library=library("each_way.c", tmp_path))
    report = measure(tmp_path, program + "lib.free_unknown()  # unknown\nlib.by_malloc()  # block\n")
    assert figures(report.line("unknown"), "churn") == (0, 0)
    assert figures(report.line("block"), "left_at_exit") == (1, BYTES)


CTYPES = """
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
THROUGH_CTYPES = {
    "malloc": ("size", "984"),
    "calloc": ("size, size", "12, 82"),
    "realloc": ("void, size", "None, 984"),
    "posix_memalign": ("void, size, size", "address, 64, 984"),
    "aligned_alloc": ("size, size", "64, 984"),
    "memalign": ("size, size", "64, 984"),
    "valloc": ("size", "984"),
    "pvalloc": ("size", "984"),
}


def test_functions_looked_up_by_ctypes_are_seen(tmp_path: Path) -> None:
    program = CTYPES
    for name, (arguments, call) in THROUGH_CTYPES.items():
        program += f"ask = function('{name}', {arguments})\nkept = ask({call})  # {name}\n"
        program += f"free(slot if {name!r} == 'posix_memalign' else kept)\nkept = ask({call})  # {name} again\n"
    report = measure(tmp_path, program)
    for name in THROUGH_CTYPES:
        assert figures(report.line(name), "churn") == (1, BYTES), name
        assert figures(report.line(name), "left_at_exit") == (0, 0), name
        assert figures(report.line(f"{name} again"), "left_at_exit") == (1, BYTES), name


# PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ.
@pytest.mark.parametrize("domain", [0, 1, 2])
@pytest.mark.parametrize("size", [100, 5000])
def test_python_s_own_functions_count_once_never_again_below(tmp_path: Path, domain: int, size: int) -> None:
    """Small blocks come from arenas, large ones from malloc: either way it is one block of Python's."""
    lib = library("python_domains.c", tmp_path)
    program = f"import ctypes\nlib = ctypes.PyDLL({str(lib)!r})\n"
    # Constants: an int that a line makes is a block of that line.
    program += f"SIZE = {size}\nLARGER = {3 * size}\n"
    program += (
        "for name in 'do_malloc', 'do_calloc', 'do_realloc', 'do_free', 'grow': getattr(lib, name).restype = None\n"
    )
    for way in ("malloc", "calloc", "realloc"):
        program += f"lib.do_{way}({domain}, SIZE)  # {way}\n"
    program += f"lib.do_free({domain})\nlib.do_malloc({domain}, LARGER)  # moved\nlib.grow({domain}, SIZE)  # to\n"
    report = measure(tmp_path, program)
    expected = {"malloc": (1, size), "calloc": (1, size), "realloc": (0, 0), "moved": (0, 0), "to": (1, size)}
    for marker, (blocks, left) in expected.items():
        row = report.line(marker)
        assert (row["left_at_exit_blocks"], row["left_at_exit_bytes"]) == (blocks, left), marker
        assert row["native"]["churn_blocks"] == 0, marker


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="cffi has no release for it")
def test_functions_of_cffi_are_seen(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        import cffi
        ffi = cffi.FFI()
        ffi.cdef("void *malloc(size_t); void free(void *); void *calloc(size_t, size_t);")
        libc = ffi.dlopen(None)
        malloc, calloc, free = libc.malloc, libc.calloc, libc.free
        # The first call may ask for the thread's variables of cffi, which stay.
        free(malloc(1))
        kept = malloc(984)  # kept
        free(calloc(12, 82))  # freed
        """,
    )
    assert figures(report.line("kept"), "left_at_exit") == (1, BYTES)
    assert (figures(report.line("freed"), "churn"), figures(report.line("freed"), "left_at_exit")) == (
        (1, BYTES),
        (0, 0),
    )


# How a library comes into the process after tracking began: the name that is asked for, and the flags of dlopen.
WAYS_TO_LOAD = {
    "by path": ("{folder}/libouter.so", "RTLD_NOW"),
    "by name, in the RPATH of who asks": ("libouter.so", "RTLD_NOW"),
    "by $ORIGIN of who asks": ("$ORIGIN/libouter.so", "RTLD_NOW"),
    "with symbols of its own first": ("{folder}/libouter.so", "RTLD_NOW | os.RTLD_DEEPBIND"),
    "lazily bound": ("{folder}/libouter.so", "RTLD_LAZY"),
    "lazily bound, by name": ("libouter.so", "RTLD_LAZY"),
    "globally": ("{folder}/libouter.so", "RTLD_NOW | os.RTLD_GLOBAL"),
}


def opener(folder: Path) -> str:
    """A program that can load a library, which needs another that lies next to it."""
    library("loading.c", folder, "-DINNER", name="libinner.so")
    library("loading.c", folder, "-DOUTER", f"-L{folder}", "-linner", "-Wl,-rpath,$ORIGIN", name="libouter.so")
    path = library("loading.c", folder, "-DOPENER", f"-Wl,-rpath,{folder}", name="libopener.so")
    return f"""
import ctypes, os
lib = ctypes.CDLL({str(path)!r})
lib.open_library.restype = lib.open_apart.restype = lib.by_opened.restype = ctypes.c_void_p
lib.give_back_opened.argtypes = [ctypes.c_void_p]
"""


@pytest.mark.parametrize("way", WAYS_TO_LOAD)
def test_a_library_loaded_later_is_seen(tmp_path: Path, way: str) -> None:
    name, flags = WAYS_TO_LOAD[way]
    program = opener(tmp_path)
    program += f"assert lib.open_library({name.format(folder=tmp_path)!r}.encode(), os.{flags})\n"
    program += "kept = lib.by_opened()  # kept\nlib.give_back_opened(lib.by_opened())  # freed\n"
    report = measure(tmp_path, program)
    assert figures(report.line("kept"), "left_at_exit") == (1, BYTES)
    assert figures(report.line("freed"), "churn") == (1, BYTES)
    assert figures(report.line("freed"), "left_at_exit") == (0, 0)


def test_a_library_that_cannot_be_loaded_is_refused_as_without_lowtide(tmp_path: Path) -> None:
    measure(tmp_path, opener(tmp_path) + "assert not lib.open_library(b'/nowhere/lib.so', os.RTLD_NOW)\n")


def test_another_namespace_is_not_seen_and_unharmed(tmp_path: Path) -> None:
    """dlmopen brings a C library of its own, which nobody else can reach."""
    program = opener(tmp_path) + f"assert lib.open_apart({str(tmp_path / 'libouter.so')!r}.encode())\n"
    report = measure(tmp_path, program + "kept = lib.by_opened()  # kept\n")
    assert figures(report.line("kept"), "churn") == (0, 0)


def test_an_allocator_of_a_library_s_own_shows_by_its_mappings(tmp_path: Path) -> None:
    path = library("own_malloc.c", tmp_path, "-Wl,-Bsymbolic")
    program = f"import ctypes\nlib = ctypes.CDLL({str(path)!r})\nlib.ask_a_hundred_times()  # here\n"
    row = measure(tmp_path, program).line("here")
    assert figures(row, "churn") == (0, 0)
    assert (row["mappings"]["left_at_exit_blocks"], row["mappings"]["left_at_exit_bytes"]) == (1, 1 << 20)


def test_arenas_are_not_heap(tmp_path: Path) -> None:
    """Small objects live in arenas: the heap is what they asked for, not the arenas on top."""
    report = measure(tmp_path, "kept = [None] * 100_000\nfor i in range(100_000):\n    kept[i] = bytes(100)\n")
    assert report.peak_heap_bytes < 100_000 * (133 + 8) * 1.1 + 1_000_000


def test_threads_allocate_without_the_lock_of_python(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        CTYPES
        + """
import threading
malloc = function("malloc", size)

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
    assert figures(report.line("here"), "left_at_exit") == (10_000, 20_000_000)
