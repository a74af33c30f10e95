"""Runs a program under lowtide and gives its report as an object to ask."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOWTIDE = os.environ.get("LOWTIDE_TEST_BINARY") or shutil.which("lowtide") or "lowtide"
PROGRAM = "program.py"
FIGURES = (
    "at_peak_bytes",
    "at_peak_blocks",
    "left_at_exit_bytes",
    "left_at_exit_blocks",
    "churn_bytes",
    "churn_blocks",
    "temporary_bytes",
    "temporary_blocks",
)
# What a line's figures are made of, besides Python's own allocators.
PARTS = ("native", "mappings", "workers")


def summed(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {figure: sum(row[figure] for row in rows) for figure in FIGURES}


@dataclass
class Report:
    """The JSON report of one capture."""

    data: dict[str, Any]
    source: str

    def line(self, marker: str) -> dict[str, Any]:
        """The figures of the one line that ends in the comment `# marker`, and of its parts; zeros if nothing was
        charged to it."""
        number = self._number(marker)
        rows = [row for row in self.data["lines"] if row["line"] == number and row["file"].endswith(PROGRAM)]
        parts = {part: summed([row[part] for row in rows if row[part]]) for part in PARTS}
        return summed(rows) | parts | {"functions": sorted({row["function"] for row in rows})}

    def type(self, name: str) -> dict[str, Any]:
        nothing = {"type": name, "count": 0, "bytes": 0, "lines": []}
        return next((row for row in self.data["types"] if row["type"] == name), nothing)

    def _number(self, marker: str) -> int:
        return next(n for n, text in enumerate(self.source.splitlines(), 1) if text.endswith(f"# {marker}"))

    def made_at(self, name: str, marker: str) -> tuple[int, int]:
        """Count and bytes of the objects of a type that the one line that ends in `# marker` made."""
        rows = [
            row
            for row in self.type(name)["lines"]
            if row["line"] == self._number(marker) and row["file"].endswith(PROGRAM)
        ]
        return sum(row["count"] for row in rows), sum(row["bytes"] for row in rows)

    @property
    def peak_heap_bytes(self) -> int:
        return self.data["peak"]["heap_bytes"]


@dataclass
class Recorded:
    """What a run left: its capture, and how the program itself ended."""

    capture: Path
    source: str
    done: subprocess.CompletedProcess[str]

    def report(self, capture: Path | None = None) -> Report:
        command = [LOWTIDE, "report", capture or self.capture, "--format", "json"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return Report(json.loads(text), self.source)

    def text(self) -> str:
        """The report for people, its words a blank apart."""
        command = [LOWTIDE, "report", self.capture]
        return " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())

    def children(self) -> list[Report]:
        """Reports of the other processes that were recorded."""
        return [Report(child, self.source) for child in self.report().data["children"]]


def record(folder: Path, program: str, *arguments: str, options: Sequence[str] = (), **how: Any) -> Recorded:
    """Runs `program` (dedented) under lowtide in `folder`; `options` are lowtide's own."""
    source = textwrap.dedent(program)
    (folder / PROGRAM).write_text(source, encoding="utf-8")
    capture = folder / "capture.lowtide"
    command = [LOWTIDE, "run", "--python", sys.executable, "--out", str(capture), *options]
    command += [str(folder / PROGRAM), *arguments]
    how = {"capture_output": True, "text": True, "cwd": folder, "check": False} | how
    return Recorded(capture, source, subprocess.run(command, **how))


def measure(folder: Path, program: str, *arguments: str, **how: Any) -> Report:
    """Runs `program`, which must end with status 0, and reads its report."""
    recorded = record(folder, program, *arguments, **how)
    assert recorded.done.returncode == 0, recorded.done.stderr
    return recorded.report()
