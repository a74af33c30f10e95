"""Times lowtide and its peers on the workloads, interleaved in one run, and prints ratios to the plain program.

    python bench/run.py                       every tool on every workload, 5 rounds
    python bench/run.py --tools lowtide,memray-python --workloads churn,results --rounds 9
    python bench/run.py --json FILE           the raw samples too

Each round runs every tool once on a workload, in an order that rotates, so that a drift of the machine's speed
strikes all of them alike; a ratio is the median over the rounds of tool / plain *within* the round.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import tomllib

HERE = Path(__file__).resolve().parent
STARTUP = "(start-up)"
STARTUP_ROUNDS = 4
# ru_maxrss of a child starts at the high water of the process that forked it: a small one has to fork, not this one.
GNU_TIME = shutil.which("time")


@dataclass(frozen=True)
class Tool:
    name: str
    command: list[str]
    why: str
    module: str | None = None

    def is_installed(self) -> bool:
        return self.module is None or importlib.util.find_spec(self.module) is not None


@dataclass(frozen=True)
class Sample:
    """One run of one process tree: seconds, peak resident bytes of its largest process, exit status."""

    seconds: float
    peak_rss_bytes: int
    exit_status: int


@dataclass
class Measured:
    """Samples of each tool on one workload, one per round."""

    workload: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def wall_ratio(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: ours.seconds / plain.seconds)

    def rss_ratio(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: ours.peak_rss_bytes / plain.peak_rss_bytes)

    def added_seconds(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: ours.seconds - plain.seconds)

    def added_rss_bytes(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: ours.peak_rss_bytes - plain.peak_rss_bytes)

    def _median(self, tool, of_pair) -> float | None:
        pairs = zip(self.samples[tool], self.samples["plain"], strict=True)
        good = [of_pair(ours, plain) for ours, plain in pairs if ours.exit_status == plain.exit_status]
        return statistics.median(good) if len(good) == len(self.samples["plain"]) else None


def main() -> int:
    options = parse_arguments()
    tools = chosen_tools(options.tools)
    programs = chosen_workloads(options.workloads)
    announce(tools, options)
    results = []
    with tempfile.TemporaryDirectory(prefix="lowtide-bench-") as scratch:
        empty = Path(scratch) / "empty.py"
        empty.write_text("")
        results.append(measure(STARTUP, empty, tools, options, rounds=options.rounds * STARTUP_ROUNDS))
        for program in programs:
            results.append(measure(program.stem, program, tools, options, rounds=options.rounds))
    print_tables(results, tools)
    if options.json:
        write_samples(options.json, results)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each tool on each workload (default 5)")
    parser.add_argument(
        "--tools", type=comma_list, help="comma-separated names from tools.toml (default: all installed)"
    )
    parser.add_argument("--workloads", type=comma_list, help="comma-separated names from workloads/ (default: all)")
    parser.add_argument("--lowtide", default=shutil.which("lowtide"), help="the lowtide to measure (default: on PATH)")
    parser.add_argument("--json", type=Path, help="write every sample to this file")
    options = parser.parse_args()
    if not options.lowtide:
        parser.error("no lowtide on PATH\nhint: activate the environment it is installed in, or pass --lowtide PATH")
    if not GNU_TIME:
        parser.error("GNU time is missing\nhint: apt-get install time")
    return options


def comma_list(text: str) -> list[str]:
    return text.split(",")


def chosen_tools(names: list[str] | None) -> list[Tool]:
    tools = [Tool(**entry) for entry in tomllib.loads((HERE / "tools.toml").read_text())["tool"]]
    if names:
        unknown = set(names) - {tool.name for tool in tools}
        if unknown:
            sys.exit(f"unknown tools: {', '.join(sorted(unknown))}")
        return [tool for tool in tools if tool.name == "plain" or tool.name in names]
    for tool in tools:
        if not tool.is_installed():
            print(f"left out: {tool.name} (not installed)", file=sys.stderr)
    return [tool for tool in tools if tool.is_installed()]


def chosen_workloads(names: list[str] | None) -> list[Path]:
    programs = {path.stem: path for path in sorted((HERE / "workloads").glob("*.py"))}
    unknown = set(names or ()) - programs.keys()
    if unknown:
        sys.exit(f"unknown workloads: {', '.join(sorted(unknown))}")
    return [programs[name] for name in names or programs]


def announce(tools: list[Tool], options: argparse.Namespace) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"CPython {version}, {os.cpu_count()} cores, {options.rounds} rounds, medians\n")
    for tool in tools:
        print(f"  {tool.name:<17}{tool.why}")
    print()


def measure(name: str, program: Path, tools: list[Tool], options: argparse.Namespace, rounds: int) -> Measured:
    measured = Measured(name, {tool.name: [] for tool in tools})
    for round_number in range(rounds):
        turn = round_number % len(tools)
        for tool in tools[turn:] + tools[:turn]:
            measured.samples[tool.name].append(run_once(tool, program, options.lowtide))
    print(f"measured {name}", file=sys.stderr)
    return measured


def run_once(tool: Tool, program: Path, lowtide: str) -> Sample:
    with tempfile.TemporaryDirectory(prefix="lowtide-bench-") as scratch:
        values = {"python": sys.executable, "lowtide": lowtide, "out": f"{scratch}/out", "program": str(program)}
        command = [part.format(**values) for part in tool.command]
        peak_file = Path(scratch, "peak-kib")
        timed = [GNU_TIME, "--quiet", "--format=%M", f"--output={peak_file}", *command]
        began = time.perf_counter()
        finished = subprocess.run(
            timed, cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        seconds = time.perf_counter() - began
        return Sample(seconds, int(peak_file.read_text()) * 1024, finished.returncode)


def print_tables(results: list[Measured], tools: list[Tool]) -> None:
    peers = [tool.name for tool in tools if tool.name != "plain"]
    startup, workloads = results[0], results[1:]
    print_table("wall time, ratio to plain", workloads, peers, Measured.wall_ratio)
    print_table("peak RSS, ratio to plain", workloads, peers, Measured.rss_ratio)
    print("start-up of an empty program beyond plain")
    for peer in peers:
        seconds, rss_bytes = startup.added_seconds(peer), startup.added_rss_bytes(peer)
        if seconds is not None and rss_bytes is not None:
            print(f"  {peer:<17}{seconds * 1e3:7.1f} ms {rss_bytes / 1e6:7.1f} MB")


def print_table(title: str, results: list[Measured], peers: list[str], figure) -> None:
    print(title)
    print(f"  {'workload':<16}{'plain':>9}" + "".join(f"{peer:>17}" for peer in peers))
    for measured in results:
        row = "".join(f"{cell(figure(measured, peer)):>17}" for peer in peers)
        print(f"  {measured.workload:<16}{plain_cell(measured, figure):>9}{row}")
    if results:
        ratios = [[figure(measured, peer) for measured in results] for peer in peers]
        print(f"  {'geometric mean':<25}" + "".join(f"{cell(geometric_mean(column)):>17}" for column in ratios))
        print(f"  {'worst':<25}" + "".join(f"{cell(max(known(column), default=None)):>17}" for column in ratios))
    print()


def plain_cell(measured: Measured, figure) -> str:
    if figure is Measured.wall_ratio:
        return f"{statistics.median(sample.seconds for sample in measured.samples['plain']):.2f} s"
    return f"{statistics.median(sample.peak_rss_bytes for sample in measured.samples['plain']) / 1e6:.0f} MB"


def cell(ratio: float | None) -> str:
    return "failed" if ratio is None else f"{ratio:.2f}"


def known(ratios: Iterable[float | None]) -> list[float]:
    return [ratio for ratio in ratios if ratio is not None]


def geometric_mean(ratios: Iterable[float | None]) -> float | None:
    logarithms = [math.log(ratio) for ratio in known(ratios)]
    return math.exp(statistics.fmean(logarithms)) if logarithms else None


def write_samples(path: Path, results: list[Measured]) -> None:
    path.write_text(json.dumps([asdict(measured) for measured in results], indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
