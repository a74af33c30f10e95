"""Environment variables stand in for options of `lowtide run`, as containers are configured."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from calling import lowtide, report

SHOW = "import os; print({name: value for name, value in os.environ.items() if 'LOWTIDE' in name})"


def test_the_capture_is_kept_where_the_variable_says(tmp_path: Path) -> None:
    done = lowtide("run", "-c", "kept = bytes(3_000_000)", cwd=tmp_path, variables={"LOWTIDE_OUT": "kept.lowtide"})
    assert done.returncode == 0
    assert report(tmp_path / "kept.lowtide", tmp_path)["peak"]["heap_bytes"] > 3_000_000


def test_the_option_wins_over_the_variable(tmp_path: Path) -> None:
    lowtide("run", "--out", "option.lowtide", "-c", "pass", cwd=tmp_path, variables={"LOWTIDE_OUT": "variable.lowtide"})
    assert [path.name for path in tmp_path.iterdir()] == ["option.lowtide"]


def test_an_empty_variable_is_as_none(tmp_path: Path) -> None:
    done = lowtide("run", "-c", "pass", cwd=tmp_path, variables={"LOWTIDE_OUT": ""})
    assert "peak heap" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_sampling_is_asked_for_by_a_variable(tmp_path: Path) -> None:
    done = lowtide("run", "-c", "kept = bytes(3_000_000)", cwd=tmp_path, variables={"LOWTIDE_SAMPLE": "64k"})
    assert "one block every 64.0 kB on average" in done.stderr
    done = lowtide("run", "-c", "kept = bytes(3_000_000)", cwd=tmp_path, variables={"LOWTIDE_SAMPLE": ""})
    assert "sampled" not in done.stderr


def test_names_are_filled_in(tmp_path: Path) -> None:
    show = "import os; print(os.getppid())"
    for _ in range(2):
        done = lowtide("run", "-c", show, cwd=tmp_path, variables={"LOWTIDE_OUT": "{host}-{pid}-{x}.lowtide"})
        assert done.returncode == 0, done.stderr
    host = platform.node()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    assert all(name.startswith(f"{host}-") and name.endswith("-{x}.lowtide") for name in names)
    assert all(name[len(host) + 1 : -len("-{x}.lowtide")].isdigit() for name in names)


def test_the_program_sees_what_the_user_set_and_nothing_else(tmp_path: Path) -> None:
    given = {"LOWTIDE_OUT": "{pid}.lowtide", "LOWTIDE_OF_MINE": "1"}
    done = lowtide("run", "-c", SHOW, cwd=tmp_path, variables=given)
    of_tests = {name: value for name, value in os.environ.items() if "LOWTIDE" in name}
    seen = eval(done.stdout)
    seen.pop("LOWTIDE_PYTHON")
    assert seen == of_tests | given
