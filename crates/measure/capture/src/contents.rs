use crate::layout::{Node, Temporary, TimelinePoint, UNKNOWN_MODULE};
use crate::{Life, NodeStore, StopReason};
use std::collections::{BTreeMap, BTreeSet};

/// Everything a capture says, checked: ids are in range and a node's parent stands before it.
#[derive(Clone, Debug)]
pub struct Capture<Nodes = Vec<Node>> {
    /// The figures of the header.
    pub summary: Summary,
    /// What the process was; `None` when it was killed before it could say.
    pub process: Option<Process>,
    /// The call tree. Node 0 is the root and its own parent; every other parent's id is lower than its child's.
    pub nodes: Nodes,
    /// What was temporary of nodes, by their ids in ascending order, without those of which nothing was; `None` where it was
    /// not recorded.
    pub temporary: Option<Vec<(u32, Temporary)>>,
    /// Code objects by code id; `None` where a record is missing.
    pub codes: Vec<Option<Code>>,
    /// Programs and libraries by module id; `None` where a record is missing.
    pub modules: Vec<Option<Module>>,
    /// What functions native frames are in, innermost inlined one first, as far as somebody has looked them up.
    pub symbols: BTreeMap<NativeAddress, Vec<Symbol>>,
    /// By time.
    pub timeline: Vec<TimelinePoint>,
    /// The census nearest the peak.
    pub census: Option<Census>,
    /// How the process ended, as far as its launcher noted it.
    pub ending: Option<Ending>,
    /// What the process itself noted of its beginning, its end and its children.
    pub life: Life,
}

impl<Nodes: NodeStore> Capture<Nodes> {
    /// The addresses of native frames that no symbol is there for.
    #[must_use]
    pub fn without_symbols(&self) -> BTreeSet<NativeAddress> {
        self.nodes
            .native_addresses()
            .filter(|address| address.module != UNKNOWN_MODULE)
            .filter(|address| !self.symbols.contains_key(address))
            .collect()
    }
}

impl<Nodes> Capture<Nodes> {
    /// The same with its nodes kept in another way.
    #[must_use]
    pub fn with_nodes<Others>(self, nodes: Others) -> Capture<Others> {
        Capture {
            summary: self.summary,
            process: self.process,
            nodes,
            temporary: self.temporary,
            codes: self.codes,
            modules: self.modules,
            symbols: self.symbols,
            timeline: self.timeline,
            census: self.census,
            ending: self.ending,
            life: self.life,
        }
    }
}

/// What recording was doing when the file was last written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing was recorded yet.
    Starting,
    /// Still recording, or killed while it was.
    Recording,
    /// Tracking ended in order.
    Ended,
    /// The tracker gave up; `None` is a reason that this version does not know.
    Stopped(Option<StopReason>),
}

/// The figures of the header.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// What recording was doing.
    pub state: State,
    /// `sys.hexversion`.
    pub hexversion: u32,
    /// Operating system process id.
    pub pid: u32,
    /// Its parent's at start.
    pub parent_pid: u32,
    /// Wall clock at start, nanoseconds since 1970.
    pub started_unix_ns: u64,
    /// How long recording took.
    pub elapsed_ns: u64,
    /// Live bytes at the end.
    pub live_bytes: u64,
    /// Live blocks at the end.
    pub live_blocks: u64,
    /// Most live bytes.
    pub peak_bytes: u64,
    /// Live blocks at that moment.
    pub peak_blocks: u64,
    /// What nodes are compared with: see [`Summary::at_peak`].
    pub peak_number: u64,
    /// Since start, about.
    pub peak_elapsed_ns: u64,
    /// pymalloc arenas at the end.
    pub arena_bytes: u64,
    /// Blocks whose address could not be recorded.
    pub unrecorded_blocks: u64,
    /// Bytes of files that were mapped at the end: no heap.
    pub file_mapped_bytes: u64,
    /// Most of them at a time.
    pub file_mapped_peak_bytes: u64,
    /// The point with most resident bytes; zeros where none was noted.
    pub most_resident: TimelinePoint,
    /// Average bytes between samples, where counters are estimates; 0: every block was recorded.
    pub sample_bytes: u64,
}

impl Summary {
    /// A node's own bytes and blocks at the peak.
    #[must_use]
    pub fn at_peak(&self, node: &Node) -> (u64, u32) {
        if node.peak_number == self.peak_number {
            (node.at_peak_bytes, node.at_peak_blocks)
        } else {
            (node.live_bytes, node.live_blocks)
        }
    }
}

/// What the process was. Texts are as the operating system has them: mostly UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// `sys.executable`.
    pub executable: Vec<u8>,
    /// Working directory at start.
    pub cwd: Vec<u8>,
    /// The command line, beginning with the interpreter.
    pub argv: Vec<Vec<u8>>,
}

/// One code object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// `co_firstlineno`.
    pub first_line: u32,
    /// Whether `line_table` is a `co_linetable` of Python 3.10; otherwise 3.11's and later.
    pub is_line_table_of_3_10: bool,
    /// `co_filename`.
    pub filename: Vec<u8>,
    /// `co_qualname`; on 3.10 `co_name`.
    pub qualified_name: Vec<u8>,
    /// `co_linetable`.
    pub line_table: Vec<u8>,
}

/// A program or library that native frames lie in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// How far from where its file says it was loaded.
    pub base: u64,
    /// Its first address.
    pub start: u64,
    /// The first address behind it.
    pub end: u64,
    /// What its linker called it; empty without one.
    pub build_id: Vec<u8>,
    /// The file it was loaded from.
    pub path: Vec<u8>,
}

/// An address of a call in a module's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NativeAddress {
    /// Module id.
    pub module: u32,
    /// In the file's own addresses.
    pub address: u32,
}

/// A native function at an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// Its name, as its language writes it.
    pub function: String,
    /// Its source; empty where that is not known.
    pub file: String,
    /// 1-based; 0 where that is not known.
    pub line: u32,
    /// Whether the compiler made it a part of the next one.
    pub is_inlined: bool,
}

/// Object types near the peak.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Live bytes of the whole heap then.
    pub live_bytes: u64,
    /// Since start.
    pub elapsed_ns: u64,
    /// In the order found.
    pub types: Vec<CensusEntry>,
}

/// The objects of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CensusEntry {
    /// `module.qualname`, builtins without a module.
    pub name: Vec<u8>,
    /// How many.
    pub count: u64,
    /// With what they own: items, table, instance dict.
    pub bytes: u64,
    /// Who asked for them, as far as that was kept, in no order that means anything.
    pub sites: Vec<CensusSite>,
}

/// The objects of one type whose own blocks one node asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CensusSite {
    /// Node id, of a node that is there.
    pub node: u32,
    /// How many.
    pub count: u64,
    /// With what they own, whoever asked for that.
    pub bytes: u64,
}

/// How a process ended, seen by the one who started it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Most resident bytes, by the kernel's count.
    pub peak_rss_bytes: u64,
    /// From start to end.
    pub duration_ns: u64,
    /// Exit status; meaningless when `signal` is not 0.
    pub exit_code: i32,
    /// The signal that killed it, or 0.
    pub signal: i32,
}
