"""The whole loop on programs of several shapes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from comparing_runs import clean_environment, facts, lowtide, prove, slim, write

# About 10 MB in a list that is gone through once; reads a file next to itself, and writes one where it is started.
PROGRAM = """
import sys
from pathlib import Path

FACTOR = int((Path(__file__).parent / "factor.txt").read_text())


def load(count):
    rows = [str(number * FACTOR) * 10 for number in range(count)]
    total = 0
    for row in rows:
        total += len(row)
    return total


def main():
    total = load(100_000)
    with open("total.txt", "w") as out:
        out.write(f"{total}\\n")
    print(total, sys.argv[1:], __file__)


main()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "user"
    write(folder, "code/program.py", PROGRAM)
    write(folder, "code/factor.txt", "3")
    return folder


def only_fix(record: dict) -> dict:
    [fix] = record["fixes"]
    return fix


def test_a_program_is_slimmed_and_nothing_is_touched(project: Path) -> None:
    before = facts(project)
    told = slim(project, "code/program.py", "an argument")
    assert told.status == 0, told.record
    assert facts(project) == before
    record = told.record
    assert record["same_behaviour"] is True
    assert record["saving"]["heap_bytes"]["low"] > 5_000_000
    assert record["saving"]["rss_bytes"]["low"] > 0
    predicted, proven = record["predicted_saving_bytes"], record["saving"]["heap_bytes"]["median"]
    assert abs(predicted - proven) < proven / 4
    fix = only_fix(record)
    assert (fix["rule"], fix["line"], fix["verdict"]) == ("LT102", 9, "proven")
    assert fix["file"] == str(project / "code/program.py")
    assert "+    rows = (str(number * FACTOR) * 10 for number in range(count))" in record["diff"]


def test_the_diff_applies_and_what_it_gives_is_as_lean(project: Path) -> None:
    # The two versions lie in two folders, so they must not print where they are.
    source = PROGRAM.replace(", __file__)", ")")
    write(project, "code/program.py", source)
    told = slim(project, "code/program.py")
    write(project, "old/program.py", source)
    write(project, "old/factor.txt", "3")
    subprocess.run(["patch", "-p1"], cwd=project, input=told.record["diff"].encode(), check=True, capture_output=True)
    outside = prove(project, "old/program.py", "code/program.py", runs=5).record
    assert outside["verdict"] == "proven", outside["reason"]
    assert outside["saving"]["heap_bytes"]["median"] == pytest.approx(
        told.record["saving"]["heap_bytes"]["median"], rel=0.05
    )


def test_write_changes_only_what_is_proven(project: Path) -> None:
    source = project / "code/program.py"
    source.chmod(0o755)
    told = slim(project, "code/program.py", write=True)
    assert told.record["written"] is True
    assert "rows = (str(number * FACTOR) * 10 for number in range(count))" in source.read_text()
    assert source.stat().st_mode & 0o777 == 0o755
    again = slim(project, "code/program.py", write=True)
    assert (again.status, again.record["fixes"], again.record["written"]) == (1, [], False)
    assert again.record["verdict"] == "nothing to do"


def test_a_file_that_may_not_be_written_is_an_error_after_the_result(project: Path) -> None:
    source = project / "code/program.py"
    source.chmod(0o444)
    options = ["--write", "--runs", "5", "--format", "json", "--python", sys.executable]
    done = lowtide(project, "slim", *options, "code/program.py")
    assert done.returncode == 2
    record = json.loads(done.stdout)
    assert (record["verdict"], record["written"]) == ("proven", False)
    assert b"read-only" in done.stderr
    assert b"hint:" in done.stderr
    assert source.read_text() == PROGRAM


def test_too_few_runs_write_nothing(project: Path) -> None:
    before = facts(project)
    told = slim(project, "code/program.py", runs=1, write=True)
    assert (told.status, told.record["written"], only_fix(told.record)["verdict"]) == (1, False, "plausible")
    assert facts(project) == before


def test_a_module_with_byte_code_is_read_in_its_new_version(tmp_path: Path) -> None:
    folder = tmp_path / "user"
    write(folder, "package/__init__.py", "")
    loader = PROGRAM.split("def main")[0].replace("import sys\n", "")
    write(folder, "package/loading.py", loader)
    write(folder, "package/factor.txt", "3")
    write(folder, "package/__main__.py", "from .loading import load\nprint(load(100_000), __package__)\n")
    environment = clean_environment(folder)
    subprocess.run([sys.executable, "-m", "package"], cwd=folder, env=environment, check=True, capture_output=True)
    assert list(folder.glob("package/__pycache__/loading.*.pyc"))
    before = facts(folder)
    told = slim(folder, "-m", "package")
    assert told.status == 0, told.record
    assert only_fix(told.record)["file"] == str(folder / "package/loading.py")
    assert facts(folder) == before


def test_a_read_only_folder(project: Path) -> None:
    source = (project / "code/program.py").read_text().replace('open("total.txt", "w")', 'open("/dev/null", "w")')
    (project / "code/program.py").write_text(source)
    (project / "code").chmod(0o555)
    try:
        assert slim(project, "code/program.py").status == 0
    finally:
        (project / "code").chmod(0o755)


def test_standard_input_reaches_every_run(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        import sys
        words = [word * 50 for word in sys.stdin.read().split()]
        print(sum(len(word) for word in words))
        """,
    )
    words = b" ".join(str(number).encode() for number in range(50_000))
    told = slim(tmp_path, "program.py", stdin=words)
    assert told.record["same_behaviour"] is True
    assert told.status == 0, told.record


def test_a_program_that_fails_is_slimmed_with_its_failure(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        rows = [str(number) * 20 for number in range(100_000)]
        print(sum(len(row) for row in rows))
        raise ValueError("no more")
        """,
    )
    told = slim(tmp_path, "program.py")
    assert told.record["program_failed"] == "ValueError: no more"
    assert told.status == 0, told.record


def test_a_program_that_differs_from_itself_is_not_slimmed(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        import time
        rows = [str(number) * 20 for number in range(100_000)]
        print(sum(len(row) for row in rows), time.perf_counter_ns())
        """,
    )
    told = slim(tmp_path, "program.py", write=True)
    assert (told.status, told.record["same_behaviour"], told.record["written"]) == (1, None, False)
    assert told.record["verdict"] == "not comparable"
    assert told.record["before"]["peak_heap_bytes"] > 5_000_000
    assert told.record["after"] is None
    assert only_fix(told.record)["verdict"] == "plausible"


def test_nothing_to_slim_is_said_with_the_peak(tmp_path: Path) -> None:
    write(tmp_path, "program.py", "data = bytes(5_000_000)\nprint(len(data))\n")
    told = slim(tmp_path, "program.py")
    assert (told.status, told.record["verdict"]) == (1, "nothing to do")
    assert told.record["before"]["peak_heap_bytes"] > 5_000_000


def test_what_never_counts_at_the_peak_is_not_rewritten(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        rows = [str(number) * 20 for number in range(100_000)]
        print(sum(len(row) for row in rows))
        few = [str(number) for number in range(100)]
        print(sum(len(row) for row in few))
        """,
    )
    told = slim(tmp_path, "program.py")
    assert only_fix(told.record)["line"] == 2
    verdicts = {finding["line"]: finding["verdict"] for finding in told.record["findings"]}
    assert verdicts[4] == "unprofitable"


def test_the_next_peak_is_looked_at_when_the_first_is_gone(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        def total(count):
            rows = [str(number) * 10 for number in range(count)]
            result = 0
            for row in rows:
                result += len(row)
            return result

        def longest(count):
            texts = [str(number) * 10 for number in range(count)]
            result = 0
            for text in texts:
                result = max(result, len(text))
            return result

        print(total(100_000))
        print(longest(60_000))
        """,
    )
    told = slim(tmp_path, "program.py")
    assert told.status == 0, told.record
    fixes = {fix["line"]: fix for fix in told.record["fixes"]}
    assert {line: fix["verdict"] for line, fix in fixes.items()} == {3: "proven", 10: "proven"}
    # Without the first the peak is the first's, without the second it is the second's.
    assert fixes[3]["own_saving_bytes"] > fixes[10]["own_saving_bytes"] > 3_000_000
    assert told.record["after"]["peak_heap_bytes"] < 1_000_000


def test_a_fix_that_a_run_contradicts_is_refuted_and_the_other_proven(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        def watched(count):
            rows = [str(number) * 10 for number in range(count)]
            result = 0
            for row in rows:
                result += len(row)
            return result

        def free(count):
            texts = [str(number) * 10 for number in range(count)]
            result = 0
            for text in texts:
                result = max(result, len(text))
            return result

        print(watched(60_000), free(100_000))
        print([constant.co_name for constant in watched.__code__.co_consts if hasattr(constant, 'co_name')])
        """,
    )
    told = slim(tmp_path, "program.py", write=True)
    assert told.status == 0, told.record
    verdicts = {fix["line"]: (fix["verdict"], fix["reason"]) for fix in told.record["fixes"]}
    assert verdicts[10][0] == "proven"
    assert verdicts[3][0] == "refuted"
    assert "line 2 of the standard output" in verdicts[3][1]
    text = (tmp_path / "program.py").read_text()
    assert "texts = (" in text
    assert "rows = [" in text


def test_a_fix_that_another_makes_needless_is_taken_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        class Point:
            def __init__(self, x, y):
                self.x = x
                self.y = y

        def main(count):
            points = [Point(number, number + 1) for number in range(count)]
            print(sum(point.x + point.y for point in points))

        main(100_000)
        """,
    )
    told = slim(tmp_path, "program.py")
    assert told.status == 0, told.record
    verdicts = {fix["rule"]: fix["verdict"] for fix in told.record["fixes"]}
    assert verdicts == {"LT102": "proven", "LT103": "unprofitable"}
    assert "__slots__" not in told.record["diff"]


def test_effects_outside_are_said_once_before_anything_is_repeated(tmp_path: Path) -> None:
    write(
        tmp_path,
        "program.py",
        """
        import subprocess
        subprocess.run(["true"], check=True)
        rows = [str(number) * 20 for number in range(100_000)]
        print(sum(len(row) for row in rows))
        """,
    )
    told = slim(tmp_path, "program.py", runs=1)
    warning, trying = told.stderr.index("reaches outside its files"), told.stderr.index("trying 1 fix")
    assert warning < trying
    assert told.stderr.count("reaches outside its files") == 1


def test_the_text_report_reads_as_the_story(project: Path) -> None:
    done = lowtide(project, "slim", "--runs", "5", "--python", sys.executable, "code/program.py")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    parts = ["proven:", "--- a/code/program.py", "before", "peak heap", "predicted saving ~", "Fixes", "next:"]
    positions = [text.index(part) for part in parts]
    assert positions == sorted(positions)
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["missing.py"], "no such script"),
        (["."], "without __main__.py"),
        (["-m"], "hint:"),
    ],
)
def test_what_cannot_be_run_is_an_error_with_a_hint(words: list[str], said: str, tmp_path: Path) -> None:
    done = lowtide(tmp_path, "slim", "--python", sys.executable, *words)
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert "hint:" in done.stderr.decode()
    assert done.stdout == b""


def test_a_program_that_does_not_parse_ends_as_it_would(tmp_path: Path) -> None:
    write(tmp_path, "program.py", "print(\n")
    told = slim(tmp_path, "program.py")
    assert told.status == 1
    assert told.record["program_failed"].startswith("SyntaxError")
