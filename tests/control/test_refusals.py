"""Importing lowtide works anywhere; what cannot be done says so when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from inside import run, told

REFUSED = {
    "started twice": (
        'lowtide.start("a.lowtide")\nlowtide.start("b.lowtide")',
        "tracking was started already",
    ),
    "not started": ("lowtide.stop()", "tracking was not started"),
    "no folder": (
        'lowtide.start("none/a.lowtide")',
        "the capture could not be created (error 2 of the operating system)",
    ),
    "a script named by mistake": ('lowtide.start("program.py")', "{folder}/program.py exists and is not a capture"),
    "figures too early": (
        "with lowtide.track() as track: track.peak_bytes",
        "this track is still being recorded",
    ),
    "figures of nothing": ("lowtide.track().peak_bytes", "this track was not recorded yet"),
    "entered twice": (
        "track = lowtide.track()\nwith track:\n    with track: pass",
        "this track is being recorded already",
    ),
    "no capture": (
        "with lowtide.track():\n    with lowtide.track() as inner: pass\ninner.report()",
        "there is no capture: this was a window on another recording",
    ),
    "another implementation": (
        "import sys\nsys.implementation.name = 'pypy'\nwith lowtide.track(): pass",
        "pypy (Python {version}) cannot be measured",
    ),
    "free-threaded": (
        "import sys\nsys.abiflags = 't'\nwith lowtide.track(): pass",
        "the free-threaded build of Python {version} cannot be measured",
    ),
    "too old": (
        "import sys\nsys.version_info = (3, 9, 1)\nwith lowtide.track(): pass",
        "Python 3.9.1 cannot be measured",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_says_why(case: str, tmp_path: Path) -> None:
    import sys

    program, expected = REFUSED[case]
    done = run(tmp_path, program)
    assert done.returncode == 1
    error, hint = done.stderr.splitlines()[-2:]
    version = ".".join(str(number) for number in sys.version_info[:3])
    assert error == f"lowtide.TrackingError: {expected.format(folder=tmp_path, version=version)}"
    assert hint.startswith("hint: ")


def test_a_refused_start_can_be_tried_again(tmp_path: Path) -> None:
    figures = told(
        tmp_path,
        """
        try:
            lowtide.start("none/a.lowtide")
        except lowtide.TrackingError:
            pass
        before = lowtide.is_tracking()
        lowtide.start("a.lowtide")
        during = lowtide.is_tracking()
        kept = bytes(1_000_000)
        tell(before=before, during=during, peak=lowtide.stop().peak_bytes)
        """,
    )
    assert (figures["before"], figures["during"]) == (False, True)
    assert figures["peak"] >= 1_000_000


def test_asking_loads_nothing(tmp_path: Path) -> None:
    figures = told(
        tmp_path, "tell(tracking=lowtide.is_tracking(), loaded='_tracker' in open('/proc/self/maps').read())\n"
    )
    assert figures == {"tracking": False, "loaded": False}
