"""A program that tracks itself and is run by `lowtide run`: the run's recording goes on as if it did not."""

from __future__ import annotations

import json
from pathlib import Path

from inside import BYTES_HEADER, PACKAGE, PRELUDE, report
from measuring import record


def test_tracks_are_windows_on_the_recording_of_the_run(tmp_path: Path) -> None:
    recorded = record(
        tmp_path,
        PRELUDE
        + """
assert lowtide.is_tracking()
high = track = kept = more = part = later = None
high = bytes(9_000_000)  # high
del high
with lowtide.track() as track:
    kept = bytes(1_000_000)  # kept
lowtide.start("part.lowtide")
more = bytes(2_000_000)  # more
part = lowtide.stop()
later = bytes(3_000_000)  # later
lowtide.snapshot("then.lowtide")
assert lowtide.is_tracking()
del later
tell(rise=track.risen_bytes, path=track.path, part=part.risen_bytes)
""",
        env={"PYTHONPATH": str(PACKAGE), "PATH": ""},
    )
    assert recorded.done.returncode == 0, recorded.done.stderr
    told = json.loads(recorded.done.stdout)
    assert abs(told["rise"] - 1_000_000) < 2_000
    assert abs(told["part"] - 2_000_000) < 2_000
    assert told["path"] is None
    whole = recorded.report()
    assert whole.data["recording"]["state"] == "complete"
    assert whole.line("high")["at_peak_bytes"] == 9_000_000 + BYTES_HEADER
    left = [whole.line(marker)["left_at_exit_bytes"] for marker in ("kept", "more", "later")]
    assert left == [1_000_000 + BYTES_HEADER, 2_000_000 + BYTES_HEADER, 0]
    assert report(tmp_path, "part.lowtide").line("later")["churn_bytes"] == 0
    assert report(tmp_path, "then.lowtide").line("later")["left_at_exit_bytes"] == 3_000_000 + BYTES_HEADER
