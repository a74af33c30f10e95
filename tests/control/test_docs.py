"""The examples of docs/control.md run, and print what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from inside import run

PAGE = Path(__file__).parents[2] / "docs" / "control.md"
EXAMPLES = re.findall(r"^```python\n(.+?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_prints_what_it_says(example: str, tmp_path: Path) -> None:
    done = run(tmp_path, example)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == re.findall(r"^print\(.*\)  # (.+)$", example, re.MULTILINE)
