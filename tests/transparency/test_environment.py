"""Variables for Python mean what they mean without lowtide, and customization modules of the user still run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from comparing import assert_same_program, clean_environment, completed, lowtide_run, python, write

SHOW = """
import os, sys
print(sys.path, list(os.environ.items()), list(sys.path_importer_cache), sys.flags)
print(list(sys.modules))
with os.popen("env") as shell:  # left to itself, it warns or not, as the race with the shell's end goes
    print(shell.read())
"""


@pytest.mark.parametrize(
    "value", ["", "lib", "lib:other", "lib:lib", ":", "lib:", ":lib", "lib::other", "/nowhere", "lib:./lib"]
)
def test_python_path(value: str, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    assert_same_program(tmp_path, SHOW, environment=clean_environment(PYTHONPATH=value))


def test_python_path_before_and_after_other_variables(tmp_path: Path) -> None:
    for names in (["PYTHONPATH", "B", "A"], ["B", "PYTHONPATH", "A"]):
        assert_same_program(tmp_path, SHOW, environment=dict.fromkeys(names, "x"))


SETTINGS = {
    "PYTHONSAFEPATH": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONUTF8": "1",
    "PYTHONIOENCODING": "latin-1:replace",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONDEVMODE": "1",
    "PYTHONMALLOC": "malloc",
    "PYTHONTRACEMALLOC": "5",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONPYCACHEPREFIX": "cache",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONINTMAXSTRDIGITS": "5000",
    "LC_ALL": "C",
    "MALLOC_ARENA_MAX": "1",
    "LOWTIDE_OWN": "a variable of the user's that looks like ours",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting(name: str, tmp_path: Path) -> None:
    source = (
        SHOW + "print(hash('fixed') if os.environ.get('PYTHONHASHSEED') else '', sys.stdout.encoding)\nassert False\n"
    )
    assert_same_program(tmp_path, source, environment=clean_environment(**{name: SETTINGS[name]}))


CUSTOMIZATIONS = {
    "prints": "print('customized', __name__, __file__)",
    "changes": "import sys, os, decimal\nsys.path.append('/added')\nos.environ['ADDED'] = '1'\nsys.custom = decimal.Decimal(3)",
    "raises": "raise ValueError('broken customization')",
    "misses a module": "import no_such_module",
    "misses itself": "raise ImportError('none', name='sitecustomize')",
    "replaces itself": "import sys, types\nsys.modules[__name__] = types.SimpleNamespace(replaced=True)",
}


@pytest.mark.parametrize("customization", CUSTOMIZATIONS)
@pytest.mark.parametrize("name", ["sitecustomize.py", "sitecustomize/__init__.py"])
def test_a_sitecustomize_of_the_user(customization: str, name: str, tmp_path: Path) -> None:
    write(tmp_path, f"lib/{name}", CUSTOMIZATIONS[customization])
    source = SHOW + "print(vars(sys.modules.get('sitecustomize', sys)).keys(), getattr(sys, 'custom', None))"
    assert_same_program(tmp_path, source, environment=clean_environment(PYTHONPATH="lib"))


def test_a_sitecustomize_that_leaves_keeps_python_from_starting(tmp_path: Path) -> None:
    """Python tells the way to it, on which lowtide's own frame lies; all else is the same."""
    write(tmp_path, "lib/sitecustomize.py", "import sys; sys.exit(3)")
    environment = clean_environment(PYTHONPATH="lib")
    words = ("-c", "print('ran')")
    plain, ours = (completed(command(*words), tmp_path, environment, b"") for command in (python, lowtide_run))
    assert (ours.returncode, ours.stdout) == (plain.returncode, plain.stdout) == (1, b"")
    assert plain.stderr.splitlines()[-1] == b"SystemExit: 3"
    assert set(plain.stderr.splitlines()) <= set(ours.stderr.splitlines())


def test_a_usercustomize(tmp_path: Path) -> None:
    folder = f"base/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    write(tmp_path, f"{folder}/usercustomize.py", "print('customized by the user')")
    write(tmp_path, f"{folder}/sitecustomize.py", "print('customized in the user site')")
    write(tmp_path, f"{folder}/early.pth", "import sys; sys.early = True\n")
    assert_same_program(tmp_path, SHOW, environment=clean_environment(PYTHONUSERBASE=str(tmp_path / "base")))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    environment = {b"PATH": b"/usr/bin:/bin", b"ODD": b"\xff\xfe", b"PYTHONPATH": b"\xe9t\xe9"}
    assert_same_program(tmp_path, "import os; print(os.environb)", environment=environment)
