"""Runs the same code by `exec`, `eval`, imports and kept function objects, from ever other places, and writes down where
each block was asked for."""

import gc
import importlib
import json
import pathlib
import random
import sys
import types

FIRST_SIZE = 50_000
STEP = 512
MOST = 250
DEEPEST = 12
chance = random.Random(int(sys.argv[1]))
kept, expected, functions = [None] * MOST, [], []


def take():
    """Keeps so many bytes that nothing else is as large."""
    if len(expected) == MOST:
        return
    frame, stack = sys._getframe(1), []
    while frame:
        code = frame.f_code
        stack.append([code.co_filename, code.co_name, frame.f_lasti])
        frame = frame.f_back
    size = FIRST_SIZE + STEP * len(expected)
    kept[len(expected)] = bytes(size)
    expected.append([size, stack[::-1]])


def keep_function(code):
    """That of the code that runs, which nothing else can be asked for."""
    made = [found for found in gc.get_objects() if isinstance(found, types.FunctionType) and found.__code__ is code]
    functions.extend(made[: 10 - len(functions)])


def by_generator(depth):
    def parts():
        take()
        step(depth)
        yield

    list(parts())


def by_class(depth):
    class Body:
        take()
        step(depth)


def by_import(depth):
    sys.modules.pop("again", None)
    importlib.import_module("again")


def by_statement(depth):
    sys.modules.pop("again", None)
    import again  # noqa: F401


def by_exception(depth):
    try:
        exec(FAILING, {"step": step, "depth": depth})
    except ZeroDivisionError:
        take()


def by_exec(depth):
    code = chance.choice(CODES)
    exec(code, SCOPE | {"depth": depth})
    if chance.random() < 0.5:
        exec(code, SCOPE | {"depth": depth})


def by_eval(depth):
    eval(EXPRESSION, SCOPE | {"depth": depth})
    eval(EXPRESSION, SCOPE | {"depth": depth})


def by_kept_function(depth):
    if functions:
        function = chance.choice(functions)
        function.__globals__["depth"] = depth
        function()
        function()
        list(map(lambda call: call(), [function]))


def at_once_by_its_function():
    """With nothing in between that a tracker would notice."""
    exec(KEEPING, SCOPE)
    # Before 3.11 there is none.
    if functions:
        functions[-1]()
        list(iter(functions[-1], None))


def at_once_from_elsewhere():
    def run(code):
        exec(code, SCOPE)

    code = compile("take()", "<once more>", "exec")
    run(code)
    run(code)


def step(depth):
    take()
    if depth > 0 and len(expected) < MOST:
        chance.choice(WAYS)(depth - 1)
        take()


SCOPE = {"take": take, "step": step, "keep_function": keep_function, "sys": sys}
CODES = [
    compile("take()\nstep(depth)", "<first>", "exec"),
    compile("step(depth); take(); step(depth)", "<second>", "exec"),
    compile("class Inner:\n    step(depth)\ntake()", "<third>", "exec"),
    compile("for _ in range(2):\n    step(depth)", "<fourth>", "exec"),
    compile("keep_function(sys._getframe().f_code)\ntake()\nstep(depth)", "<fifth>", "exec"),
    compile("exec(sys._getframe().f_code) if depth < 0 else take()", "<sixth>", "exec"),
]
EXPRESSION = compile("step(depth), take()", "<expression>", "eval")
KEEPING = compile("keep_function(sys._getframe().f_code)\ntake()", "<keeping>", "exec")
FAILING = compile("step(depth)\n1 / 0", "<failing>", "exec")
WAYS = [by_generator, by_class, by_import, by_statement, by_exception, by_exec, by_exec, by_eval, by_kept_function]

again = pathlib.Path(__file__).with_name("again.py")
again.write_text("import __main__\n__main__.take()\n__main__.step(__main__.chance.randrange(4))\n", encoding="utf-8")
sys.path.insert(0, str(again.parent))
at_once_by_its_function()
at_once_from_elsewhere()
while len(expected) < MOST:
    step(DEEPEST)
pathlib.Path(__file__).with_name("expected.json").write_text(json.dumps(expected), encoding="utf-8")
