"""What native threads allocate belongs to the Python line that waited for them, marked, never to an empty stack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from compiling import library
from measuring import Report, measure, record

PRELUDE = """
import ctypes, sys, threading
count, size = ctypes.c_int, ctypes.c_size_t
CALL_BACK = ctypes.CFUNCTYPE(None)
lib = getattr(ctypes, "{loader}")("{library}")
lib.run.argtypes = [count, count, size]
lib.run_in_pool.argtypes = lib.run_nested.argtypes = lib.run_mapping.argtypes = [count, size]
lib.run_calling_back.argtypes = [CALL_BACK, size]
lib.call_back_then_run.argtypes = [CALL_BACK, count, size]
lib.run_ending_itself.argtypes = lib.keep_until_end.argtypes = [size]
"""
# ctypes lets others run around a call of the first, and keeps the GIL around one of the second.
LOADERS = ("CDLL", "PyDLL")


def prelude(folder: Path, loader: str = "CDLL") -> str:
    return PRELUDE.format(loader=loader, library=library("workers.c", folder, "-pthread"))


def measured(folder: Path, program: str, loader: str = "CDLL", options: Sequence[str] = ()) -> Report:
    report = measure(folder, prelude(folder, loader) + program, options=options)
    # The interpreter itself asks for memory before it runs any line.
    nowhere = [row for row in report.data["lines"] if not row["file"]]
    assert [row["workers"] for row in nowhere] == [None] * len(nowhere)
    return report


def blocks_of_workers(report: Report, marker: str) -> tuple[int, int]:
    workers = report.line(marker)["workers"]
    return workers["left_at_exit_blocks"], workers["left_at_exit_bytes"]


@pytest.mark.parametrize("loader", LOADERS)
def test_a_hundred_native_threads_lose_no_block(tmp_path: Path, loader: str) -> None:
    report = measured(tmp_path, "def wait():\n    lib.run(100, 100, 984)  # here\nwait()\n", loader)
    assert blocks_of_workers(report, "here") == (10_000, 9_840_000)
    row = report.line("here")
    assert (row["native"]["churn_blocks"], row["native"]["churn_bytes"]) == (10_000, 9_840_000)
    assert row["functions"] == ["wait"]


def test_native_stacks_of_new_threads_end_below_the_line_that_waits(tmp_path: Path) -> None:
    """The first block of a thread asks the C library where the thread's stack lies, which allocates in turn."""
    # So large that the peak is here: of very many stacks, a report shows those with the most bytes at the peak.
    report = measured(tmp_path, "lib.run(10, 10, 98_400)  # here\n", options=["--native"])
    assert blocks_of_workers(report, "here") == (100, 9_840_000)
    stacks = [stack for stack in report.data["stacks"] if stack["left_at_exit_bytes"] == 9_840_000]
    assert [stack["by_workers"] for stack in stacks] == [True]
    assert stacks[0]["frames"][0]["function"] == "<module>"
    assert stacks[0]["frames"][-1]["function"] == "allocate"


@pytest.mark.parametrize("loader", LOADERS)
def test_a_thread_of_a_thread_is_charged_too(tmp_path: Path, loader: str) -> None:
    report = measured(tmp_path, "lib.run_nested(7, 1000)  # here\n", loader)
    assert blocks_of_workers(report, "here") == (7, 7000)


@pytest.mark.parametrize("loader", LOADERS)
def test_mappings_of_workers_are_charged(tmp_path: Path, loader: str) -> None:
    report = measured(tmp_path, "lib.run_mapping(3, 4096_000)  # here\n", loader)
    assert blocks_of_workers(report, "here") == (3, 3 * 4096_000)
    assert report.line("here")["mappings"]["at_peak_bytes"] == 3 * 4096_000


@pytest.mark.parametrize("loader", LOADERS)
def test_a_pool_serves_the_line_that_waits_now(tmp_path: Path, loader: str) -> None:
    program = "lib.make_pool()  # made\nlib.run_in_pool(5, 3000)  # first\nlib.run_in_pool(9, 2000)  # second\n"
    report = measured(tmp_path, program, loader)
    assert [blocks_of_workers(report, marker) for marker in ("made", "first", "second")] == [
        (0, 0),
        (5, 15_000),
        (9, 18_000),
    ]


def test_each_of_two_waiting_threads_gets_what_its_own_workers_asked_for(tmp_path: Path) -> None:
    """Each holds its worker back until the other waits too, so the one that began last is not always the right one."""
    report = measured(
        tmp_path,
        """
both = threading.Barrier(2)
meet = CALL_BACK(both.wait)

def first():
    lib.run_calling_back(meet, 111_000)  # first

def second():
    lib.run_calling_back(meet, 222_000)  # second

threads = [threading.Thread(target=function) for function in (first, second)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
    )
    # Python makes a thread state for each worker that calls back, of up to 500 bytes.
    shown = [blocks_of_workers(report, marker)[1] // 1000 for marker in ("first", "second")]
    assert shown == [111, 222]


def test_a_pool_made_by_another_thread_serves_the_one_that_waits(tmp_path: Path) -> None:
    report = measured(
        tmp_path,
        """
maker = threading.Thread(target=lib.make_pool)
maker.start()
maker.join()
lib.run_in_pool(4, 5000)  # here
""",
    )
    assert blocks_of_workers(report, "here") == (4, 20_000)


def test_after_a_call_back_the_outer_line_waits_on(tmp_path: Path) -> None:
    report = measured(
        tmp_path,
        """
def back():
    lib.run(1, 3, 1000)  # inner

lib.call_back_then_run(CALL_BACK(back), 5, 1000)  # outer
""",
    )
    assert [blocks_of_workers(report, marker) for marker in ("inner", "outer")] == [(3, 3000), (5, 5000)]


def test_a_foreign_thread_that_runs_python_is_charged_by_its_own_lines(tmp_path: Path) -> None:
    report = measured(
        tmp_path,
        """
kept = []

def back():
    kept.append(bytes(500_000))  # python

lib.run_calling_back(CALL_BACK(back), 70_000)  # native
""",
    )
    assert report.line("python")["workers"]["churn_blocks"] == 0
    assert report.line("python")["left_at_exit_bytes"] >= 500_000
    assert blocks_of_workers(report, "native") == (1, 70_000)


def test_a_native_thread_ends_itself_as_without_lowtide(tmp_path: Path) -> None:
    # The first thread that ends itself has the C library load the unwinder, which keeps memory of its own.
    program = "assert lib.run_ending_itself(1) == 1\nassert lib.run_ending_itself(60_000) == 1  # here\n"
    workers = measured(tmp_path, program).line("here")["workers"]
    assert (workers["churn_blocks"], workers["churn_bytes"], workers["left_at_exit_blocks"]) == (1, 60_000, 0)


def test_a_forked_child_charges_its_own_workers(tmp_path: Path) -> None:
    """The child is forked while another thread waits, whose line means nothing there."""
    recorded = record(
        tmp_path,
        prelude(tmp_path)
        + """
import os
here, there = os.pipe()
fork = CALL_BACK(lambda: os.write(there, b"x") and threading.Event().wait())
threading.Thread(target=lib.run_calling_back, args=(fork, 1), daemon=True).start()
os.read(here, 1)
child = os.fork()
if child == 0:
    lib.run(2, 10, 1000)  # child
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
lib.run(3, 10, 1000)  # parent
""",
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    (capture,) = tmp_path.glob("capture.lowtide.*")
    parent, child = recorded.report(), recorded.report(capture)
    assert [blocks_of_workers(report, "child") for report in (parent, child)] == [(0, 0), (20, 20_000)]
    assert [blocks_of_workers(report, "parent") for report in (parent, child)] == [(30, 30_000), (0, 0)]


def test_threads_of_python_are_no_workers(tmp_path: Path) -> None:
    report = measured(
        tmp_path,
        """
kept = []
threads = [threading.Thread(target=lambda: kept.append(bytes(10_000))) for _ in range(20)]  # made
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
""",
    )
    assert report.line("made")["left_at_exit_bytes"] >= 200_000
    assert report.line("made")["workers"]["churn_blocks"] == 0


def test_what_the_end_of_a_thread_frees_is_gone(tmp_path: Path) -> None:
    """The thread's state in Python is gone by then."""
    report = measured(
        tmp_path,
        """
lib.prepare_end()

def work():
    lib.keep_until_end(7000)  # here

threads = [threading.Thread(target=work) for _ in range(100)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
# Python has joined a thread before its system thread is at its end.
import os
while len(os.listdir("/proc/self/task")) > 1:
    pass
""",
    )
    native = report.line("here")["native"]
    assert (native["churn_blocks"], native["churn_bytes"]) == (100, 700_000)
    assert native["left_at_exit_blocks"] == 0
