"""`lowtide run` and `lowtide report`, as a user sees them."""

from __future__ import annotations

import json
import re
import signal
import textwrap
from pathlib import Path

from calling import lowtide, report

# 8 MB in one block, and a list that is gone through once.
HOLDER = """\
import sys

kept = bytearray(8_000_000)
items = [str(number) * 10 for number in range(200_000)]
for item in items:
    pass
print("done", *sys.argv[1:])
"""


def program(folder: Path, text: str, name: str = "program.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


def test_the_report_goes_to_standard_error_and_the_output_stays_the_programs(tmp_path: Path) -> None:
    program(tmp_path, HOLDER)
    done = lowtide("run", "program.py", "--out", "x", "-h", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "done --out x -h\n")
    for expected in ("peak heap", "peak RSS", "slack", "duration", "Lines that hold the peak", "program.py:3"):
        assert expected in done.stderr
    assert "kept = bytearray(8_000_000)" in done.stderr
    assert "\x1b" not in done.stderr


def test_what_a_rule_says_of_the_peak_is_shown_with_its_prediction(tmp_path: Path) -> None:
    program(tmp_path, HOLDER)
    text = lowtide("run", "program.py", cwd=tmp_path).stderr
    assert re.search(r"program\.py:4  LT102 list-used-once  plausible", text)
    assert re.search(r"would save ~\d+\.\d MB", text)
    assert "lowtide slim program.py" in text


def test_the_lines_shown_hold_nine_tenths_of_the_peak_or_the_rest_is_told(tmp_path: Path) -> None:
    program(tmp_path, HOLDER)
    lowtide("run", "--out", "c.lowtide", "program.py", cwd=tmp_path)
    text = lowtide("report", "c.lowtide", cwd=tmp_path).stdout
    of_lines, _ = text.split("Objects at the peak")
    shares = [float(share) for share in re.findall(r"^ *(\d+\.\d) %  ", of_lines, re.MULTILINE)]
    assert sum(shares) >= 90
    assert shares == sorted(shares, reverse=True)
    assert re.search(r"other lines? holds? .* of the peak", text)


def test_a_temporary_capture_is_removed_and_a_kept_one_is_named(tmp_path: Path) -> None:
    program(tmp_path, HOLDER)
    folder = tmp_path / "temporary"
    folder.mkdir()
    lowtide("run", "program.py", cwd=tmp_path, variables={"TMPDIR": str(folder)})
    assert list(folder.iterdir()) == []
    kept = lowtide("run", "--out", "c.lowtide", "program.py", cwd=tmp_path, variables={"TMPDIR": str(folder)})
    assert list(folder.iterdir()) == []
    assert "lowtide report c.lowtide" in kept.stderr
    assert (tmp_path / "c.lowtide").is_file()


def test_json_has_the_names_of_the_contract(tmp_path: Path) -> None:
    program(tmp_path, HOLDER)
    lowtide("run", "--out", "c.lowtide", "program.py", cwd=tmp_path)
    data = report(tmp_path / "c.lowtide", tmp_path)
    assert data["peak"]["heap_bytes"] > 8_000_000
    assert data["peak"]["rss_bytes"] > data["peak"]["heap_bytes"]
    assert data["duration_s"] > 0
    line = next(line for line in data["lines"] if line["line"] == 3 and line["file"].endswith("program.py"))
    assert 8_000_000 <= line["at_peak_bytes"] < 8_001_000
    names = {"at_peak_blocks", "left_at_exit_bytes", "churn_bytes", "churn_blocks", "function", "file"}
    assert names <= line.keys()
    assert sum(line["at_peak_bytes"] for line in data["lines"]) == data["peak"]["heap_bytes"]
    assert {"type", "count", "bytes"} <= data["types"][0].keys()
    assert [finding["rule"] for finding in data["findings"] if finding["verdict"] == "plausible"] == ["LT102"]


def test_exit_status_and_traceback_are_the_programs(tmp_path: Path) -> None:
    program(tmp_path, "import sys\nsys.exit(7)\n")
    assert lowtide("run", "program.py", cwd=tmp_path).returncode == 7
    program(tmp_path, "raise ValueError('no')\n")
    done = lowtide("run", "program.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "ValueError: no" in done.stderr
    assert "exit status 1" in done.stderr


def test_a_killed_program_is_reported_up_to_then_and_kills_lowtide_likewise(tmp_path: Path) -> None:
    program(tmp_path, "import os, signal\nkept = bytearray(9_000_000)\nos.kill(os.getpid(), signal.SIGKILL)\n")
    done = lowtide("run", "--out", "c.lowtide", "program.py", cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert "killed by signal 9 (SIGKILL); the figures are up to then" in done.stderr
    data = report(tmp_path / "c.lowtide", tmp_path)
    assert data["peak"]["heap_bytes"] > 9_000_000
    assert (data["signal"], data["exit_status"]) == (9, None)


def test_modules_and_code_run_too(tmp_path: Path) -> None:
    program(tmp_path, "import sys\nprint(__name__, sys.argv[1:])\n", "tool.py")
    assert lowtide("run", "-m", "tool", "-c", cwd=tmp_path).stdout == "__main__ ['-c']\n"
    assert lowtide("run", "-mtool", cwd=tmp_path).stdout == "__main__ []\n"
    assert lowtide("run", "-c", "print(1 + 1)", cwd=tmp_path).stdout == "2\n"
    assert lowtide("run", "-", cwd=tmp_path, stdin="print(2 + 2)\n").stdout == "4\n"


def test_a_forked_child_is_named_with_its_own_peak(tmp_path: Path) -> None:
    program(
        tmp_path,
        """
        import os
        child = os.fork()
        if child == 0:
            kept = bytearray(5_000_000)
            os._exit(0)
        os.waitpid(child, 0)
        """,
    )
    done = lowtide("run", "--out", "c.lowtide", "program.py", cwd=tmp_path)
    assert done.returncode == 0
    assert "2 processes" in done.stderr
    assert "forked at program.py:3" in done.stderr
    [child] = report(tmp_path / "c.lowtide", tmp_path)["children"]
    assert 5_000_000 <= child["peak"]["heap_bytes"] < 6_000_000


def test_a_capture_written_again_forgets_the_children_of_the_run_before(tmp_path: Path) -> None:
    program(
        tmp_path, "import os, sys\nchild = os.fork() if sys.argv[1] == 'fork' else 1\nif child == 0:\n    os._exit(0)\n"
    )
    lowtide("run", "--out", "c.lowtide", "program.py", "fork", cwd=tmp_path)
    lowtide("run", "--out", "c.lowtide", "program.py", "alone", cwd=tmp_path)
    assert report(tmp_path / "c.lowtide", tmp_path)["children"] == []


def test_a_profile_is_joined_from_another_folder_and_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    program(real, HOLDER)
    (tmp_path / "link").symlink_to("real")
    lowtide("run", "--out", tmp_path / "c.lowtide", "program.py", cwd=tmp_path / "link")
    for path in ("real/program.py", "link/program.py", tmp_path / "real"):
        done = lowtide("advise", "--profile", "c.lowtide", "--format", "json", path, cwd=tmp_path)
        assert done.returncode == 1, done.stderr
        [finding] = json.loads(done.stdout)["findings"]
        assert finding["verdict"] == "plausible"
        assert finding["measured_bytes"] > 10_000_000
        assert 0.9 < finding["predicted_saving_bytes"] / finding["measured_bytes"] <= 1
