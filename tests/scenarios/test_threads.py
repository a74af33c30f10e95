"""Threads with and without the lock of Python, and forks under load: every block is counted once, in its own process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from compiling import library
from measuring import measure, record

CTYPES = """
import ctypes, threading
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
"""


def test_a_hundred_threads_lose_no_block(tmp_path: Path) -> None:
    """ctypes lets go of the lock around each call, so the blocks come without it."""
    report = measure(
        tmp_path,
        CTYPES
        + """
def work():
    for _ in range(100):
        libc.malloc(5000)  # here

threads = [threading.Thread(target=work) for _ in range(100)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
    )
    row = report.line("here")
    assert row["left_at_exit_bytes"] // 5000 == 100 * 100
    assert row["functions"] == ["work"]


def test_a_block_freed_by_another_thread_is_gone(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        CTYPES
        + """
blocks = [libc.malloc(100_000) for _ in range(50)]  # here

def release():
    for block in blocks:
        libc.free(block)

thread = threading.Thread(target=release)
thread.start()
thread.join()
""",
    )
    row = report.line("here")
    assert row["churn_bytes"] >= 5_000_000
    assert row["left_at_exit_bytes"] < 100_000


def test_python_threads_at_once_add_up(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        import threading
        kept = [None] * 8

        def work(place):
            kept[place] = [bytes(1000) for _ in range(2000)]  # here

        threads = [threading.Thread(target=work, args=(place,)) for place in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """,
    )
    expected = 8 * 2000 * (1000 + sys.getsizeof(b""))
    assert expected <= report.line("here")["left_at_exit_bytes"] <= expected * 1.1


def test_forks_under_load_each_have_their_own_capture(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        """
        import os, threading, zlib
        stop = False

        def load():
            while not stop:
                zlib.compress(bytes(100_000))

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(1, 11):
            child = os.fork()
            if child == 0:
                size = number * 1_000_000
                theirs = bytes(size)  # child
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop = True
        for thread in threads:
            thread.join()
        """,
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    assert recorded.report().line("child")["churn_bytes"] == 0
    captures = tmp_path.glob("capture.lowtide.*")
    sizes = sorted(recorded.report(capture).line("child")["churn_bytes"] for capture in captures)
    header = sys.getsizeof(b"")
    assert sizes == [number * 1_000_000 + header for number in range(1, 11)]


def test_a_handler_of_somebody_else_allocates_during_a_fork(tmp_path: Path) -> None:
    """A library that was there before registers its handlers first, so that they run while nobody may record."""
    path = library("fork_handlers.c", tmp_path, "-pthread")
    program = "import os\nchild = os.fork()\nif not child:\n    os._exit(0)\nassert os.waitpid(child, 0)[1] == 0\n"
    recorded = record(tmp_path, program, env=os.environ | {"LD_PRELOAD": str(path)}, timeout=60)
    assert recorded.done.returncode == 0, recorded.done.stderr
