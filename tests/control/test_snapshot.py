"""`lowtide.snapshot`: the capture as it is at that moment, while recording goes on."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from inside import BYTES_HEADER, report, run, told


def test_a_snapshot_says_what_is_live_and_recording_goes_on(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        first = second = third = peak = None
        lowtide.start("whole.lowtide")
        first = bytes(2_000_000)  # first
        second = bytes(1_000_000)  # second
        del first
        lowtide.snapshot("then.lowtide")
        third = bytes(4_000_000)  # third
        peak = lowtide.stop().peak_bytes
        tell(peak=peak)
        """,
    )
    then = report(tmp_path, "then.lowtide")
    assert then.data["recording"]["state"] == "complete"
    at_peak = [then.line(marker)["at_peak_bytes"] for marker in ("first", "second", "third")]
    assert at_peak == [2_000_000 + BYTES_HEADER, 1_000_000 + BYTES_HEADER, 0]
    left = [then.line(marker)["left_at_exit_bytes"] for marker in ("first", "second", "third")]
    assert left == [0, 1_000_000 + BYTES_HEADER, 0]
    assert then.peak_heap_bytes - 3_000_000 in range(2 * BYTES_HEADER, 2_000)
    assert then.type("bytes")["bytes"] >= 3_000_000
    whole = report(tmp_path, "whole.lowtide")
    assert whole.peak_heap_bytes == figures["peak"]
    assert whole.line("third")["at_peak_bytes"] == 4_000_000 + BYTES_HEADER


def test_snapshots_while_threads_allocate_are_whole(tmp_path: Path) -> None:
    """Each line's live bytes add up to the heap's: nobody counts while the copy is made."""
    told(
        tmp_path,
        """
        import threading, zlib
        going = True

        def work():
            data = bytes(100_000)
            while going:
                kept = [str(number) for number in range(100)]
                zlib.compress(data)

        with lowtide.track("whole.lowtide"):
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            for number in range(20):
                lowtide.snapshot(f"{number}.lowtide")
            going = False
            for thread in threads:
                thread.join()
        tell()
        """,
    )
    for number in range(20):
        snapshot = report(tmp_path, f"{number}.lowtide")
        at_peak = sum(row["at_peak_bytes"] for row in snapshot.data["lines"])
        assert at_peak == snapshot.peak_heap_bytes


REFUSED = {
    "no recording": ('lowtide.snapshot("then.lowtide")', "this process is not being recorded"),
    "no folder": (
        'with lowtide.track(): lowtide.snapshot("none/then.lowtide")',
        "cannot write the snapshot {folder}/none/then.lowtide: No such file or directory (os error 2)",
    ),
    "another file": (
        'with lowtide.track(): lowtide.snapshot("program.py")',
        "{folder}/program.py exists and is not a capture",
    ),
    "a folder": ('with lowtide.track(): lowtide.snapshot(".")', "cannot write {folder}: Is a directory"),
    "the capture itself": (
        'with lowtide.track("own.lowtide"): lowtide.snapshot("own.lowtide")',
        "this file is the capture that is being written",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_snapshot_that_cannot_be_says_why(case: str, tmp_path: Path) -> None:
    program, expected = REFUSED[case]
    done = run(tmp_path, program)
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()[-2:]
    assert error == f"lowtide.TrackingError: {expected.format(folder=tmp_path)}"
    assert hint.startswith("hint: ")


def test_a_snapshot_that_fails_midway_leaves_what_was_there(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    figures = told(
        tmp_path,
        f"""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with lowtide.track() as track:
            # All code has run before the limit is there: the capture itself need not grow beyond it any more.
            rounds = [(path, {soft}) for path in ("then.lowtide", "then.lowtide", "missing/then.lowtide")]
            for path, limit in [*rounds, ("then.lowtide", 10_000)]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, {hard}))
                try:
                    lowtide.snapshot(path)
                except lowtide.TrackingError as error:
                    said = str(error)
            resource.setrlimit(resource.RLIMIT_FSIZE, ({soft}, {hard}))
        tell(said=said, peak=track.peak_bytes)
        """,
    )
    assert "File too large" in figures["said"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py", "temporary", "then.lowtide"]
    report(tmp_path, "then.lowtide")
