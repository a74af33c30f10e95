from __future__ import annotations

import subprocess

from lowtide.__main__ import find_command
from lowtide._errors import TrackingError


def report(path: str, form: str) -> str:
    command = find_command()
    if command is None:
        raise TrackingError("the lowtide command is missing", "install lowtide again with pip")
    words = [str(command), "report", path, "--format", form]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        what, _, hint = done.stderr.strip().removeprefix("lowtide: error: ").partition("\nhint: ")
        raise TrackingError(what, hint)
    return done.stdout
