//! LT102 on whole programs: each accepted variant prints the same before and after; each refused one says why.

mod programs;

use programs::{blockers, candidates, fixed_and_run};

/// Fixes one script until nothing is left, runs both, and gives the fixed one.
fn accepted(script: &str) -> String {
    fixed_and_run("LT102", &[("script.py", script)])
}

/// The blockers of a script of which nothing may be fixed.
fn refused(script: &str) -> Vec<&'static str> {
    let found = candidates("LT102", &[("script.py", script)]);
    assert!(found.iter().all(|candidate| candidate.edits.is_empty()), "{script}: {found:?}");
    blockers("LT102", &[("script.py", script)])
}

#[test]
fn a_named_comprehension_looped_over() {
    let after = accepted(
        "def expensive(x):\n    return [x, x * x, str(x)]\ndef main(n):\n    total = 0\n    items = [expensive(x) for x in range(n)]\n    for item in items:\n        total += len(item[2])\n    print(total)\nmain(1000)\n",
    );
    assert!(after.contains("items = (expensive(x) for x in range(n))\n"), "{after}");
}

#[test]
fn instances_summed_once_in_a_generator_expression() {
    let after = accepted(
        "class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\ndef main(n):\n    pts = [Point(i, i + 1) for i in range(n)]\n    print(sum(p.x + p.y for p in pts))\nmain(1000)\n",
    );
    assert!(after.contains("pts = (Point(i, i + 1) for i in range(n))"), "{after}");
}

#[test]
fn at_the_top_of_a_script() {
    let after = accepted(
        "import sys\nnumbers = [int(word) for word in '1 2 3'.split()]\ntotal = 0\nfor number in numbers:\n    total += number\nprint(total)\n",
    );
    assert!(after.contains("(int(word) for word in"), "{after}");
}

#[test]
fn direct_arguments_lose_their_brackets() {
    let after = accepted(
        "xs = range(5)\nprint(sum([x * x for x in xs]), max([x for x in xs], default=0), sorted([-x for x in xs]))\nprint(sum([x for x in xs],), sum(([x for x in xs])), sum([x for x in xs], 3))\n",
    ) + &accepted(
        "xs = range(5)\nprint(*[x for x in xs])\nprint(3 in [x + 1 for x in xs])\nprint(dict([(x, -x) for x in xs]), set([x % 2 for x in xs]))\n",
    );
    for expected in [
        "sum(x * x for x in xs)",
        "max((x for x in xs), default=0)",
        "sorted(-x for x in xs)",
        "sum((x for x in xs),)",
        "sum((x for x in xs))",
        "sum((x for x in xs), 3)",
        "*(x for x in xs)",
        "in (x + 1 for",
        "dict((x, -x) for x in xs)",
    ] {
        assert!(after.contains(expected), "{expected}: {after}");
    }
}

#[test]
fn list_calls_are_taken_away() {
    let after = accepted(
        "words = ['b ', 'a']\nfor word in list(map(str.strip, words)):\n    print(word)\nnames = list(word.upper() for word in words)\nfor name in names: print(name)\npairs = list(\n    # both ways\n    zip(words, words),\n)\nfor pair in pairs: print(pair)\nfor line in list(words if words else 'x'): print(line)\n",
    );
    assert!(after.contains("in map(str.strip, words):"), "{after}");
    assert!(after.contains("names = (word.upper() for word in words)"), "{after}");
    assert!(after.contains("pairs = (\n    # both ways\n    zip(words, words)\n)"), "{after}");
    assert!(after.contains("in (words if words else 'x'):"), "{after}");
}

#[test]
fn comments_tabs_crlf_and_names_beyond_ascii_stay() {
    let after = accepted(
        "def größe(xs):\r\n\twörter = [  # alle\r\n\t\tx.upper()  # groß\r\n\t\tfor x in xs\r\n\t]\r\n\tfor wort in wörter:\r\n\t\tprint(wort)\r\ngröße(['ä', 'ö'])\r\n",
    );
    assert!(
        after.contains("wörter = (  # alle\r\n\t\tx.upper()  # groß\r\n\t\tfor x in xs\r\n\t)\r\n"),
        "{after}"
    );
}

#[test]
fn a_list_annotation_goes_with_the_list() {
    let after = accepted(
        "def f(xs) -> int:\n    squares: list[int] = [x * x for x in xs]\n    return sum(squares)\nprint(f([1, 2]))\n",
    );
    assert!(after.contains("    squares = (x * x for x in xs)\n"), "{after}");
}

#[test]
fn methods_nested_functions_decorators_and_coroutines() {
    accepted(
        "import asyncio, functools\nclass Store:\n    def __init__(self, rows):\n        self.rows = rows\n    @staticmethod\n    def double(row):\n        return row * 2\n    def total(self):\n        doubled = [self.double(row) for row in self.rows]\n        total = 0\n        for value in doubled:\n            total += value\n        return total\ndef outer(n):\n    def inner(k):\n        squares = [k * i for i in range(n)]\n        return sum(squares)\n    return inner(3)\n@functools.lru_cache\ndef cached(n):\n    halves = [i / 2 for i in range(n)]\n    return max(halves)\nasync def main():\n    values = [i * 3 for i in range(5)]\n    result = 0\n    for value in values:\n        result += value\n    await asyncio.sleep(0)\n    print(result)\nprint(Store([1, 2]).total(), outer(4), cached(5))\nasyncio.run(main())\n",
    );
}

#[test]
fn what_the_loop_does_to_its_own_containers_does_not_matter() {
    accepted(
        "import heapq\nfrom collections import defaultdict\ndef f(rows):\n    parsed = [row.split(',') for row in rows]\n    counts = defaultdict(int)\n    out = []\n    best = []\n    for name, number in parsed:\n        counts[name] += int(number)\n        out.append(name)\n        heapq.heappush(best, number)\n    return dict(counts), out, best\nprint(f(['a,1', 'b,2', 'a,3']))\n",
    );
}

#[test]
fn printing_and_writing_in_the_loop() {
    accepted(
        "import json, os, tempfile\ndef f(rows, path):\n    records = [json.loads(row) for row in rows]\n    with open(path, 'w') as out:\n        for record in records:\n            out.write(record['a'] + '\\n')\n            print(record['a'])\npath = os.path.join(tempfile.mkdtemp(), 'x')\nf(['{\"a\": \"1\"}'], path)\nprint(open(path).read())\n",
    );
}

#[test]
fn lines_of_one_file_written_to_another() {
    accepted(
        "import os, tempfile\nfolder = tempfile.mkdtemp()\na, b = os.path.join(folder, 'a'), os.path.join(folder, 'b')\nopen(a, 'w').write('x \\ny \\n')\ndef copy(a, b):\n    with open(a) as source, open(b, 'w') as target:\n        lines = [line.strip() for line in source]\n        for line in lines:\n            target.write(line)\ncopy(a, b)\nprint(open(b).read())\n",
    );
}

#[test]
fn functions_of_other_files_are_followed() {
    let helper = "def clean(word):\n    return word.strip().lower()\n";
    let script = "from tools.text import clean\nimport tools.text as t\ndef main(words):\n    cleaned = [clean(w) + t.clean(w) for w in words]\n    for word in cleaned:\n        print(word)\nmain([' A', 'B '])\n";
    fixed_and_run(
        "LT102",
        &[("tools/__init__.py", ""), ("tools/text.py", helper), ("script.py", script)],
    );
    let loud = "def clean(word):\n    print('cleaning')\n    return word\n";
    assert_eq!(
        blockers(
            "LT102",
            &[("tools/__init__.py", ""), ("tools/text.py", loud), ("script.py", script)]
        ),
        ["effects-interleave"]
    );
}

#[test]
fn a_chain_of_lists() {
    let after = accepted(
        "def f(xs):\n    a = [x + 1 for x in xs]\n    b = [y * 2 for y in a]\n    total = 0\n    for z in b:\n        total += z\n    return total\nprint(f([1, 2, 3]))\n",
    );
    assert!(!after.contains('[') || after.matches('[').count() == 1, "{after}");
}

#[test]
fn a_chain_is_not_made_lazy_past_what_it_reads() {
    let names = refused(
        "def f(xs):\n    a = [x + 1 for x in xs]\n    for y in [v * 2 for v in a]:\n        xs.append(y)\nf([1])\n",
    );
    assert!(names.contains(&"changed-before-use"), "{names:?}");
}

#[test]
fn a_name_bound_anew_for_each_round() {
    accepted(
        "def f(groups):\n    for group in groups:\n        items = [x * 2 for x in group]\n        for item in items:\n            print(item)\nf([[1], [2, 3]])\n",
    );
    accepted(
        "def f(xs):\n    items = [x * 2 for x in xs]\n    for item in items:\n        print(item)\n    items = [x * 3 for x in xs]\n    print(sum(items))\nf([1, 2])\n",
    );
}

#[test]
fn in_a_generator_that_hands_the_items_on() {
    accepted(
        "def f(n):\n    items = [i * i for i in range(n)]\n    for item in items:\n        yield item\nprint(list(f(4)))\n",
    );
}

#[test]
fn an_early_end_of_a_harmless_pass() {
    let after = accepted(
        "def f(xs: list):\n    for y in [x + 1 for x in xs]:\n        if y > 2:\n            break\n    return y, any([x > 2 for x in xs])\nprint(f([1, 2, 3]))\n",
    );
    assert!(after.contains("any(x > 2 for x in xs)"), "{after}");
}

#[test]
fn every_other_use_of_the_name_is_refused() {
    for (line, blocker) in [
        ("len(items)", "needs-a-list"),
        ("items[0]", "needs-a-list"),
        ("items[1:]", "needs-a-list"),
        ("1 if items else 2", "needs-a-list"),
        ("items == [1]", "needs-a-list"),
        ("items + [1]", "needs-a-list"),
        ("repr(items)", "needs-a-list"),
        ("f'{items}'", "needs-a-list"),
        ("isinstance(items, list)", "needs-a-list"),
        ("list(reversed(items))", "needs-a-list"),
        ("items.count(1)", "needs-a-list"),
        ("not items", "needs-a-list"),
        ("keep(items)", "escapes"),
        ("[items]", "escapes"),
        ("{'a': items}", "escapes"),
        ("(lambda: items)", "captured"),
        ("3 in items", "used-twice"),
        ("sum(items)", "used-twice"),
        ("sum(x for x in items)", "used-twice"),
        ("pickle.dumps(items)", "escapes"),
        ("json.dumps(items)", "escapes"),
    ] {
        let script = format!(
            "import json, pickle\ndef f(xs, keep):\n    items = [x * x for x in xs]\n    for item in items:\n        print(item)\n    return {line}\nf([], id)\n"
        );
        let found = refused(&script);
        assert!(found.contains(&blocker), "{line}: {found:?}");
    }
}

#[test]
fn a_list_that_is_kept_is_refused() {
    for (line, blocker) in [
        ("return items", "escapes"),
        ("yield items", "escapes"),
        ("self.items = items", "escapes"),
        ("kept = items", "escapes"),
        ("kept.append(items)", "escapes"),
        ("kept[0] = items", "escapes"),
        ("items += [1]", "needs-a-list"),
        ("if items: pass", "needs-a-list"),
        ("assert items", "needs-a-list"),
        ("while items: pass", "needs-a-list"),
        ("def g(): return items", "captured"),
        ("print(locals())", "names-read-by-text"),
        ("exec('print(items)')", "names-read-by-text"),
    ] {
        let script = format!(
            "def f(self, xs, kept):\n    items = [x * x for x in xs]\n    for item in items:\n        print(item)\n    {line}\nf(0, [], [])\n"
        );
        let found = refused(&script);
        assert!(found.contains(&blocker), "{line}: {found:?}");
    }
}

#[test]
fn what_the_loop_changes_and_an_item_reads_is_refused() {
    for (item, change, blocker) in [
        ("x", "xs.append(1)", "changed-before-use"),
        ("x", "del xs[0]", "changed-before-use"),
        ("x", "xs[0] = 1", "changed-before-use"),
        ("x", "xs.clear()", "changed-before-use"),
        ("x + k", "k += 1", "changed-before-use"),
        ("x + self.k", "self.k = 1", "changed-before-use"),
        ("self.get(x)", "self.k += 1", "changed-before-use"),
        ("table[x]", "table[x] = 1", "changed-before-use"),
        ("table.get(x)", "table.update(a=1)", "changed-before-use"),
        ("x + counter", "bump()", "changed-before-use"),
        ("x", "shuffle(xs)", "changed-before-use"),
        ("x", "random.shuffle(xs)", "changed-before-use"),
        ("random.random()", "print(random.random())", "effects-interleave"),
        ("print(x)", "print(y)", "effects-interleave"),
        ("seen.append(x)", "print(seen)", "effects-interleave"),
        ("input()", "print(y)", "effects-interleave"),
        ("bump()", "print(counter)", "effects-interleave"),
        ("unknown(x)", "print(y)", "effects-interleave"),
        ("table.pop(x)", "print(table)", "effects-interleave"),
        ("setattr(self, 'k', x)", "print(self.k)", "effects-interleave"),
        ("time.sleep(x)", "random.random()", "effects-interleave"),
    ] {
        let script = format!(
            "import random, time\nfrom somewhere import unknown, shuffle\ncounter = 0\ndef bump():\n    global counter\n    counter += 1\nclass C:\n    def get(self, x):\n        return self.k\n    def f(self, xs, table, k, seen):\n        items = [{item} for x in xs]\n        for y in items:\n            {change}\nC().f([], {{}}, 1, [])\n"
        );
        let found = refused(&script);
        assert!(found.contains(&blocker), "{item} / {change}: {found:?}");
    }
}

#[test]
fn changes_between_the_making_and_the_use_are_refused() {
    for change in ["xs.append(1)", "k = 2", "xs.sort()", "f.close()", "helper(xs)"] {
        let script = format!(
            "def helper(xs):\n    xs.pop()\ndef f(xs, k, f):\n    items = [(x, k, line) for x in xs for line in f]\n    {change}\n    for item in items:\n        use = item\nf([], 1, open('x'))\n"
        );
        let found = refused(&script);
        assert!(
            found.contains(&"changed-before-use") || found.contains(&"effects-interleave"),
            "{change}: {found:?}"
        );
    }
}

#[test]
fn awaiting_or_yielding_in_the_loop_lets_others_change_what_items_read() {
    let shared =
        refused("async def f(xs):\n    for y in [x + 1 for x in xs]:\n        await g(y)\n");
    assert!(shared.contains(&"changed-before-use"), "{shared:?}");
    let yielded =
        refused("def f(xs):\n    for y in [x + 1 for x in xs]:\n        yield y\nlist(f([]))\n");
    assert!(yielded.contains(&"changed-before-use"), "{yielded:?}");
}

#[test]
fn an_item_that_must_be_made_even_if_nobody_asks_is_refused() {
    for use_it in [
        "if k:\n        for y in items: print(y)",
        "for y in items:\n        if y: break",
        "for y in items:\n        return y",
        "print(any(items))",
        "print(all(items))",
        "print(3 in items)",
        "if k: return\n    print(sum(items))",
        "print(k and sum(items))",
        "for y in items:\n        if y: raise KeyError",
        "print(list(zip([1], items)))",
    ] {
        let script =
            format!("def f(xs, k):\n    items = [int(x) for x in xs]\n    {use_it}\nf([], 1)\n");
        let found = refused(&script);
        assert!(found.contains(&"may-stop-early"), "{use_it}: {found:?}");
    }
}

#[test]
fn the_rest_of_an_iterator_that_someone_else_reads_is_refused() {
    let found = refused(
        "def f(xs):\n    it = iter(xs)\n    print(any([x > 1 for x in it]))\n    print(list(it))\nf([1, 2, 3])\n",
    );
    assert!(found.contains(&"may-stop-early"), "{found:?}");
}

#[test]
fn a_use_in_another_try_or_after_the_block_is_refused() {
    for (script, blocker) in [
        (
            "def f(xs):\n    items = [int(x) for x in xs]\n    try:\n        for y in items: print(y)\n    except ValueError:\n        pass\n",
            "try-no-longer-covers",
        ),
        (
            "def f(xs):\n    try:\n        items = [int(x) for x in xs]\n        for y in items: print(y)\n    except ValueError:\n        pass\n",
            "try-no-longer-covers",
        ),
        (
            "def f(xs):\n    try:\n        items = [int(x) for x in xs]\n    finally:\n        pass\n    for y in items: print(y)\n",
            "try-no-longer-covers",
        ),
        (
            "from contextlib import suppress\ndef f(xs):\n    items = [int(x) for x in xs]\n    with suppress(ValueError):\n        for y in items: print(y)\n",
            "try-no-longer-covers",
        ),
        (
            "def f(lock, xs):\n    with lock:\n        items = [x.a for x in xs]\n    for y in items: print(y)\n",
            "used-after-with",
        ),
        (
            "import tempfile, os\ndef f():\n    with tempfile.TemporaryDirectory() as d:\n        names = [os.stat(n) for n in os.listdir(d)]\n    for y in names: print(y)\n",
            "used-after-with",
        ),
    ] {
        let found = refused(script);
        assert!(found.contains(&blocker), "{script}: {found:?}");
    }
}

#[test]
fn joining_never_pays() {
    let found =
        candidates("LT102", &[("script.py", "print(','.join([str(x) for x in range(3)]))\n")]);
    let measured = lowtide_rules::Measured { bytes: 1_000_000, count: 10 };
    assert_eq!(found[0].benefit.saving_bytes(measured), 0);
}

#[test]
fn a_global_that_another_file_imports_is_left_alone() {
    let found = blockers(
        "LT102",
        &[
            ("table.py", "rows = [x * x for x in range(9)]\nfor row in rows:\n    print(row)\n"),
            ("script.py", "import table\nprint(table.rows)\n"),
        ],
    );
    assert!(found.contains(&"module-global"), "{found:?}");
}
