//! What is known of Python's builtins and standard library, by name.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What calling a known function does, beyond evaluating its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Returns a value and does nothing else.
    Pure,
    /// Likewise, but raises on data that it does not expect.
    Checked,
    /// Goes through its arguments (or, a method, its receiver) and calls those that are functions.
    Iterates,
    /// Changes the content of its first argument (or, a method, of its receiver).
    Changes,
    /// Moves an iterator or file on: reads it and changes its position.
    Advances,
    /// Prints.
    Prints,
    /// Asks on standard input.
    Asks,
    /// Looks at files.
    ReadsFiles,
    /// Changes files.
    WritesFiles,
    /// Reads or changes state of the system.
    Hidden,
    /// May do anything to the program's own objects: dynamic attributes, code from text.
    Anything,
}

/// A builtin function or class.
pub(crate) fn builtin(name: &str) -> Option<Known> {
    Some(match name {
        "abs" | "bool" | "bytearray" | "bytes" | "callable" | "chr" | "classmethod" | "complex"
        | "divmod" | "format" | "hash" | "hex" | "id" | "isinstance" | "issubclass" | "len"
        | "memoryview" | "object" | "oct" | "ord" | "pow" | "property" | "range" | "repr"
        | "round" | "slice" | "staticmethod" | "str" | "super" | "type" | "ascii" | "bin"
        | "hasattr" => Known::Pure,
        "int" | "float" => Known::Checked,
        "all" | "any" | "dict" | "enumerate" | "filter" | "frozenset" | "iter" | "list" | "map"
        | "max" | "min" | "reversed" | "set" | "sorted" | "sum" | "tuple" | "zip" => {
            Known::Iterates
        }
        "next" => Known::Advances,
        "print" => Known::Prints,
        "input" | "breakpoint" => Known::Asks,
        _ if is_exception(name) => Known::Pure,
        "setattr" | "delattr" | "exec" | "eval" | "compile" | "globals" | "locals" | "vars"
        | "__import__" => Known::Anything,
        _ => return None,
    })
}

fn is_exception(name: &str) -> bool {
    name.ends_with("Error")
        || name.ends_with("Warning")
        || name.ends_with("Exception")
        || name == "StopIteration"
}

/// A function or class of the standard library, by its full name.
#[expect(clippy::match_same_arms, reason = "grouped by where the names come from")]
pub(crate) fn library(full_name: &str) -> Option<Known> {
    let (module, name) = full_name.rsplit_once('.')?;
    Some(match (module, name) {
        ("builtins", name) => return builtin(name),
        ("collections", "Counter" | "deque" | "OrderedDict" | "ChainMap")
        | ("itertools" | "itertools.chain", _) => Known::Iterates,
        ("functools", "reduce") | ("statistics", _) | ("math", "fsum" | "prod" | "sumprod") => {
            Known::Iterates
        }
        ("csv", "reader" | "DictReader") | ("heapq", "merge" | "nlargest" | "nsmallest") => {
            Known::Iterates
        }
        ("json", "loads")
        | ("struct", "unpack" | "unpack_from")
        | ("datetime.datetime", "strptime" | "fromisoformat") => Known::Checked,
        ("decimal", "Decimal")
        | ("fractions", "Fraction")
        | ("uuid", "UUID")
        | ("ast", "literal_eval") => Known::Checked,
        ("json", "dumps")
        | ("csv", "writer" | "DictWriter")
        | ("datetime" | "datetime.timedelta", _) => Known::Pure,
        ("random", "shuffle") => Known::Changes,
        ("datetime.datetime" | "datetime.date", "now" | "today" | "utcnow")
        | ("time" | "random" | "secrets" | "os.environ", _) => Known::Hidden,
        ("datetime.datetime" | "datetime.date", _) => Known::Pure,
        ("heapq" | "bisect", "bisect" | "bisect_left" | "bisect_right") => Known::Pure,
        ("heapq" | "bisect", _) => Known::Changes,
        ("os", "environ" | "getenv" | "getpid" | "fspath" | "cpu_count")
        | ("sys", "getsizeof" | "intern") => Known::Pure,
        (
            "os.path",
            "exists" | "isfile" | "isdir" | "getsize" | "getmtime" | "realpath" | "samefile"
            | "islink",
        ) => Known::ReadsFiles,
        ("os.path" | "pathlib", _) => Known::Pure,
        ("os", "listdir" | "scandir" | "walk" | "stat" | "getcwd") | ("glob", _) => {
            Known::ReadsFiles
        }
        ("os" | "shutil", _) | ("json" | "pickle" | "marshal", "dump") => Known::WritesFiles,
        ("sys", "exit") => Known::Checked,
        ("sys.stdout" | "sys.stderr" | "logging", _) | ("warnings", "warn") => Known::Prints,
        ("sys.stdin" | "sys.stdin.buffer", _) => Known::Asks,
        (module, _) if is_pure_module(module) => Known::Pure,
        _ => return None,
    })
}

fn is_pure_module(module: &str) -> bool {
    matches!(
        module,
        "math"
            | "cmath"
            | "re"
            | "operator"
            | "string"
            | "textwrap"
            | "hashlib"
            | "hmac"
            | "base64"
            | "binascii"
            | "zlib"
            | "copy"
            | "collections"
            | "collections.abc"
            | "html"
            | "urllib.parse"
            | "unicodedata"
            | "dataclasses"
            | "typing"
            | "enum"
            | "numbers"
            | "decimal"
            | "fractions"
            | "functools"
            | "struct"
            | "difflib"
            | "fnmatch"
            | "ipaddress"
            | "keyword"
            | "types"
            | "calendar"
            | "locale"
            | "codecs"
            | "array"
            | "io"
            | "abc"
            | "contextlib"
            | "uuid"
            | "shlex"
            | "pprint.pformat"
            | "os.path"
            | "builtins.str"
            | "builtins.bytes"
            | "builtins.dict"
            | "builtins.int"
            | "builtins.float"
    )
}

/// Methods of builtin and standard types, by their names alone.
const METHODS: &[(Known, &str)] = &[
    (
        Known::Pure,
        "strip lstrip rstrip split rsplit splitlines lower upper title casefold capitalize \
         swapcase replace startswith endswith removeprefix removesuffix format format_map \
         encode isdigit isalpha isalnum isnumeric isdecimal isspace isupper islower \
         isidentifier istitle isascii partition rpartition zfill center ljust rjust \
         expandtabs translate maketrans find rfind count to_bytes from_bytes bit_length hex \
         fromhex as_integer_ratio is_integer conjugate union intersection difference \
         symmetric_difference issubset issuperset isdisjoint copy keys values items get \
         most_common elements group groups groupdict start end span match fullmatch search \
         findall finditer sub isoformat strftime timestamp date time timetuple weekday \
         isoweekday total_seconds hexdigest digest with_suffix with_name joinpath relative_to \
         as_posix is_absolute mro tobytes tolist quantize getvalue _asdict _replace cast",
    ),
    (Known::Checked, "index rindex decode"),
    (Known::Iterates, "join"),
    (
        Known::Changes,
        "append extend insert remove pop clear sort reverse add discard update setdefault \
         popitem appendleft extendleft popleft rotate subtract move_to_end difference_update \
         intersection_update symmetric_difference_update",
    ),
    (Known::Advances, "read readline readlines readinto seek close tell __next__ detach"),
    (
        Known::ReadsFiles,
        "read_text read_bytes exists is_file is_dir stat iterdir glob rglob resolve",
    ),
    (
        Known::WritesFiles,
        "write writelines flush truncate writerow writerows writeheader write_text \
         write_bytes unlink mkdir rmdir rename touch symlink_to",
    ),
];

/// A method of a builtin or standard type, by its name alone.
pub(crate) fn method(name: &str) -> Option<Known> {
    static BY_NAME: LazyLock<BTreeMap<&str, Known>> = LazyLock::new(|| {
        let all = METHODS.iter();
        all.flat_map(|(known, names)| names.split(' ').map(|name| (name, *known))).collect()
    });
    BY_NAME.get(name).copied()
}

/// Whether iterating the result of this method is to go through its receiver's items.
pub(crate) fn is_view(method: &str) -> bool {
    matches!(method, "items" | "keys" | "values" | "elements")
}

/// Whether this function opens a file by its path.
pub(crate) fn opens(full_name: &str) -> bool {
    matches!(
        full_name,
        "builtins.open" | "io.open" | "gzip.open" | "bz2.open" | "lzma.open" | "codecs.open"
    )
}

/// Whether the result of this function can be gone through only once.
pub(crate) fn makes_iterator(full_name: &str) -> bool {
    let builtin = full_name.strip_prefix("builtins.");
    builtin.is_some_and(|name| {
        matches!(name, "iter" | "map" | "filter" | "zip" | "enumerate" | "reversed")
    }) || full_name.starts_with("itertools.")
        || opens(full_name)
        || matches!(
            full_name,
            "csv.reader" | "csv.DictReader" | "os.scandir" | "os.walk" | "heapq.merge"
        )
}
