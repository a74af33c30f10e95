"""The soak in small: as many rounds as show a leak, without a look at the clock."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from soak import GOOD_STATES, MOST_CAPTURE_BYTES, MOST_GROWTH_KIB, soak, state_of, under_lowtide

LOWTIDE = os.environ.get("LOWTIDE_TEST_BINARY") or shutil.which("lowtide") or "lowtide"


def test_what_lowtide_needs_does_not_grow_with_time(tmp_path: Path) -> None:
    soaked = soak(under_lowtide(LOWTIDE, sys.executable, tmp_path), tmp_path, rounds=40)
    assert len(soaked.own_kib) == 40
    assert soaked.growth_kib() <= MOST_GROWTH_KIB
    assert len(soaked.captures) == 5
    assert soaked.largest_capture_bytes() < MOST_CAPTURE_BYTES
    assert {state_of(LOWTIDE, capture) for capture in soaked.captures} <= GOOD_STATES
