"""Checks that no source file has grown past what one reason to exist needs.

    python tests/file_sizes.py    exit status 1 and one line per file that is too long, or 0

Functions are clippy's and ruff's matter.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 500


def main() -> int:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.rs", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    lengths = {file: len(file.read_bytes().splitlines()) for file in files if file.exists()}
    too_long = {file: length for file, length in lengths.items() if length > MOST_LINES}
    for file, length in sorted(too_long.items()):
        print(f"file sizes: {file.relative_to(ROOT)} has {length} lines; split it at {MOST_LINES}")
    print(f"file sizes: {len(lengths)} files, {len(too_long)} too long")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
