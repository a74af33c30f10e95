//! LT104 on whole programs: each accepted variant prints the same before and after.

mod programs;

use programs::{blockers, fixed, fixed_and_run};

fn accepted(script: &str) -> String {
    fixed_and_run("LT104", &[("script.py", script)])
}

fn refused(script: &str) -> Vec<&'static str> {
    blockers("LT104", &[("script.py", script)])
}

#[test]
fn nested_loops_conditions_and_every_way_of_adding() {
    let after = accepted(
        "def pairs(n):\n    out = list()\n    for i in range(n):\n        if i == 1:\n            continue\n        for j in range(i):\n            out.append((i, j))\n        out.extend(range(i))\n        out += [i]\n        out += (i, -i)\n        if i > 3:\n            return out\n    return out\nfor pair in pairs(9):\n    print(pair)\nprint(list(pairs(0)))\n",
    );
    for line in [
        "            yield (i, j)\n",
        "yield from range(i)\n",
        "yield i\n",
        "yield from (i, -i)\n",
        "            return\n",
    ] {
        assert!(after.contains(line), "{line}: {after}");
    }
    assert!(!after.contains("out"), "{after}");
}

#[test]
fn comments_and_formatting_stay() {
    let after = accepted(
        "def rows(n):\n    \"\"\"Doc.\"\"\"\n    found = []  # all of them\n    for i in range(n):\n        found.append(  # one\n            i * 2,  # doubled\n        )\n        found.append(x for x in [i])  # lazy\n    # the end\n    return found  # done\nfor row in rows(2):\n    print(row if isinstance(row, int) else list(row))\n",
    );
    for line in [
        "    # all of them\n",
        "        yield (  # one\n            i * 2  # doubled\n        )\n",
        "        yield (x for x in [i])  # lazy\n",
        "    # the end\n",
        "    # done\n",
    ] {
        assert!(after.contains(line), "{line}: {after}");
    }
}

#[test]
fn statements_that_share_a_line() {
    let after = accepted(
        "def rows(n):\n    n += 1; found = []; m = 2\n    for i in range(n): found.append(i * m); n -= 1\n    return found\nprint(sum(rows(4)))\n",
    );
    assert!(after.contains("    n += 1; m = 2\n"), "{after}");
}

#[test]
fn annotations_say_iterator_afterwards() {
    let after = accepted(
        "from __future__ import annotations\nfrom typing import List, Iterator\ndef rows(n: int) -> List[int]:\n    found: List[int] = []\n    for i in range(n):\n        found.append(i)\n    return found\nprint(sum(rows(4)))\n",
    );
    assert!(after.contains("-> Iterator[int]:"), "{after}");
    let after =
        accepted("def rows(n) -> list:\n    return [i for i in range(n)]\nprint(sum(rows(4)))\n");
    assert!(
        after.starts_with(
            "from collections.abc import Iterator\n\n\ndef rows(n) -> Iterator:\n    return (i for"
        ),
        "{after}"
    );
}

#[test]
fn tabs_crlf_and_names_beyond_ascii() {
    let after = accepted(
        "def größen(zahl):\r\n\tergebnis = []\r\n\tfor i in range(zahl):\r\n\t\tergebnis.append('ä' * i)\r\n\treturn ergebnis\r\nfor größe in größen(3):\r\n\tprint(len(größe))\r\n",
    );
    assert!(after.contains("\tfor i in range(zahl):\r\n\t\tyield 'ä' * i\r\nfor"), "{after:?}");
}

#[test]
fn methods_nested_functions_and_static_methods() {
    accepted(
        "class Shop:\n    def __init__(self, n):\n        self.n = n\n    def prices(self):\n        found = []\n        for i in range(self.n):\n            found.append(i * 2)\n        return found\n    @staticmethod\n    def names(n):\n        return [f'n{i}' for i in range(n)]\n    def total(self):\n        return sum(self.prices())\ndef main():\n    def inner(n):\n        out = []\n        while n:\n            n -= 1\n            out.append(n)\n        return out\n    print(Shop(3).total(), max(inner(4)), sorted(Shop.names(3)))\nmain()\n",
    );
}

#[test]
fn a_result_with_a_name_that_is_used_once() {
    let after = accepted(
        "def rows(n):\n    found = []\n    for i in range(n):\n        found.append(i)\n    return found\ndef main():\n    mine = rows(5)\n    total = 0\n    for row in mine:\n        total += row\n    print(total)\nmain()\n",
    );
    assert!(after.contains("yield i"), "{after}");
}

#[test]
fn every_kind_of_single_pass() {
    accepted(
        "from itertools import chain\nfrom collections import Counter\ndef rows(n):\n    found = []\n    for i in range(n):\n        found.append(i % 3)\n    return found\nprint(sum(rows(9)), max(rows(9)), sorted(rows(9)), set(rows(9)), Counter(rows(9)))\nprint({row for row in rows(4)}, [row + 1 for row in rows(4)], list(enumerate(rows(2))), list(chain(rows(2), rows(1))))\n",
    );
}

#[test]
fn a_file_that_is_read_stays_open_for_the_caller() {
    let after = accepted(
        "def lines(path):\n    found = []\n    with open(path) as file:\n        for line in file:\n            found.append(line.strip())\n    return found\ndef lengths(path):\n    with open(path, encoding='utf-8') as file:\n        return [len(line) for line in file]\ndef main():\n    total = 0\n    for line in lines(__file__):\n        total += len(line)\n    print(total > 99, sum(lengths(__file__)) > 99)\nmain()\n",
    );
    assert!(after.contains("        yield from (len(line) for line in file)\n"), "{after}");
}

#[test]
fn errors_handled_inside_stay_inside() {
    let after = accepted(
        "def numbers(texts):\n    found = []\n    for text in texts:\n        try:\n            found.append(int(text))\n        except ValueError:\n            pass\n    return found\nprint(sum(numbers(['1', 'x', '2'])))\n",
    );
    assert!(after.contains("            yield int(text)\n"), "{after}");
}

#[test]
fn several_files_of_one_program() {
    let rows = "def rows(n):\n    found = []\n    for i in range(n):\n        found.append(i)\n    return found\n";
    let files = [
        ("rows.py", rows),
        (
            "script.py",
            "import rows\nfrom rows import rows as more\nprint(sum(rows.rows(3)), max(more(2)))\n",
        ),
    ];
    fixed_and_run("LT104", &files);
    assert!(fixed("LT104", &files)[0].1.contains("yield i"));
}

#[test]
fn a_package_keeps_its_function_and_callers_move() {
    let rows = "class Source:\n    def rows(self, n, *more, scale=1, **rest):\n        found = []\n        for i in range(n):\n            found.append(i * scale)\n        return found\n";
    let script = "from lib.rows import Source\nsource = Source()\nprint(sum(source.rows(3, scale=2)))\nprint(source.rows(2, 7, a=1)[0])\n";
    let files = [("lib/__init__.py", ""), ("lib/rows.py", rows), ("script.py", script)];
    let after = fixed_and_run("LT104", &files);
    assert!(
        after.contains("sum(source.iter_rows(3, scale=2))")
            && after.contains("source.rows(2, 7, a=1)[0]"),
        "{after}"
    );
    let library = fixed("LT104", &files)[1].1.clone();
    assert!(
        library.contains("return list(self.iter_rows(n, *more, scale=scale, **rest))"),
        "{library}"
    );
}

#[test]
fn a_caller_that_needs_the_list_keeps_it() {
    let after = accepted(
        "def rows(n):\n    found = []\n    for i in range(n):\n        found.append(i)\n    return found\nprint(sum(rows(3)))\nprint(rows(3)[1])\nprint(len(rows(2)))\n",
    );
    assert!(after.contains("print(sum(iter_rows(3)))\nprint(rows(3)[1])\n"), "{after}");
}

#[test]
fn a_function_that_is_passed_on_keeps_its_list() {
    let after = accepted(
        "def rows(n):\n    found = []\n    for i in range(n):\n        found.append(i)\n    return found\nprint(sum(rows(3)))\nprint([len(each) for each in map(rows, [1, 2])])\n",
    );
    assert!(after.contains("map(rows, [1, 2])"), "{after}");
}

#[test]
fn nothing_is_said_of_functions_whose_results_nobody_goes_through() {
    for script in [
        "def rows(n):\n    found = []\n    for i in range(n):\n        found.append(i)\n    return found\n",
        "def rows(n):\n    found = []\n    for i in range(n):\n        found.append(i)\n    return found\nprint(rows(3))\n",
        "def rows(n):\n    for i in range(n):\n        yield i\nprint(sum(rows(3)))\n",
        "def rows(n):\n    found = {}\n    for i in range(n):\n        found[i] = i\n    return found\nprint(sum(rows(3)))\n",
    ] {
        assert!(programs::candidates("LT104", &[("script.py", script)]).is_empty(), "{script}");
    }
}

#[test]
fn results_whose_making_and_using_disturb_each_other_are_left_alone() {
    for (script, blocker) in [
        (
            "def rows(items):\n    out = []\n    for item in items:\n        out.append(item)\n    return out\ndef main():\n    items = [1, 2]\n    for row in rows(items):\n        items.append(row)\n        if len(items) > 9: raise SystemExit\nmain()\n",
            "changed-before-use",
        ),
        (
            "import random\ndef rows(n):\n    return [random.random() for _ in range(n)]\nfor row in rows(2):\n    print(row, random.random())\n",
            "effects-interleave",
        ),
        (
            "class Bank:\n    total = 0\n    def rows(self, n):\n        out = []\n        for i in range(n):\n            self.total = self.total + i\n            out.append(self.total)\n        return out\n    def main(self):\n        for row in self.rows(3):\n            self.total = 0\n        print(self.total)\nBank().main()\n",
            "effects-interleave",
        ),
        (
            "def rows(n):\n    out = []\n    for i in range(n):\n        out.append(i)\n    return out\ndef main():\n    mine = rows(3)\n    for _ in range(2):\n        print(sum(mine))\nmain()\n",
            "looped-over-again",
        ),
        (
            "def rows(n):\n    out = []\n    for i in range(n):\n        out.append(i)\n    return out\ndef main():\n    mine = rows(3)\n    sums = [sum(mine) for _ in range(2)]\n    print(sums)\nmain()\n",
            "looped-over-again",
        ),
    ] {
        let found = refused(script);
        assert!(found.contains(&blocker), "{blocker}: {found:?}: {script}");
    }
}

#[test]
fn lists_that_the_function_itself_needs() {
    for inside in [
        "out[-1]",
        "len(out)",
        "print(out)",
        "helper(out)",
        "out.sort()",
        "out.append(1) or 2",
        "lambda: out",
        "[out.append(2) for _ in '']",
    ] {
        let script = format!(
            "def rows(n):\n    out = []\n    for i in range(n):\n        out.append(i)\n        {inside}\n    return out\nfor row in rows(3):\n    row += 1\n"
        );
        assert!(refused(&script).contains(&"list-used-inside"), "{inside}: {:?}", refused(&script));
    }
}

#[test]
fn results_made_step_by_step_belong_to_their_round() {
    for (body, result) in [
        (
            "        row = {}\n        row['a'] = i\n        row.update(b=[i])\n        out.append(row)\n",
            "str(row)",
        ),
        ("        row = Point(i)\n        row.x = row.x + 1\n        out.append(row)\n", "row.x"),
        (
            "        part.append(i)\n        if len(part) == 2:\n            out.append(part)\n            part = []\n",
            "len(row)",
        ),
        ("        total += i\n        out.append(total)\n", "row"),
        ("        part.append(i)\n        out.append(list(part))\n", "sum(row)"),
        ("        row = [i]\n        row += [2]\n        out.append((i, row))\n", "row[1][1]"),
    ] {
        let script = format!(
            "class Point:\n    def __init__(self, x):\n        self.x = x\ndef rows(n):\n    out = []\n    part = []\n    total = 0\n    for i in range(n):\n{body}    return out\nfor row in rows(5):\n    print({result})\n"
        );
        assert!(accepted(&script).contains("yield "), "{script}");
    }
}

#[test]
fn results_that_change_after_they_were_added_are_left_alone() {
    for body in [
        "        part.append(i)\n        out.append(part)\n",
        "        out.append(part)\n        part.append(i)\n",
        "        out.append((i, part))\n        part += [i]\n",
        "        out.append({'part': part})\n        part[0:1] = [i]\n",
        "        if i == 2:\n            out.append(part)\n        fill(part, i)\n",
        "        row = {'n': 0}\n        groups[i % 2] = row\n        out.append(row)\n        groups[0]['n'] += 1\n",
        "        row = groups.setdefault(i % 2, [])\n        out.append(row)\n        row.append(i)\n",
    ] {
        let script = format!(
            "def fill(part, i):\n    part.append(i)\ndef rows(n):\n    out = []\n    part = []\n    groups = {{}}\n    for i in range(n):\n{body}    return out\nfor row in rows(5):\n    print(len(row))\n"
        );
        let found = refused(&script);
        let sees_it =
            |name: &&str| ["changed-after-collected", "effects-interleave"].contains(name);
        assert!(found.iter().any(sees_it), "{body}: {found:?}");
    }
}

#[test]
fn a_name_that_may_mean_another_function_is_left_alone() {
    let function = "def rows(n):\n    out = []\n    for i in range(n):\n        out.append(i)\n    return out\n";
    for script in [
        "try:\n    from fast import rows\nexcept ImportError:\n    def rows(n):\n        return [i for i in range(n)]\nprint(sum(rows(3)))\n".to_owned(),
        format!("{function}rows_of = rows\n{function}print(sum(rows(3)))\n"),
        "class Source:\n    def rows(self, n):\n        return [i for i in range(n)]\nSource.rows = lambda self, n: [n]\nprint(sum(Source().rows(3)))\n".to_owned(),
    ] {
        assert!(refused(&script).contains(&"bound-elsewhere"), "{script}: {:?}", refused(&script));
    }
}
