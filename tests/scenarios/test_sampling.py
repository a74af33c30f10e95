"""`--sample`: a few blocks stand for all, and the margins that are told hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from measuring import LOWTIDE

HEADER = sys.getsizeof(b"")
MEGABYTE = 1_000_000
# Small blocks, middling and large ones, as shares of the distance between samples; some of the small ones freed.
PROGRAM = f"""
kept = [bytes(200 - {HEADER}) for _ in range(200_000)]  # small
half = [bytes(200 - {HEADER}) for _ in range(200_000)]  # freed
del half
middle = [bytes(20_000 - {HEADER}) for _ in range(2_000)]  # middle
large = [bytes(2_000_000 - {HEADER}) for _ in range(20)]  # large
"""


def sampled(folder: Path, option: str = "--sample=40k") -> dict[str, Any]:
    return measured(folder, PROGRAM, option)


def measured(folder: Path, program: str, *options: str) -> dict[str, Any]:
    (folder / "program.py").write_text(program)
    capture = folder / "capture.lowtide"
    command = [LOWTIDE, "run", *options, "--python", sys.executable, "--out", str(capture), str(folder / "program.py")]
    subprocess.run(command, check=True, capture_output=True)
    command = [LOWTIDE, "report", str(capture), "--format", "json"]
    report: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return report


def line(report: dict[str, Any], marker: str, program: str = PROGRAM) -> dict[str, Any]:
    number = next(n for n, text in enumerate(program.splitlines(), 1) if text.endswith(f"# {marker}"))
    found = [row for row in report["lines"] if row["line"] == number and row["file"].endswith("program.py")]
    return max(found, key=lambda row: row["churn_bytes"])


@pytest.mark.parametrize(
    ("marker", "expected"), [("small", 40 * MEGABYTE), ("middle", 40 * MEGABYTE), ("large", 40 * MEGABYTE)]
)
def test_estimates_lie_within_their_margins(marker: str, expected: int, tmp_path: Path) -> None:
    """Two and a half margins are almost five standard errors: chance fails this once in a million runs."""
    row = line(sampled(tmp_path), marker)
    margin = row["at_peak_margin_bytes"]
    assert margin < expected / 10
    # What the list itself has is allocated by the same line, and was larger while it grew.
    assert abs(row["at_peak_bytes"] - expected) <= 2.5 * margin + 2_000_000


def test_what_is_freed_is_taken_off(tmp_path: Path) -> None:
    row = line(sampled(tmp_path), "freed")
    assert row["churn_bytes"] > 30 * MEGABYTE
    assert row["left_at_exit_bytes"] < MEGABYTE


# pymalloc passes on to the raw domain what is large, what grows past its limit, and what shrinks beyond it.
CHURNING = f"""
for _ in range(20_000): bytes(480 - {HEADER})  # small
for _ in range(10_000): bytes(2_000 - {HEADER})  # large
for _ in range(10_000): bytearray(100).extend(bytes(300))  # grown
for _ in range(20_000): data = bytearray(1_000); del data[300:]  # shrunk
for _ in range(20_000): [None] * 40  # list
"""


@pytest.mark.parametrize("marker", ["small", "large", "grown", "shrunk", "list"])
def test_what_goes_through_several_allocators_is_counted_once(marker: str, tmp_path: Path) -> None:
    """Five standard errors of a Poisson process: chance fails this once in a million runs."""
    exact = line(measured(tmp_path, CHURNING), marker, CHURNING)["churn_bytes"]
    estimate = line(measured(tmp_path, CHURNING, "--sample=10k"), marker, CHURNING)["churn_bytes"]
    assert abs(estimate - exact) <= 5 * (exact * 10_000) ** 0.5


def test_a_distance_above_every_byte_records_next_to_nothing(tmp_path: Path) -> None:
    """The chance of one sample among 162 MB is one in 60,000 at this distance."""
    report = sampled(tmp_path, "--sample=10000G")
    assert report["sampling"]["mean_bytes"] == 10_000 * 1_000_000_000
    assert not [row for row in report["lines"] if row["file"].endswith("program.py")]


def test_a_report_says_that_it_sampled_and_an_exact_one_does_not(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [LOWTIDE, "run", "--python", sys.executable, str(tmp_path / "program.py")]
    exact = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    estimated = subprocess.run([*command[:2], "--sample", *command[2:]], check=True, capture_output=True, text=True)
    assert "±" not in exact
    assert "sampled, one block every 512.0 kB on average" in estimated.stderr
    assert "±" in estimated.stderr


@pytest.mark.parametrize("text", ["0", "-1", "64x", "k"])
def test_a_distance_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    command = [LOWTIDE, "run", f"--sample={text}", "program.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "hint:" in done.stderr
