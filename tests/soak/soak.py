"""Runs threads, forks and allocations for a long time under lowtide, and watches the memory that the process has to itself.

    python tests/soak/soak.py --minutes 10

The program does the same again and again, so its stacks are few and its own memory is steady: what grows is lowtide's.
The exit status is 0 when nothing grew beyond two megabytes, and every capture is whole and smaller than 16 MB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(__file__).with_name("program.py")
# The program's own threads decide by chance how many arenas, of a megabyte each, are in use when a round ends. What grew
# with every allocation would be far more than a few of them even in a short run.
MOST_GROWTH_KIB = 4096
MOST_CAPTURE_BYTES = 16_000_000
# A child that leaves through `os._exit` may be cut off; none may have been given up in doubt.
GOOD_STATES = {"complete", "cut off"}
NO_END = 10**9


@dataclass(frozen=True)
class Soaked:
    """What a run showed: KiB of own memory after each round, and the captures of the process and of all that it forked."""

    own_kib: list[int]
    captures: list[Path]

    def growth_kib(self) -> float:
        """From the second to the last quarter of the run: by then every stack was seen."""
        quarter = len(self.own_kib) // 4
        return statistics.median(self.own_kib[-quarter:]) - statistics.median(self.own_kib[quarter : 2 * quarter])

    def largest_capture_bytes(self) -> int:
        return max(capture.stat().st_size for capture in self.captures)


def soak(launcher: list[str], folder: Path, rounds: int = NO_END, seconds: float = NO_END) -> Soaked:
    """Runs the program behind a launcher that writes `capture` into the folder; that and the program have to end well."""
    samples = folder / "samples"
    command = [*launcher, str(PROGRAM), str(samples), str(rounds), str(seconds)]
    # From 3.12 on Python warns of a fork beside threads. How many arenas malloc makes for threads is up to chance.
    variables = os.environ | {"PYTHONWARNINGS": "ignore", "MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"exit status {done.returncode}: {done.stderr[-3000:]}")
    return Soaked([int(line) for line in samples.read_text().split()], sorted(folder.glob("capture*")))


def under_lowtide(lowtide: str, python: str, folder: Path) -> list[str]:
    return [lowtide, "run", "--python", python, "--out", str(folder / "capture")]


def state_of(lowtide: str, capture: Path) -> str:
    command = [lowtide, "report", str(capture), "--format", "json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["recording"]["state"]


def main() -> int:
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as plain_folder, tempfile.TemporaryDirectory() as folder:
        plain = soak([options.python], Path(plain_folder), seconds=options.minutes * 6)
        launcher = under_lowtide(options.lowtide, options.python, Path(folder))
        soaked = soak(launcher, Path(folder), seconds=options.minutes * 60)
        own_kib = statistics.median(soaked.own_kib) - statistics.median(plain.own_kib)
        states = {state_of(options.lowtide, capture) for capture in soaked.captures}
        largest_bytes = soaked.largest_capture_bytes()
        print(f"{len(soaked.own_kib)} rounds, {len(soaked.captures)} captures, the largest of {largest_bytes:,} B")
        print(f"own memory of lowtide {own_kib:,.0f} KiB, growth of the process {soaked.growth_kib():+,.0f} KiB")
        print(f"recordings: {', '.join(sorted(states))}")
        is_well = soaked.growth_kib() <= MOST_GROWTH_KIB and largest_bytes < MOST_CAPTURE_BYTES
        return 0 if is_well and states <= GOOD_STATES else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--lowtide", default=shutil.which("lowtide") or "lowtide")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
