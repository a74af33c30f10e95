//! LT105 on whole programs: each accepted variant prints the same before and after.

mod programs;

use programs::{blockers, fixed, fixed_and_run};

/// Fixes one script, runs both, and checks that no addition is left.
fn accepted(script: &str) -> String {
    let after = fixed_and_run("LT105", &[("script.py", script)]);
    assert!(!after.contains("data +="), "{after}");
    after
}

#[test]
fn the_result_keeps_its_name_and_later_uses() {
    let after = accepted(
        "import hashlib\ndef stream(n):\n    for i in range(n):\n        yield i.to_bytes(8, 'little') * 4\ndef main(n):\n    data = b''\n    for chunk in stream(n):\n        data += chunk\n    print(len(data), hashlib.sha1(data).hexdigest())\nmain(15)\n",
    );
    assert!(after.starts_with("import hashlib\nfrom io import BytesIO\n"), "{after}");
}

#[test]
fn spelled_out_additions_of_several_parts() {
    let after = accepted(
        "data = b''\nfor i in range(5):\n    data = data + b'%d' % i + (b'x' +\n                              b'y')\nprint(data)\n",
    );
    assert!(after.contains("buffer.write(b'%d' % i + (b'x' +"), "{after}");
}

#[test]
fn a_start_that_is_not_empty_comes_first() {
    accepted(
        "def f(n):\n    data = b'head'\n    for i in range(n):\n        data += b'x' * i\n    return data\nprint(f(3))\n",
    );
    accepted(
        "def f(name: str, n):\n    data = name.encode()  # magic\n    for i in range(n):\n        data += b'x' * i\n    return data\nprint(f('é', 3))\n",
    );
}

#[test]
fn a_start_chosen_by_branches_is_put_into_the_buffer() {
    let after = accepted(
        "def f(flag, n):\n    if flag:\n        data = b'a'\n    else:\n        data = b'b'\n    for i in range(n):\n        data += b'x' * i\n    return data\nprint(f(True, 3), f(False, 0))\n",
    );
    assert!(after.contains("    buffer.write(data)\n    for"), "{after}");
}

#[test]
fn additions_around_the_loop_go_into_the_buffer_too() {
    let after = accepted(
        "def f(n):\n    data = b''\n    data += b'start'\n    for i in range(n):\n        for j in range(i):\n            if j % 2:\n                data += b'%d' % j\n    data += b'end'\n    return data\nprint(f(5))\n",
    );
    assert!(after.contains("    data = buffer.getvalue()\n    return data"), "{after}");
}

#[test]
fn a_return_from_inside_the_loop_takes_the_bytes_so_far() {
    accepted(
        "def f(n):\n    data = b''\n    for i in range(n):\n        data += b'ab'\n        if i == 3:\n            return data, i\n    return data\nprint(f(2), f(9))\n",
    );
}

#[test]
fn loops_that_end_early_or_have_an_else() {
    accepted(
        "def f(n):\n    data = b''\n    i = 0\n    while True:\n        i += 1\n        if i == 2:\n            continue\n        if i > n:\n            break\n        data += b'%d' % i\n    for j in range(2):\n        data += b'-'\n    else:\n        data += b'.'\n    return data\nprint(f(5))\n",
    );
}

#[test]
fn tabs_crlf_annotations_and_names_beyond_ascii() {
    let after = fixed_and_run(
        "LT105",
        &[(
            "script.py",
            "def f(größe):\r\n\tdaten: bytes = b\"\"  # Anfang\r\n\tfor i in range(größe):\r\n\t\tdaten += 'ä'.encode()  # mehr\r\n\treturn daten\r\nprint(f(3))",
        )],
    );
    assert!(after.contains("\tbuffer = BytesIO()  # Anfang\r\n"), "{after}");
    assert!(after.contains("\tdaten: bytes = buffer.getvalue()\r\n\treturn"), "{after}");
    assert!(!after.replace("\r\n", "").contains('\n'), "{after:?}");
}

#[test]
fn a_loop_at_the_very_end_of_the_file() {
    let after = fixed("LT105", &[("script.py", "data = b''\nfor i in range(3): data += b'x'")]);
    assert!(
        after[0].1.ends_with("for i in range(3): buffer.write(b'x')\ndata = buffer.getvalue()"),
        "{after:?}"
    );
}

#[test]
fn several_statements_on_a_line() {
    accepted(
        "n = 0; data = b'a'; n += 1\nfor i in range(3): n += 1; data += b'x'\ndata += b'y'; print(data, n)\n",
    );
}

#[test]
fn two_buffers_in_one_loop_have_two_names() {
    let after = accepted(
        "def f(n):\n    data = b''\n    other = b''\n    for i in range(n):\n        data += b'x'\n        other += b'y'\n    return data, other\nprint(f(3))\n",
    );
    assert!(after.contains("buffer_2"), "{after}");
}

#[test]
fn bytes_of_an_earlier_round_do_not_live_on_beside_the_next() {
    let after = accepted(
        "def f(groups):\n    for group in groups:\n        data = b''\n        for size in group:\n            data += b'x' * size\n        print(data)\nf([[1, 2], [3]])\n",
    );
    assert!(after.contains("data = b''\n        buffer = BytesIO()\n"), "{after}");
}

#[test]
fn a_result_that_is_replaced_leaves_no_buffer_behind() {
    let after = accepted(
        "def f(n):\n    data = b''\n    for i in range(n):\n        data += b'x'\n    data = data.upper()\n    return data\nprint(f(3))\n",
    );
    assert!(after.contains("data = buffer.getvalue()\n    del buffer\n"), "{after}");
}

#[test]
fn methods_nested_functions_generators_and_coroutines() {
    accepted(
        "import asyncio\nclass Reader:\n    def __init__(self, parts):\n        self.parts = parts\n    def chunks(self):\n        for part in self.parts:\n            yield part.encode('utf-8')\n    def whole(self):\n        data = b''\n        for chunk in self.chunks():\n            data += chunk\n        return data\ndef outer():\n    def inner(n):\n        data = b''\n        for i in range(n):\n            data += bytes([i])\n            yield i\n        yield data\n    return list(inner(3))\nasync def receive(queue):\n    data = b''\n    for _ in range(2):\n        data += (await queue.get()).encode()\n    return data\nasync def main():\n    queue = asyncio.Queue()\n    await queue.put('a')\n    await queue.put('b')\n    print(await receive(queue))\nprint(Reader(['a', 'é']).whole(), outer())\nasyncio.run(main())\n",
    );
}

#[test]
fn what_is_bytes_is_known_through_other_files_and_callers() {
    let stream = "def chunks(n):\n    for i in range(n):\n        yield from parts(i)\ndef parts(i):\n    return [bytes(i), b'-' * i]\n";
    let join = "import io\ndef joined(parts, tail):\n    data = b''\n    for number, part in enumerate(parts):\n        data += part\n        data += tail\n    return data\n";
    let script = "from lib.join import joined\nfrom lib import stream\nprint(joined(stream.chunks(4), b';'), joined((b'x', b'y'), tail=b','))\n";
    let files = [
        ("lib/__init__.py", ""),
        ("lib/stream.py", stream),
        ("lib/join.py", join),
        ("script.py", script),
    ];
    fixed_and_run("LT105", &files);
    let after = fixed("LT105", &files);
    assert!(after[2].1.contains("buffer = io.BytesIO()"), "{after:?}");
}

#[test]
fn attributes_that_nobody_sees_meanwhile() {
    let after = fixed_and_run(
        "LT105",
        &[(
            "script.py",
            "class Reader:\n    def __init__(self):\n        self.data = b''\n    def read(self, source):\n        for size in source:\n            self.data += b'x' * size\n        return len(self.data)\nreader = Reader()\nprint(reader.read([1, 2]), reader.read([3]), reader.data)\n",
        )],
    );
    assert!(after.contains("        buffer.write(self.data)\n        for size"), "{after}");
    assert!(after.contains("        self.data = buffer.getvalue()\n        return"), "{after}");
}

#[test]
fn attributes_that_others_may_see_are_left_alone() {
    let class = "class Reader:\n    def read(self, source):\n        self.data = b''\n        for size in source:\n            self.data += b'x' * size\n";
    for rest in [
        "            self.show()\n    def show(self):\n        print(self.data)\n",
        "            show(self)\ndef show(reader):\n    print(reader.data)\n",
        "            yield size\n",
        "    @property\n    def data(self):\n        return self._data\n    @data.setter\n    def data(self, value):\n        self._data = value\n",
        "    def __setattr__(self, name, value):\n        print(name)\n",
        "import threading\n",
        "try:\n    Reader().read([1])\nexcept ValueError:\n    pass\n",
        "            print(self)\n    def __repr__(self):\n        return repr(self.data)\n",
    ] {
        let found = blockers("LT105", &[("script.py", &format!("{class}{rest}"))]);
        assert!(found.contains(&"attribute-visible"), "{rest}: {found:?}");
    }
}

#[test]
fn numbers_text_and_lists_are_no_candidates() {
    for start in ["0", "''", "[]", "bytearray()", "str()", "some.read()"] {
        let script = format!(
            "def f(parts):\n    data = {start}\n    for part in parts:\n        data += part\n    return data\n"
        );
        assert!(blockers("LT105", &[("script.py", &script)]).is_empty(), "{start}");
        assert!(programs::candidates("LT105", &[("script.py", &script)]).is_empty(), "{start}");
    }
}

#[test]
fn a_global_that_functions_read_is_left_alone() {
    let script = "data = b''\ndef size():\n    return len(data)\nfor i in range(3):\n    data += b'x'\n    print(size())\n";
    assert_eq!(blockers("LT105", &[("script.py", script)]), ["captured"]);
    let script = "data = b''\ndef more():\n    global data\n    for i in range(3):\n        data += b'x'\nmore()\n";
    assert!(blockers("LT105", &[("script.py", script)]).contains(&"captured"));
}
