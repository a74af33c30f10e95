//! LT103 on whole programs: each accepted variant prints the same before and after.

mod programs;

use lowtide_rules::{Benefit, Measured};
use programs::{blockers, candidates, fixed, fixed_and_run, interpreters};
use std::process::Command;

fn accepted(script: &str) -> String {
    fixed_and_run("LT103", &[("script.py", script)])
}

fn refused(script: &str) -> Vec<&'static str> {
    blockers("LT103", &[("script.py", script)])
}

/// A script with one class, made many times.
fn with_class(class: &str, rest: &str) -> String {
    format!("{class}\npoints = [Point(i) for i in range(3)]\n{rest}\n")
}

#[test]
fn attributes_come_from_every_method_and_every_way_of_setting() {
    let after = accepted(&with_class(
        "class Point:\n    # a place\n    limit = 9\n    def __init__(this, x):\n        this.x, (this.y, *this.rest) = x, (x, 1, 2)\n        this.z: int = 0\n        for this.i in range(2):\n            pass\n    def move(self):\n        self.z += 1\n        def later():\n            self.moved = True\n        later()\n    @classmethod\n    def origin(cls):\n        point = cls(0)\n        point.name = 'origin'\n        return point\n    def copy(self):\n        twin = object.__new__(Point)\n        twin.x = self.x\n        twin.source = self\n        return twin",
        "points[0].move()\nprint(points[0].x, points[0].z, points[0].moved, Point.origin().name, points[1].copy().source is points[1])",
    ));
    assert!(
        after.contains(
            "__slots__ = (\"x\", \"y\", \"rest\", \"z\", \"i\", \"moved\", \"name\", \"source\")\n"
        ),
        "{after}"
    );
}

#[test]
fn the_seed_of_the_rule() {
    let after = accepted(
        "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\ndef main(n):\n    pts = [Point(i, i + 1) for i in range(n)]\n    print(sum(p.x + p.y for p in pts))\nmain(1000)\n",
    );
    assert!(
        after.starts_with("class Point:\n    __slots__ = (\"x\", \"y\")\n\n    def __init__"),
        "{after}"
    );
}

#[test]
fn private_names_properties_and_deletions() {
    let after = accepted(&with_class(
        "class Point:\n    def __init__(self, x):\n        self.__x = x\n        self.size = 3\n        self.gone = 1\n        del self.gone\n    @property\n    def size(self):\n        return self._size\n    @size.setter\n    def size(self, value):\n        self._size = value\n    def show(self):\n        return self.__x, hasattr(self, 'gone'), self.size",
        "points[1]._Point__x = 8\nprint(points[1].show(), points[0].show())",
    ));
    assert!(after.contains("__slots__ = (\"__x\", \"gone\", \"_size\")\n"), "{after}");
}

#[test]
fn dataclasses_in_every_spelling() {
    for (decorator, expected) in [
        ("@dataclass", "@dataclass(slots=True)"),
        ("@dataclass()", "@dataclass(slots=True)"),
        ("@dataclass(order=True)", "@dataclass(order=True, slots=True)"),
        (
            "@dataclasses.dataclass(frozen=True,)",
            "@dataclasses.dataclass(frozen=True, slots=True,)",
        ),
    ] {
        let after = accepted(&format!(
            "import dataclasses\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n{decorator}  # rows\nclass Point:\n    x: int\n    y: float = 1.5\n    rest: list = dataclasses.field(default_factory=list)\n    count: ClassVar[int] = 0\n    def total(self):\n        return self.x + self.y\npoints = [Point(i) for i in range(3)]\nprint(points, points[1].total(), points[0] == Point(0), Point.count, dataclasses.asdict(points[2]))\n"
        ));
        assert!(after.contains(expected), "{after}");
    }
}

#[test]
fn bases_of_the_project_get_slots_as_well() {
    let base = "class Base:\n    def __init__(self, x):\n        self.x = x\nclass Other(Base):\n    pass\n";
    let script = "from base import Base, Other\nclass Point(Base):\n    \"\"\"Doc.\"\"\"\n    def __init__(self, x):\n        super().__init__(x)\n        self.x = x\n        self.y = x\npoints = [Point(i) for i in range(3)]\nother = Other(3)\nother.more = 1\nprint(points[2].x, points[1].y, other.more, Point.__doc__)\n";
    let files = [("base.py", base), ("script.py", script)];
    let after = fixed_and_run("LT103", &files);
    assert!(after.contains("    __slots__ = (\"y\",)\n"), "{after}");
    assert!(fixed("LT103", &files)[0].1.starts_with("class Base:\n    __slots__ = (\"x\",)\n"));
}

#[test]
fn a_base_with_slots_and_a_nested_class() {
    accepted(
        "from abc import ABC, abstractmethod\nclass Shape(ABC):\n    __slots__ = ['name']\n    @abstractmethod\n    def area(self): ...\nclass Square(Shape):\n    def __init__(self, side):\n        self.name = 'square'\n        self.side = side\n    def area(self):\n        return self.side ** 2\ndef main():\n    class Cell:\n        def __init__(self, v):\n            self.v = v\n    cells = [Cell(i) for i in range(3)]\n    print(sum(cell.v for cell in cells), sum(Square(i).area() for i in range(3)))\nmain()\n",
    );
    let found = candidates(
        "LT103",
        &[(
            "script.py",
            "def main():\n    class Cell:\n        class Part:\n            def __init__(self): self.v = 1\n    return [Cell.Part() for i in range(3)]\n",
        )],
    );
    assert!(
        found.is_empty() || format!("{:?}", found[0].evidence).contains("main.<locals>.Cell.Part"),
        "{found:?}"
    );
}

#[test]
fn tabs_crlf_and_names_beyond_ascii() {
    let after = accepted(
        "class Größe:  # Maß\r\n\tdef __init__(self, höhe):\r\n\t\tself.höhe = höhe\r\nprint(sum(g.höhe for g in [Größe(i) for i in range(3)]))\r\n",
    );
    assert!(
        after.starts_with("class Größe:  # Maß\r\n\t__slots__ = (\"höhe\",)\r\n\r\n\tdef"),
        "{after:?}"
    );
}

#[test]
fn many_slots_are_written_one_a_line() {
    let lines: Vec<String> = (0..20).map(|i| format!("        self.attribute_{i} = x\n")).collect();
    let body = lines.concat();
    let after = accepted(&with_class(
        &format!("class Point:\n    def __init__(self, x):\n{body}"),
        "print(points[1].attribute_19)",
    ));
    assert!(
        after.contains("    __slots__ = (\n        \"attribute_0\",\n        \"attribute_1\",\n"),
        "{after}"
    );
}

#[test]
fn attributes_of_other_objects_are_told_apart() {
    accepted(&with_class(
        "import argparse, types\nclass Point:\n    def __init__(self, x):\n        self.x = x\nclass Node:\n    def __init__(self, value):\n        self.value = value\n        self.next = None\nclass Chain:\n    def __init__(self):\n        self.head = Node(0)\n        self.head.mark = 1\n        self.head.next = Node(1)\n    def label(self, node):\n        node.tag = 'a'\nConfig = types.SimpleNamespace()",
        "options = argparse.Namespace()\noptions.verbose = True\nConfig.depth = 3\nargparse.extra = 1\nPoint.shared = 5\nchain = Chain()\nchain.label(chain.head)\nprint(points[0].x, points[1].shared, options.verbose, chain.head.tag)",
    ));
}

#[test]
fn writes_that_may_mean_an_instance_are_found_wherever_they_stand() {
    let class = "class Point:\n    def __init__(self, x):\n        self.x = x";
    for rest in [
        "points[0].label = 1",
        "for p in points:\n    p.label = 1",
        "def mark(p):\n    p.label = 1\nmark(points[0])",
        "class Holder:\n    def __init__(self, p):\n        self.p = p\n    def mark(self):\n        self.p.label = 1\nHolder(points[0]).mark()",
        "def first():\n    return points[0]\nfirst().label = 1",
        "setattr(points[0], 'label', 1)",
        "for points[0].label in range(2): pass",
        "with open(__file__) as points[0].label: pass",
        "def mark(p: Point):\n    p.label = 1",
        "min(points, key=id).label = 1",
        "from collections import namedtuple\nPair = namedtuple('Pair', 'left right')\nPair(points[0], points[1]).left.label = 1",
        "import types\nbox = types.SimpleNamespace(point=points[0])\nbox.point.label = 1",
        "points.pop().label = 1",
        "import random\nrandom.choice(points).label = 1",
        "def mark(*all):\n    for each in all:\n        each.label = 1",
    ] {
        let found = refused(&with_class(class, rest));
        assert!(found.contains(&"attribute-set-outside"), "{rest}: {found:?}");
    }
}

#[test]
fn what_needs_a_dict_is_found_wherever_it_stands() {
    let class = "class Point:\n    def __init__(self, x):\n        self.x = x";
    for (rest, blocker) in [
        ("print(points[0].__dict__)", "dict-used"),
        ("import json\nprint(json.dumps(points, default=lambda o: o.__dict__))", "dict-used"),
        ("def show(o):\n    return vars(o)\nshow(points[0])", "dict-used"),
        (
            "def fill(o, **k):\n    for n in k:\n        setattr(o, n, k[n])\nfill(points[0], x=1)",
            "dynamic-attributes",
        ),
        ("Point.x = 3", "class-level-default"),
        ("setattr(Point, 'x', 3)", "class-level-default"),
        ("import sys\nprint(sys.getsizeof(points[0]))", "reflection"),
        ("import json\nprint(json.dumps(points, default=vars))", "dict-used"),
        ("print(getattr(points[0], '__dict__'))", "dict-used"),
        ("import shelve", "pickled"),
        ("from weakref import ref", "weak-reference"),
    ] {
        let found = refused(&with_class(class, rest));
        assert!(found.contains(&blocker), "{rest}: {found:?}");
    }
}

#[test]
fn bases_that_keep_a_dict_or_know_better() {
    for (head, base) in [
        ("", "dict"),
        ("import threading", "threading.Thread"),
        ("from enum import Enum", "Enum"),
        ("from typing import NamedTuple", "NamedTuple"),
        ("from typing import Generic, TypeVar\nT = TypeVar('T')", "Generic[T]"),
        ("from pydantic import BaseModel", "BaseModel"),
        ("import ctypes", "ctypes.Structure"),
        ("from typing import Protocol", "Protocol"),
        ("", "Exception"),
        ("", "make_base()"),
    ] {
        let class =
            format!("{head}\nclass Point({base}):\n    def __init__(self, x):\n        self.x = x");
        let found = refused(&with_class(&class, ""));
        assert_eq!(found, ["unknown-base"], "{base}");
    }
    for base in ["int", "str", "tuple", "bytes"] {
        let class = format!("class Point({base}):\n    def __init__(self, x):\n        self.x = x");
        assert_eq!(refused(&with_class(&class, "")), ["variable-size-base"], "{base}");
    }
}

/// Allocates instances of a class with and without slots, and prints the bytes of each as `tracemalloc` sees them.
const MEASURE: &str = r#"
import sys, tracemalloc
def bytes_of(slots, attributes, touch, count=2000):
    names = [f"a{i}" for i in range(attributes)]
    body = "".join(f"        self.{name} = v\n" for name in names) + "        pass\n"
    slots = f"    __slots__ = {tuple(names)!r}\n" if slots else ""
    space = {}
    exec(f"class C:\n{slots}    def __init__(self, v):\n{body}", space)
    make = space["C"]
    for _ in range(200): make(None)
    kept = [None] * count
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for i in range(count):
        kept[i] = make(None)
        if touch: kept[i].__dict__
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) // count * count
for attributes in (1, 2, 3, 5, 6, 8, 12, 20, 29, 30, 40):
    print(attributes, bytes_of(False, attributes, False), bytes_of(False, attributes, True), bytes_of(True, attributes, False))
"#;

#[test]
fn the_predicted_saving_is_what_slots_save_on_every_python() {
    for python in interpreters() {
        let output =
            Command::new(python).args(["-c", MEASURE]).output().expect("the interpreter runs");
        let text = String::from_utf8(output.stdout).expect("numbers");
        assert_eq!(
            text.lines().count(),
            11,
            "{python}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        for line in text.lines() {
            let numbers: Vec<u64> =
                line.split(' ').map(|number| number.parse().expect("a number")).collect();
            let [attributes, plain, touched, slotted] = numbers[..] else { panic!("{line}") };
            let benefit =
                Benefit::SlotsPerInstance { attributes: u32::try_from(attributes).expect("a few") };
            for bytes in [plain, touched] {
                let predicted = benefit.saving_bytes(Measured { bytes, count: 2000 });
                let saved = bytes - slotted;
                assert!(
                    predicted.abs_diff(saved) * 100 <= saved,
                    "{python}: {line}: predicted {predicted}, saved {saved}"
                );
            }
        }
    }
}

#[test]
fn names_of_bases_that_a_slot_would_hide() {
    for base in ["    size = 3\n", "    def size(self): return 3\n"] {
        let class = format!(
            "class Base:\n{base}class Point(Base):\n    def __init__(self, x):\n        self.size = x"
        );
        assert_eq!(refused(&with_class(&class, "")), ["class-level-default"], "{base}");
    }
    let after = accepted(&with_class(
        "class Base:\n    @property\n    def size(self):\n        return self._size\n    @size.setter\n    def size(self, value):\n        self._size = value\nclass Point(Base):\n    def __init__(self, x):\n        self.size = x",
        "print(points[2].size)",
    ));
    assert!(after.contains("    __slots__ = ()\n"), "{after}");
    let documented = "class Point:\n    def __init__(self, x):\n        self.__doc__ = x";
    let field = "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int\n    @property\n    def x(self): return 1";
    for class in [documented, field] {
        assert!(refused(&with_class(class, "")).contains(&"class-level-default"), "{class}");
    }
}
