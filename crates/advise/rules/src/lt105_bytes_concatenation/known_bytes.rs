//! What of Python's builtins and libraries returns or yields bytes, by name.

/// Methods that return bytes whatever their object is.
pub(super) const BYTES_METHODS: &[&str] =
    &["digest", "encode", "read_bytes", "recv", "to_bytes", "tobytes"];
/// Methods that return bytes, or text, which both ways of growing refuse alike.
pub(super) const BYTES_OR_TEXT_METHODS: &[&str] = &[
    "compress",
    "decompress",
    "decrypt",
    "dumps",
    "encrypt",
    "finalize",
    "flush",
    "getvalue",
    "pack",
    "read",
    "read1",
    "readexactly",
    "readline",
    "readuntil",
    "serialize",
    "update",
];
/// Methods of bytes that return bytes.
pub(super) const BYTES_TO_BYTES: &[&str] = &[
    "capitalize",
    "center",
    "expandtabs",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "removeprefix",
    "removesuffix",
    "replace",
    "rjust",
    "rstrip",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
/// Methods whose result yields bytes, or text.
pub(super) const CHUNKED_METHODS: &[&str] = &[
    "iter_any",
    "iter_bytes",
    "iter_chunked",
    "iter_chunks",
    "iter_content",
    "iter_lines",
    "iter_raw",
    "partition",
    "readlines",
    "rpartition",
    "rsplit",
    "split",
    "splitlines",
    "stream",
];
/// Functions outside the project that return bytes.
pub(super) const BYTES_FUNCTIONS: &[&str] = &[
    "base64.b64decode",
    "base64.b64encode",
    "base64.urlsafe_b64decode",
    "base64.urlsafe_b64encode",
    "binascii.hexlify",
    "binascii.unhexlify",
    "builtins.bytes",
    "builtins.bytes.fromhex",
    "bz2.compress",
    "bz2.decompress",
    "gzip.compress",
    "gzip.decompress",
    "lzma.compress",
    "lzma.decompress",
    "marshal.dumps",
    "os.pread",
    "os.read",
    "os.urandom",
    "pickle.dumps",
    "random.randbytes",
    "secrets.token_bytes",
    "struct.pack",
    "zlib.compress",
    "zlib.decompress",
];
/// Types that can be added to bytes, which stay bytes.
pub(super) const BUFFER_TYPES: &[&str] =
    &["builtins.bytearray", "builtins.memoryview", "collections.abc.Buffer"];
/// Functions outside the project whose result yields the elements of their first argument.
pub(super) const ELEMENT_KEEPERS: &[&str] = &[
    "builtins.iter",
    "builtins.list",
    "builtins.reversed",
    "builtins.sorted",
    "builtins.tuple",
    "collections.deque",
    "itertools.islice",
];
/// Functions that open files, whose iteration yields lines of bytes or of text.
pub(super) const OPENERS: &[&str] = &[
    "builtins.open",
    "bz2.open",
    "gzip.open",
    "io.open",
    "lzma.open",
    "io.BytesIO",
    "urllib.request.urlopen",
];
/// Names in annotations of things that are iterated; their first argument tells the element.
pub(super) const ITERABLE_TYPES: &[&str] = &[
    "AsyncGenerator",
    "AsyncIterable",
    "AsyncIterator",
    "Collection",
    "Generator",
    "Iterable",
    "Iterator",
    "List",
    "Sequence",
    "Tuple",
    "deque",
    "frozenset",
    "list",
    "set",
    "tuple",
    "Deque",
    "Set",
    "FrozenSet",
];
