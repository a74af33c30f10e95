"""A recording may begin anywhere in a program, and has the right stacks from there on."""

from __future__ import annotations

from pathlib import Path

import pytest
from inside import BYTES_HEADER, report, told

WORK = """
import asyncio, os, sys, threading
def work(size=2_000_000):
    return bytes(size)  # here
"""
TRACKED = 'with lowtide.track("capture.lowtide"): kept = work()'
PLACES = {
    "module": TRACKED,
    "generator": f"""
def numbers():
    {TRACKED}
    yield kept
next(numbers())
""",
    "suspended in a generator": """
def numbers():
    with lowtide.track("capture.lowtide"):
        yield 1
        kept = work()
        yield 2
list(numbers())
""",
    "coroutine": f"""
async def main():
    await asyncio.sleep(0)
    {TRACKED}
asyncio.run(main())
""",
    "class body": f"""
class Body:
    {TRACKED}
""",
    "import": f"""
with open("imported.py", "w") as file:
    file.write('''import lowtide
from __main__ import work
{TRACKED}
''')
sys.path.insert(0, os.getcwd())
import imported
""",
    "thread": f"""
def target():
    {TRACKED}
thread = threading.Thread(target=target)
thread.start()
thread.join()
""",
    "under cProfile": f"""
import cProfile
profile = cProfile.Profile()
profile.enable()
{TRACKED}
profile.disable()
profile.getstats()
""",
    "under sys.settrace": f"""
sys.settrace(lambda frame, event, argument: lambda *words: None)
{TRACKED}
sys.settrace(None)
""",
    "callback from C": f"""
def key(number):
    {TRACKED}
    return number
sorted([1], key=key)
""",
    "finalizer": f"""
class Dropped:
    def __del__(self):
        {TRACKED}
Dropped()
""",
    "deep recursion": f"""
def down(depth):
    if depth:
        return down(depth - 1)
    {TRACKED}
down(500)
""",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_recording_begins_here(place: str, tmp_path: Path) -> None:
    told(tmp_path, WORK + PLACES[place] + "\ntell()\n")
    here = report(tmp_path, "capture.lowtide").line("here")
    # A profiler may keep notes of its own about the line.
    assert here["at_peak_bytes"] - 2_000_000 in range(BYTES_HEADER, 500)
    assert here["functions"] == ["work"]


def test_a_thread_that_ran_before_has_its_whole_stack(tmp_path: Path) -> None:
    told(
        tmp_path,
        """
        import threading
        go, done = threading.Event(), threading.Event()

        def innermost():
            kept = bytes(3_000_000)  # here
            done.set()
            return kept

        def middle():
            go.wait()
            return innermost()  # middle

        def outermost():
            return middle()  # outermost

        thread = threading.Thread(target=outermost)
        thread.start()
        with lowtide.track("capture.lowtide"):
            go.set()
            done.wait()
        thread.join()
        tell()
        """,
    )
    capture = report(tmp_path, "capture.lowtide")
    assert capture.line("here")["at_peak_bytes"] == 3_000_000 + BYTES_HEADER
    assert capture.line("here")["functions"] == ["innermost"]


def test_a_forked_child_begins_its_own(tmp_path: Path) -> None:
    told(
        tmp_path,
        """
        import os
        child = os.fork()
        if child == 0:
            with lowtide.track("child.lowtide"):
                kept = bytes(1_000_000)  # child
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with lowtide.track("parent.lowtide"):
            child = os.fork()
            if child == 0:
                with lowtide.track() as inner:
                    kept = bytes(2_000_000)  # grandchild
                os._exit(0 if 1_999_000 < inner.risen_bytes < 2_010_000 else 1)
            assert os.waitpid(child, 0)[1] == 0
            kept = bytes(3_000_000)  # parent
        tell(child=child)
        """,
    )
    assert report(tmp_path, "child.lowtide").line("child")["at_peak_bytes"] == 1_000_000 + BYTES_HEADER
    assert report(tmp_path, "parent.lowtide").line("parent")["at_peak_bytes"] == 3_000_000 + BYTES_HEADER
    (forked,) = tmp_path.glob("parent.lowtide.*")
    assert report(tmp_path, forked.name).line("grandchild")["at_peak_bytes"] == 2_000_000 + BYTES_HEADER


def test_a_child_that_leaves_its_parents_block_has_figures_of_its_own(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        import os, sys
        reader, writer = os.pipe()
        with lowtide.track("capture.lowtide") as track:
            kept = bytes(5_000_000)
            child = os.fork()
            if child == 0:
                own = bytes(1_000_000)
            else:
                assert os.waitpid(child, 0)[1] == 0
        if child == 0:
            figures = [track.path, track.peak_bytes, lowtide.is_tracking()]
            os.write(writer, json.dumps(figures).encode())
            os._exit(0)
        theirs = json.loads(os.read(reader, 1000))
        tell(theirs=theirs, child=child, peak=track.peak_bytes, path=track.path)
        """,
    )
    path, peak, tracking = figures["theirs"]
    assert path == f"{tmp_path / 'capture.lowtide'}.{figures['child']}"
    assert peak - 1_000_000 in range(BYTES_HEADER, 10_000)
    assert not tracking
    assert figures["peak"] - 5_000_000 in range(BYTES_HEADER, 10_000)
    assert figures["path"] == str(tmp_path / "capture.lowtide")
