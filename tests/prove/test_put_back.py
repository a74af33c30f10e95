"""Whatever a program does to its folder while it is compared, the folder is afterwards as it was."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from comparing_runs import facts, prove, write

PROGRAMS = {
    "writes a new file": "open('new.txt', 'w').write('x')",
    "overwrites a file": "open('data.txt', 'w').write('x')",
    "appends to a file": "open('data.txt', 'a').write('more')",
    "updates a file in place": "f = open('data.txt', 'r+b'); f.seek(2); f.write(b'XY'); f.close()",
    "writes through a link": "open('link', 'w').write('x')",
    "removes a file": "import os; os.remove('data.txt')",
    "replaces a file in one step": "import os; open('t', 'w').write('x'); os.replace('t', 'data.txt')",
    "renames a folder": "import os; os.rename('folder', 'other'); open('other/inner.txt', 'w').write('x')",
    "removes a tree": "import shutil; shutil.rmtree('folder')",
    "makes a tree": "import os; os.makedirs('a/b/c'); open('a/b/c/d', 'w').write('x')",
    "copies a tree": "import shutil; shutil.copytree('folder', 'copy')",
    "changes a mode": "import os; os.chmod('data.txt', 0o600)",
    "truncates a file": "import os; os.truncate('data.txt', 1)",
    "sets a time": "import os; os.utime('data.txt', (1, 1))",
    "links": "import os; os.symlink('data.txt', 'soft'); os.link('data.txt', 'hard')",
    "writes by pathlib": "import pathlib; pathlib.Path('data.txt').write_text('x')",
    "writes by descriptor": "import os; f = os.open('data.txt', os.O_WRONLY | os.O_TRUNC); os.write(f, b'x')",
    "fills a database": """
        import sqlite3
        base = sqlite3.connect('base.sqlite')
        base.execute('create table numbers (number)')
        base.executemany('insert into numbers values (?)', [(n,) for n in range(100)])
        base.commit()
        print(base.execute('select sum(number) from numbers').fetchall())
        """,
    "maps a file": """
        import mmap
        with open('data.txt', 'r+b') as f, mmap.mmap(f.fileno(), 0) as mapped:
            mapped[0:2] = b'ZZ'
        """,
    "writes from a forked child": """
        import os
        if os.fork() == 0:
            open('data.txt', 'w').write('child')
            os._exit(0)
        os.wait()
        """,
    "writes from threads": """
        import threading
        def work(n):
            for i in range(20):
                open(f'{n}-{i}.txt', 'w').write('x')
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
        """,
    "goes elsewhere first": "import os; os.chdir('folder'); open('inner.txt', 'w').write('x')",
    "writes relative to an open folder": """
        import os
        folder = os.open('folder', os.O_RDONLY)
        os.close(os.open('at.txt', os.O_WRONLY | os.O_CREAT, dir_fd=folder))
        os.unlink('inner.txt', dir_fd=folder)
        """,
    "imports a module of its own": "import beside; print(beside.VALUE)",
    "dies by a signal": "import os, signal; open('data.txt', 'w').write('x'); os.kill(os.getpid(), signal.SIGKILL)",
}


def folder_with_things(place: Path) -> Path:
    folder = place / "user"
    write(folder, "data.txt", "original\n").chmod(0o640)
    write(folder, "folder/inner.txt", "inside\n")
    write(folder, "beside.py", "VALUE = 7\n")
    (folder / "link").symlink_to("folder/inner.txt")
    for path in (folder / "data.txt", folder / "folder/inner.txt", folder / "folder"):
        os.utime(path, ns=(1_000_000_000_000_000_007, 1_000_000_000_000_000_007))
    return folder


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_folder_is_as_it_was(name: str, tmp_path: Path) -> None:
    folder = folder_with_things(tmp_path)
    write(folder, "program.py", PROGRAMS[name])
    before = facts(folder)
    told = prove(folder, "program.py", "program.py")
    assert told.record["same_behaviour"] is True, told.record["reason"]
    assert facts(folder) == before
    assert list((tmp_path / "user-temporary").iterdir()) == []


def test_each_program_changes_something(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    harmless = {"imports a module of its own"}
    for number, name in enumerate(PROGRAMS):
        folder = folder_with_things(tmp_path / str(number))
        write(folder, "program.py", PROGRAMS[name])
        before = facts(folder)
        os.system(f"cd {folder} && {sys.executable} program.py > /dev/null 2>&1")
        assert name in harmless or facts(folder) != before, name


def test_a_read_only_folder_is_no_obstacle(tmp_path: Path) -> None:
    folder = folder_with_things(tmp_path)
    write(folder, "program.py", "import beside; print(open('data.txt').read(), beside.VALUE)")
    folder.chmod(0o555)
    try:
        before = facts(folder)
        assert prove(folder, "program.py", "program.py").record["same_behaviour"] is True
        assert facts(folder) == before
    finally:
        folder.chmod(0o755)
