"""What is called proven, and with which figures."""

from __future__ import annotations

from pathlib import Path

from comparing_runs import prove, write

# 20 MB in one block, or in many that are never live together.
WHOLE = "print(len(b'x' * 20_000_000))\n"
PIECES = "print(sum(len(b'x' * 20_000) for _ in range(1000)))\n"


def test_a_saving_is_proven_by_five_runs(tmp_path: Path) -> None:
    write(tmp_path, "before.py", WHOLE)
    write(tmp_path, "after.py", PIECES)
    told = prove(tmp_path, "before.py", "after.py", runs=5)
    assert (told.status, told.record["verdict"], told.record["same_behaviour"]) == (0, "proven", True)
    heap = told.record["saving"]["heap_bytes"]
    assert 19_000_000 < heap["low"] <= heap["median"] <= heap["high"] < 20_100_000
    assert heap["confidence"] == 1 - 2 * 0.5**5
    rss = told.record["saving"]["rss_bytes"]
    assert 15_000_000 < rss["low"] <= rss["median"] <= rss["high"] < 25_000_000
    assert told.record["before"]["peak_heap_bytes"] - told.record["after"]["peak_heap_bytes"] > 19_000_000
    assert told.record["before"]["time_s"] > 0


def test_one_run_gives_figures_and_no_proof(tmp_path: Path) -> None:
    write(tmp_path, "before.py", WHOLE)
    write(tmp_path, "after.py", PIECES)
    told = prove(tmp_path, "before.py", "after.py", runs=1)
    assert (told.status, told.record["verdict"]) == (1, "plausible")
    assert told.record["saving"]["heap_bytes"]["median"] > 19_000_000
    assert told.record["saving"]["heap_bytes"]["confidence"] == 0


def test_no_saving_is_not_proven(tmp_path: Path) -> None:
    write(tmp_path, "program.py", WHOLE)
    told = prove(tmp_path, "program.py", "program.py", runs=5)
    assert (told.status, told.record["verdict"], told.record["same_behaviour"]) == (1, "unprofitable", True)


def test_more_memory_is_not_proven(tmp_path: Path) -> None:
    write(tmp_path, "before.py", PIECES)
    write(tmp_path, "after.py", WHOLE)
    told = prove(tmp_path, "before.py", "after.py", runs=5)
    assert (told.status, told.record["verdict"]) == (1, "unprofitable")
    assert told.record["saving"]["heap_bytes"]["high"] < 0
    assert "needs more memory" in told.record["reason"]
