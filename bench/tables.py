"""Figures as text: a row per workload, a column per tool, then the geometric mean and the worst of each column."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from measured import PLAIN, Measured, Tool


@dataclass(frozen=True)
class Table:
    title: str
    plain: Callable[[Measured], str]
    figure: Callable[[Measured, str], float | None]
    digits: int
    has_mean: bool


TABLES = (
    Table("wall time, ratio to plain", lambda of: f"{of.plain_seconds():.2f} s", Measured.wall_ratio, 2, True),
    Table("peak RSS, ratio to plain", lambda of: f"{of.plain_rss_bytes() / 1e6:.0f} MB", Measured.rss_ratio, 2, True),
    Table(
        "peak RSS beyond plain, MB",
        lambda of: f"{of.plain_rss_bytes() / 1e6:.0f} MB",
        Measured.added_megabytes,
        1,
        False,
    ),
)


def print_tables(startup: Measured, workloads: list[Measured], tools: list[Tool]) -> None:
    peers = [tool.name for tool in tools if tool.name != PLAIN]
    if workloads:
        for table in TABLES:
            print_table(table, workloads, peers)
        for tool in tools:
            if tool.report:
                print_report_time(tool.name, workloads)
    print_startup(startup, peers)
    for measured in [startup, *workloads]:
        for tool, reason in measured.failures.items():
            print(f"failed: {tool} on {measured.workload}: {reason}")


def print_table(table: Table, workloads: list[Measured], peers: list[str]) -> None:
    print(table.title)
    print_row("workload", PLAIN, peers)
    for measured in workloads:
        cells = [cell(table.figure(measured, peer), table.digits) for peer in peers]
        print_row(measured.workload, table.plain(measured), cells)
    columns = [known(table, workloads, peer) for peer in peers]
    if table.has_mean:
        means = [statistics.geometric_mean(column) if column else None for column in columns]
        print_row("geometric mean", "", [cell(mean, table.digits) for mean in means])
    print_row("worst", "", [cell(max(column, default=None), table.digits) for column in columns])
    print()


def known(table: Table, workloads: list[Measured], peer: str) -> list[float]:
    figures = (table.figure(measured, peer) for measured in workloads)
    return [figure for figure in figures if figure is not None]


def print_row(name: str, plain: str, cells: list[str]) -> None:
    print(f"  {name:<16}{plain:>9}" + "".join(f"{text:>18}" for text in cells))


def cell(figure: float | None, digits: int) -> str:
    return "failed" if figure is None else f"{figure:.{digits}f}"


def print_report_time(tool: str, workloads: list[Measured]) -> None:
    """What the report costs is inside the tool's time, and most of it where a program is short."""
    times = {of.workload: of.report_milliseconds(tool) for of in workloads if tool not in of.failures}
    print(
        f"making the report, part of the time of {tool}: "
        + ", ".join(f"{name} {ms:.0f} ms" for name, ms in times.items())
        + "\n"
    )


def print_startup(startup: Measured, peers: list[str]) -> None:
    print("start-up of an empty program beyond plain")
    for peer in peers:
        if peer not in startup.failures:
            print(f"  {peer:<18}{startup.added_milliseconds(peer):7.1f} ms {startup.added_megabytes(peer):7.1f} MB")
