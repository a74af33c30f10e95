"""Times lowtide and its peers on the workloads, interleaved in one run, and prints ratios to the plain program.

    python bench/run.py                       every usual tool on every workload, 5 rounds
    python bench/run.py --tools lowtide,memray-python --workloads churn,results --rounds 9
    python bench/run.py --tools lowtide-native,memray-native
    python bench/run.py --json FILE           the raw samples too

Each round runs every tool once on a workload, in an order that rotates, so that a drift of the machine's speed
strikes all of them alike; a ratio is the median over the rounds of tool / plain *within* the round.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import tomllib
from measured import PLAIN, Measured, Sample, Tool
from tables import print_tables

HERE = Path(__file__).resolve().parent
STARTUP = "(start-up)"
STARTUP_ROUNDS = 4
# A tool that takes this long for a program of a second is of no use to anybody, and may need memory without end.
MOST_SECONDS = 60


def main() -> int:
    options = parse_arguments()
    tools = chosen_tools(options.tools)
    programs = chosen_workloads(options.workloads)
    announce(tools, options)
    with tempfile.TemporaryDirectory(prefix="lowtide-bench-") as scratch:
        empty = Path(scratch) / "empty.py"
        empty.write_text("")
        startup = measure(STARTUP, empty, tools, options, rounds=options.rounds * STARTUP_ROUNDS)
        workloads = [measure(program.stem, program, tools, options, options.rounds) for program in programs]
    print_tables(startup, workloads, tools)
    if options.json:
        samples = [asdict(measured) for measured in (startup, *workloads)]
        options.json.write_text(json.dumps(samples, indent=1) + "\n")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each tool on each workload (default 5)")
    parser.add_argument(
        "--tools",
        type=comma_list,
        help="comma-separated names from tools.toml (default: the usual ones that are installed)",
    )
    parser.add_argument(
        "--workloads", type=comma_list, help="comma-separated names from workloads/, or paths (default: all)"
    )
    parser.add_argument("--lowtide", default=shutil.which("lowtide"), help="the lowtide to measure (default: on PATH)")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    options = parser.parse_args()
    if not options.lowtide:
        parser.error("no lowtide on PATH\nhint: activate the environment it is installed in, or pass --lowtide PATH")
    return options


def comma_list(text: str) -> list[str]:
    return text.split(",")


def chosen_tools(names: list[str] | None) -> list[Tool]:
    tools = [Tool(**entry) for entry in tomllib.loads((HERE / "tools.toml").read_text())["tool"]]
    if names:
        unknown = set(names) - {tool.name for tool in tools}
        if unknown:
            sys.exit(f"unknown tools: {', '.join(sorted(unknown))}")
        return [tool for tool in tools if tool.name == PLAIN or tool.name in names]
    usual = [tool for tool in tools if not tool.on_request]
    installed = [tool for tool in usual if tool.module is None or importlib.util.find_spec(tool.module)]
    for tool in usual:
        if tool not in installed:
            print(f"left out: {tool.name} (not installed)", file=sys.stderr)
    return installed


def chosen_workloads(names: list[str] | None) -> list[Path]:
    programs = {path.stem: path for path in sorted((HERE / "workloads").glob("*.py"))}
    chosen = [programs.get(name, Path(name).resolve()) for name in names or programs]
    missing = [str(path) for path in chosen if not path.is_file()]
    if missing:
        sys.exit(f"unknown workloads: {', '.join(missing)}")
    return chosen


def announce(tools: list[Tool], options: argparse.Namespace) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"CPython {version}, {os.cpu_count()} cores, medians of {options.rounds}\n")
    for tool in tools:
        print(f"  {tool.name:<17}{tool.why}")
    print()


def measure(name: str, program: Path, tools: list[Tool], options: argparse.Namespace, rounds: int) -> Measured:
    measured = Measured(name, {tool.name: [] for tool in tools})
    for round_number in range(rounds):
        turn = round_number % len(tools)
        for tool in tools[turn:] + tools[:turn]:
            if tool.name not in measured.failures:
                run_once(tool, program, options.lowtide, measured)
    if PLAIN in measured.failures:
        sys.exit(f"{name} fails by itself: {measured.failures[PLAIN]}")
    print(f"measured {name}", file=sys.stderr)
    return measured


def run_once(tool: Tool, program: Path, lowtide: str, measured: Measured) -> None:
    with tempfile.TemporaryDirectory(prefix="lowtide-bench-") as scratch:
        values = {"python": sys.executable, "lowtide": lowtide, "out": f"{scratch}/out", "program": str(program)}
        try:
            seconds, peak_kib = timed([part.format(**values) for part in tool.command], scratch)
            report = [part.format(**values) for part in tool.report or ()]
            report_seconds = timed(report, scratch)[0] if report else None
        except RunError as failure:
            measured.failures[tool.name] = str(failure)
        else:
            measured.samples[tool.name].append(Sample(seconds, int(peak_kib) * 1024, report_seconds))


class RunError(Exception):
    pass


def timed(command: list[str], scratch: str) -> tuple[float, float]:
    """Seconds and peak RSS in KiB, as timed.py measures them."""
    result, errors = Path(scratch, "timed"), Path(scratch, "errors")
    small_python = [sys.executable, "-I", "-S", str(HERE / "timed.py"), str(result)]
    with errors.open("wb") as stderr:
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": stderr}
        running = subprocess.Popen([*small_python, *command], cwd=scratch, start_new_session=True, **streams)
        try:
            running.wait(MOST_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            raise RunError(f"not done after {MOST_SECONDS} s") from None
    seconds, peak_kib, exit_status = map(float, result.read_text().split())
    if exit_status:
        raise RunError(f"exit status {exit_status:.0f}: {errors.read_text(errors='replace').strip()[-300:]}")
    return seconds, peak_kib


if __name__ == "__main__":
    sys.exit(main())
