"""What was measured, and the figures that follow from it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

PLAIN = "plain"


@dataclass(frozen=True)
class Tool:
    """An entry of tools.toml."""

    name: str
    command: list[str]
    why: str
    module: str | None = None
    # Shows again, from {out}, what the command printed as a part of its time.
    report: list[str] | None = None
    on_request: bool = False


@dataclass(frozen=True)
class Sample:
    """One run that ended well: seconds, peak resident bytes of the largest process, seconds of making the report again."""

    seconds: float
    peak_rss_bytes: int
    report_seconds: float | None = None


@dataclass
class Measured:
    """Samples of each tool on one workload, one per round; a tool that fails is not asked again."""

    workload: str
    samples: dict[str, list[Sample]]
    failures: dict[str, str] = field(default_factory=dict)

    def plain_seconds(self) -> float:
        return statistics.median(sample.seconds for sample in self.samples[PLAIN])

    def plain_rss_bytes(self) -> float:
        return statistics.median(sample.peak_rss_bytes for sample in self.samples[PLAIN])

    def wall_ratio(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: ours.seconds / plain.seconds)

    def rss_ratio(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: ours.peak_rss_bytes / plain.peak_rss_bytes)

    def added_milliseconds(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: (ours.seconds - plain.seconds) * 1e3)

    def added_megabytes(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, plain: (ours.peak_rss_bytes - plain.peak_rss_bytes) / 1e6)

    def report_milliseconds(self, tool: str) -> float | None:
        return self._median(tool, lambda ours, _: (ours.report_seconds or 0) * 1e3)

    def _median(self, tool: str, of_pair: Callable[[Sample, Sample], float]) -> float | None:
        if tool in self.failures:
            return None
        return statistics.median(map(of_pair, self.samples[tool], self.samples[PLAIN]))
