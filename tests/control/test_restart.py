"""Start and stop, any number of times: nothing grows, nothing stays hooked, no recording disturbs the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from inside import BYTES_HEADER, report, run, told

HOOKS = """
import ctypes, gc, os

class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("context", "malloc", "calloc", "realloc", "free")]

def allocators():
    found = []
    for domain in range(3):
        allocator = Allocator()
        ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(allocator))
        found += [getattr(allocator, name) for name, _ in Allocator._fields_]
    return found

def malloc_as_found_now():
    return ctypes.cast(ctypes.CDLL(None).malloc, ctypes.c_void_p).value

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
"""


@pytest.mark.parametrize("malloc", ["pymalloc", "malloc", "debug"])
def test_stopping_puts_everything_back(malloc: str, tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        HOOKS
        + """
before, malloc_before = allocators(), malloc_as_found_now()
with lowtide.track() as track:
    during, malloc_during = allocators(), malloc_as_found_now()
    hook = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_size_t)(malloc_during)
    kept = bytes(1_000_000)
    block = hook(5000)
kept_pointer = hook(1000) is not None
libc.free(block)
tell(changed=during != before, same=allocators() == before, unhooked=malloc_as_found_now() == malloc_before, kept_pointer=kept_pointer, peak=track.peak_bytes)
""",
        PYTHONMALLOC=malloc,
    )
    peak = figures.pop("peak")
    assert 1_005_000 <= peak < 1_100_000
    assert all(figures.values()), figures


def test_a_thousand_recordings_leave_nothing_behind(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        HOOKS
        + """
def mappings():
    with open("/proc/self/maps") as maps:
        return sum(1 for line in maps)

def address_space():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * 4096

def cycle():
    lowtide.start("again.lowtide")
    kept = bytes(100_000)
    return lowtide.stop().peak_bytes

def measured():
    gc.collect()
    return mappings(), address_space(), len(os.listdir("/proc/self/fd"))

before = allocators()
for _ in range(50):
    cycle()
first = measured()
peaks = [cycle() for _ in range(1000)]
last = measured()
tell(first=first, last=last, same=allocators() == before, least=min(peaks), most=max(peaks))
""",
    )
    (maps, space, files), (maps_after, space_after, files_after) = figures["first"], figures["last"]
    assert maps_after <= maps + 2
    # The list of a thousand peaks is the program's own.
    assert space_after <= space + (1 << 20)
    assert files_after == files
    assert figures["same"]
    assert figures["least"] >= 100_000 + BYTES_HEADER
    assert figures["most"] < 110_000


def test_blocks_of_an_earlier_recording_do_not_disturb_a_later_one(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        import ctypes
        before = [bytes(10_000) for _ in range(100)]
        with lowtide.track("first.lowtide"):
            # Looked up here, these are the hooks; they go on to be called.
            libc = ctypes.CDLL(None)
            libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
            libc.malloc.argtypes, libc.realloc.argtypes = [ctypes.c_size_t], [ctypes.c_void_p, ctypes.c_size_t]
            libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
            early = [bytes(1000) for _ in range(2000)]
            native = [libc.malloc(70_000) for _ in range(20)]
        with lowtide.track("second.lowtide") as second:
            del early, before
            for block in native[:10]:
                libc.free(block)
            moved = libc.realloc(native[10], 300_000)  # moved
            late = [bytes(500) for _ in range(1000)]  # late
        tell(left=second.left_bytes)
        """,
    )
    late = 1000 * (500 + BYTES_HEADER)
    second = report(tmp_path, "second.lowtide")
    assert second.line("late")["left_at_exit_blocks"] in (1001, 1002)
    assert 0 <= second.line("late")["left_at_exit_bytes"] - late < 10_000
    assert second.line("moved")["left_at_exit_bytes"] - 300_000 in range(1_000)
    assert 0 <= figures["left"] - late - 300_000 < 20_000


def test_each_recording_has_its_own_file(tmp_path: Path) -> None:
    told(
        tmp_path,
        """
        for number in (1, 2):
            lowtide.start(f"{number}.lowtide")
            kept = bytes(number * 1_000_000)  # here
            lowtide.stop()
        for number in (3, 4):
            with lowtide.track("same.lowtide"):
                kept = bytes(number * 1_000_000)  # there
        tell()
        """,
    )
    for number in (1, 2):
        here = report(tmp_path, f"{number}.lowtide").line("here")
        assert here["churn_bytes"] - number * 1_000_000 in range(BYTES_HEADER, 500)
    there = report(tmp_path, "same.lowtide").line("there")
    assert there["churn_bytes"] - 4_000_000 in range(BYTES_HEADER, 500)
    assert sorted(path.name for path in tmp_path.glob("*lowtide*")) == ["1.lowtide", "2.lowtide", "same.lowtide"]


def test_code_that_went_away_between_two_recordings_is_not_remembered(tmp_path: Path) -> None:
    told(
        tmp_path,
        """
        import gc
        def made(name):
            names = {}
            exec(compile(f"def {name}(size):\\n    return bytes(size)\\n", f"{name}.py", "exec"), names)
            return names.pop(name)
        for name in ("first", "second", "third"):
            function = made(name)
            with lowtide.track(f"{name}.lowtide"):
                kept = function(1_000_000)
            del function
            gc.collect()
        tell()
        """,
    )
    for name in ("first", "second", "third"):
        lines = report(tmp_path, f"{name}.lowtide").data["lines"]
        assert [row["function"] for row in lines if row["at_peak_bytes"] > 500_000] == [name]


def test_a_recording_begins_while_threads_allocate(tmp_path: Path) -> None:
    """Four threads of Python and four without its lock, which call what is being patched."""
    figures = told(
        tmp_path,
        HOOKS
        + """
import threading, zlib
going = True

def in_python():
    while going:
        kept = [str(number) * 5 for number in range(200)]

def without_the_lock():
    data = bytes(300_000)
    while going:
        now = ctypes.CDLL(None)
        now.malloc.restype, now.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        now.free(now.malloc(3000))
        zlib.compress(data)

threads = [threading.Thread(target=work) for work in [in_python, without_the_lock] * 4]
for thread in threads:
    thread.start()
before = allocators()
for _ in range(60):
    with lowtide.track("busy.lowtide"):
        kept = [bytes(100_000) for _ in range(10)]  # here
        with lowtide.track():
            del kept
same = allocators() == before
going = False
for thread in threads:
    thread.join()
tell(same=same)
""",
    )
    assert figures["same"]
    here = report(tmp_path, "busy.lowtide").line("here")
    assert here["churn_bytes"] - 10 * (100_000 + BYTES_HEADER) in range(1_000)
    assert here["left_at_exit_bytes"] < 1_000


def test_many_threads_track_at_once(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        import threading
        peaks, barrier = [], threading.Barrier(8)

        def work():
            for _ in range(50):
                barrier.wait()
                with lowtide.track() as track:
                    kept = bytes(1_000_000)
                    barrier.wait()
                peaks.append(track.peak_bytes)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tell(least=min(peaks), most=max(peaks), count=len(peaks), tracking=lowtide.is_tracking())
        """,
    )
    assert figures["count"] == 400
    assert not figures["tracking"]
    # All eight blocks live when the barrier lets go; one whose track began the recording late saw fewer begin.
    assert figures["least"] >= 1_000_000
    assert figures["most"] < 9_000_000


WITH_TRACEMALLOC = {
    "started before": "tracemalloc.start()\n{track}\ntracemalloc.stop()",
    "started meanwhile": "recording = lowtide.track(); recording.__enter__()\ntracemalloc.start()\n"
    "recording.__exit__(None, None, None)\n{track}\ntracemalloc.stop()",
    "stopped meanwhile": "tracemalloc.start()\nrecording = lowtide.track(); recording.__enter__()\ntracemalloc.stop()\n"
    "recording.__exit__(None, None, None)\n{track}",
    "stopped in between": "recording = lowtide.track(); recording.__enter__()\ntracemalloc.start()\n"
    "recording.__exit__(None, None, None)\ntracemalloc.stop()\n{track}",
    "started in a sample": "recording = lowtide.track(sample=1_000_000); recording.__enter__()\ntracemalloc.start()\n"
    "recording.__exit__(None, None, None)\n{track}\ntracemalloc.stop()",
}


@pytest.mark.parametrize("size", [300, 1000])
@pytest.mark.parametrize("order", WITH_TRACEMALLOC)
def test_tracemalloc_may_come_and_go(order: str, size: int, tmp_path: Path) -> None:
    block = f"""
for _ in range(3):
    with lowtide.track("capture.lowtide") as track:
        kept = [bytes({size}) for _ in range(1000)]  # here
        del kept
"""
    told(
        tmp_path,
        "import tracemalloc\n" + WITH_TRACEMALLOC[order].format(track=block) + "\ntell(peak=track.peak_bytes)\n",
    )
    here = report(tmp_path, "capture.lowtide").line("here")
    assert here["churn_bytes"] >= 1000 * (size + BYTES_HEADER)
    # A list that grows, and traces; twice as much would be too much.
    assert here["churn_bytes"] < 1.5 * 1000 * (size + BYTES_HEADER)
    # Its own table of the traces may have grown meanwhile.
    assert here["left_at_exit_bytes"] < 100_000


def test_a_recording_that_nobody_stops_is_complete_at_exit(tmp_path: Path) -> None:
    done = run(tmp_path, 'kept = None\nlowtide.start("open.lowtide")\nkept = bytes(3_000_000)  # here\n')
    assert done.returncode == 0, done.stderr
    capture = report(tmp_path, "open.lowtide")
    assert capture.data["recording"]["state"] == "complete"
    assert capture.line("here")["left_at_exit_bytes"] == 3_000_000 + BYTES_HEADER
