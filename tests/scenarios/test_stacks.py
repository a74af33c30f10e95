"""The stack that asked is charged, to the line, whatever kind of code it goes through and whoever watches."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import pytest
from capture_nodes import read_nodes
from measuring import measure, record

SIZE = 500_000
HEADER = sys.getsizeof(b"")

KINDS = {
    "function": ("def take():\n    return bytes(SIZE)  # here\nkept = take()", "take"),
    "method": (
        "class Hold:\n    def fill(self):\n        self.data = bytes(SIZE)  # here\nhold = Hold()\nhold.fill()",
        "Hold.fill",
    ),
    "generator": ("def parts():\n    yield bytes(SIZE)  # here\nkept = list(parts())", "parts"),
    "lambda": ("take = (lambda:\n    bytes(SIZE)  # here\n)\nkept = take()", "<lambda>"),
    "class body": ("class Holder:\n    data = bytes(SIZE)  # here", "Holder"),
    "exec'd code": ("exec(compile('\\n\\nkept = bytes(SIZE)', __file__, 'exec'))\n# two\nimport sys  # here", None),
    "decorator": (
        "def keep(function):\n    function.data = bytes(SIZE)  # here\n    return function\n@keep\ndef f():\n    pass",
        "keep",
    ),
    "sorted key": (
        "kept = []\ndef key(x):\n    kept.append(bytes(SIZE))  # here\n    return x\nsorted([1], key=key)",
        "key",
    ),
    "__del__": (
        "kept = []\nclass Last:\n    def __del__(self):\n        kept.append(bytes(SIZE))  # here\nlast = Last()\ndel last",
        "Last.__del__",
    ),
    "coroutine": (
        "import asyncio\nasync def inner():\n    await asyncio.sleep(0)\n    return bytes(SIZE)  # here\n"
        "async def outer():\n    return await inner()\nkept = asyncio.run(outer())",
        "inner",
    ),
    "after sys.setprofile(None)": ("import sys\nsys.setprofile(None)\nkept = bytes(SIZE)  # here", "<module>"),
    "under cProfile": (
        "import cProfile\nprofile = cProfile.Profile()\nprofile.enable()\ndef take():\n"
        "    return bytes(SIZE)  # here\nkept = take()\nprofile.disable()",
        "take",
    ),
    "under a trace function": (
        "import sys\nsys.settrace(lambda *a: None)\ndef take():\n    return bytes(SIZE)  # here\nkept = take()",
        "take",
    ),
    "a multi-line call": ("kept = bytes(  # here\n    SIZE\n)", "<module>"),
}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "exec'd code"])
def test_the_line_that_asked_is_charged(kind: str, tmp_path: Path) -> None:
    program, function = KINDS[kind]
    report = measure(tmp_path, f"SIZE = {SIZE}\n{program}\n")
    row = report.line("here")
    assert row["at_peak_bytes"] >= SIZE + HEADER
    assert row["at_peak_bytes"] < SIZE + HEADER + 4096
    name = function if sys.version_info >= (3, 11) else function.rpartition(".")[2]
    assert row["functions"] == [name]


EVERY_KIND = Path(__file__).parent / "programs" / "every_kind_of_call.py"
FIRST_SIZE = 200_000
TRACER = "def watch(*event): return watch\n"
WATCHERS = {
    "nobody": "main()",
    "after sys.setprofile(None)": "sys.setprofile(lambda *event: None)\nsys.setprofile(None)\nmain()",
    "a profile function": "sys.setprofile(lambda *event: None)\nmain()",
    "a debugger's trace function": f"{TRACER}sys.settrace(watch)\nthreading.settrace(watch)\nmain()\nsys.settrace(None)",
    "cProfile": "import cProfile\nprofile = cProfile.Profile()\nprofile.runcall(main)",
    "sys.monitoring": (
        "use, events = sys.monitoring.use_tool_id, sys.monitoring.events\nuse(3, 'test')\n"
        "for event in (events.LINE, events.CALL, events.PY_START, events.PY_RETURN, events.INSTRUCTION):\n"
        "    sys.monitoring.register_callback(3, event, lambda *event: None)\n"
        "sys.monitoring.set_events(3, events.LINE | events.CALL | events.PY_START | events.PY_RETURN | events.INSTRUCTION)\n"
        "main()\nsys.monitoring.set_events(3, 0)"
    ),
}


@pytest.mark.parametrize("watcher", WATCHERS)
def test_stacks_are_those_that_python_sees(tmp_path: Path, watcher: str) -> None:
    if watcher == "sys.monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring came with 3.12")
    report = measure(tmp_path, EVERY_KIND.read_text(), WATCHERS[watcher], options=["--native"])
    found = {}
    for stack in report.data["stacks"]:
        number = stack["left_at_exit_bytes"] - FIRST_SIZE - HEADER
        if 0 <= number < 100 and stack["allocator"] == "python":
            frames = [frame for frame in stack["frames"] if frame["kind"] == "python"]
            found[number] = [[frame["file"], frame["line"], frame["function"]] for frame in frames]
    expected = json.loads((tmp_path / "expected.json").read_text())
    assert len(expected) == 36
    for number, stack in enumerate(expected):
        assert found.get(number) == stack, stack[-3:]


def test_recursion_a_thousand_deep(tmp_path: Path) -> None:
    report = measure(
        tmp_path,
        """
        import sys
        sys.setrecursionlimit(5000)

        def down(levels):
            if levels == 0:
                return bytes(1_000_000)  # deepest
            return down(levels - 1)

        kept = down(1000)
        """,
    )
    assert report.line("deepest")["at_peak_bytes"] == 1_000_000 + HEADER


def test_a_code_object_freed_and_another_at_its_address(tmp_path: Path) -> None:
    """Functions made and dropped in a loop: each name gets what it asked for, never another's."""
    report = measure(
        tmp_path,
        """
        kept = []
        for i in range(200):
            scope = {}
            exec(f"def made_{i}():\\n    return bytes(100_000)", scope)
            kept.append(scope[f"made_{i}"]())
            scope.clear()
        """,
    )
    made = {row["function"]: row["at_peak_bytes"] for row in report.data["lines"] if row["at_peak_bytes"] >= 100_000}
    assert {name: size for name, size in made.items() if name.startswith("made_")} == {
        f"made_{i}": 100_000 + HEADER for i in range(200)
    }


CODE_RUN_AGAIN = Path(__file__).parent / "programs" / "code_run_again.py"


@pytest.mark.parametrize("seed", range(6))
def test_code_that_runs_again_elsewhere_has_the_callers_of_now(tmp_path: Path, seed: int) -> None:
    """The tracker takes what lies outside of a running module for unchanged. A function object made for one `exec` may be
    found and called once more, and a module imported again, each at the same addresses."""
    recorded = record(tmp_path, CODE_RUN_AGAIN.read_text(), str(seed))
    assert recorded.done.returncode == 0, recorded.done.stderr
    expected: Counter[str] = Counter()
    for size, stack in json.loads((tmp_path / "expected.json").read_text()):
        expected[json.dumps(stack)] += size + HEADER
    found = {
        json.dumps(frames[:-1]): live_bytes
        for live_bytes, frames in read_nodes(recorded.capture).stacks()
        if live_bytes >= 50_000 and frames and frames[-1][1] == "take"
    }
    assert found.keys() == expected.keys()
    # Python keeps some bytes of its own there, and the program's sizes lie 512 bytes apart.
    assert {stack: size for stack, size in expected.items() if not 0 <= found[stack] - size < 512} == {}
