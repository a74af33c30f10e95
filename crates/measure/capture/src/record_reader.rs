use crate::contents::{
    Census, CensusEntry, CensusSite, Code, Ending, Module, NativeAddress, Process, Symbol,
};
use crate::cursor::Cursor;
use crate::layout::record_kind;
use crate::life::Life;
use std::collections::BTreeMap;

/// Ids come in order; one that leaves a larger gap is damage, and would only make the reader ask for memory.
const LARGEST_GAP: usize = 1024;

/// What the records of a capture say.
#[derive(Debug, Default)]
pub struct Records {
    pub process: Option<Process>,
    pub codes: Vec<Option<Code>>,
    pub modules: Vec<Option<Module>>,
    pub symbols: BTreeMap<NativeAddress, Vec<Symbol>>,
    pub census: Option<Census>,
    pub ending: Option<Ending>,
    pub life: Life,
}

impl Records {
    /// Reads the records of one segment; a record that is cut short ends it, one that makes no sense is skipped.
    pub fn read(&mut self, segment: &[u8]) {
        let mut cursor = Cursor::at(segment, 0);
        while let Some([kind, payload_bytes]) = cursor.u32s() {
            let Some(payload) = cursor.bytes(payload_bytes as usize) else { return };
            let padding = payload_bytes.next_multiple_of(8) - payload_bytes;
            self.read_record(kind, &mut Cursor::at(payload, 0));
            if cursor.bytes(padding as usize).is_none() {
                return;
            }
        }
    }

    /// A site is of a node that is there.
    pub fn forget_sites_from(&mut self, node_count: usize) {
        for entry in self.census.iter_mut().flat_map(|census| &mut census.types) {
            entry.sites.retain(|site| (site.node as usize) < node_count);
        }
    }

    fn read_record(&mut self, kind: u32, payload: &mut Cursor) {
        match kind {
            record_kind::CODE => {
                if let Some((id, code)) = read_code(payload) {
                    keep(&mut self.codes, id, code);
                }
            }
            record_kind::MODULE => {
                if let Some((id, module)) = read_module(payload) {
                    keep(&mut self.modules, id, module);
                }
            }
            record_kind::SYMBOL => self.symbols.extend(read_symbols(payload)),
            record_kind::PROCESS => self.process = read_process(payload).or(self.process.take()),
            record_kind::CENSUS => self.keep_later_census(read_census(payload)),
            record_kind::ENDING => self.ending = read_ending(payload).or(self.ending),
            _ => self.life.read(kind, payload),
        }
    }

    fn keep_later_census(&mut self, census: Option<Census>) {
        let is_later = |census: &Census| {
            self.census.as_ref().is_none_or(|kept| kept.elapsed_ns <= census.elapsed_ns)
        };
        if let Some(census) = census.filter(is_later) {
            self.census = Some(census);
        }
    }
}

fn keep<T: Clone>(kept: &mut Vec<Option<T>>, id: usize, value: T) {
    if id > kept.len() + LARGEST_GAP {
        return;
    }
    if id >= kept.len() {
        kept.resize(id + 1, None);
    }
    kept[id] = Some(value);
}

fn read_code(payload: &mut Cursor) -> Option<(usize, Code)> {
    let [id, first_line, flags] = payload.u32s()?;
    let [filename, qualified_name, line_table] = payload.u32s()?;
    let code = Code {
        first_line,
        is_line_table_of_3_10: flags & 1 != 0,
        filename: payload.bytes(filename as usize)?.to_vec(),
        qualified_name: payload.bytes(qualified_name as usize)?.to_vec(),
        line_table: payload.bytes(line_table as usize)?.to_vec(),
    };
    Some((id as usize, code))
}

fn read_module(payload: &mut Cursor) -> Option<(usize, Module)> {
    let [id, _reserved] = payload.u32s()?;
    let [base, start, end] = payload.u64s()?;
    let [build_id, path] = payload.u32s()?;
    let build_id = payload.bytes(build_id as usize)?.to_vec();
    let path = payload.bytes(path as usize)?.to_vec();
    Some((id as usize, Module { base, start, end, build_id, path }))
}

fn read_symbols(payload: &mut Cursor) -> Option<(NativeAddress, Vec<Symbol>)> {
    let [module, address, count, _reserved] = payload.u32s()?;
    let symbols = (0..count).map_while(|_| read_symbol(payload)).collect::<Vec<_>>();
    (symbols.len() == count as usize).then_some((NativeAddress { module, address }, symbols))
}

fn read_symbol(payload: &mut Cursor) -> Option<Symbol> {
    let [line, flags, function, file] = payload.u32s()?;
    let mut text = |length: u32| {
        payload.bytes(length as usize).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    Some(Symbol { function: text(function)?, file: text(file)?, line, is_inlined: flags & 1 != 0 })
}

fn read_process(payload: &mut Cursor) -> Option<Process> {
    let [count, _reserved] = payload.u32s()?;
    let mut texts = (0..count).map_while(|_| payload.text().map(<[u8]>::to_vec));
    let (executable, cwd) = (texts.next()?, texts.next()?);
    Some(Process { executable, cwd, argv: texts.collect() })
}

fn read_census(payload: &mut Cursor) -> Option<Census> {
    let [live_bytes, elapsed_ns] = payload.u64s()?;
    let [count, site_count] = payload.u32s()?;
    let mut types = (0..count).map_while(|_| read_census_entry(payload)).collect::<Vec<_>>();
    for _ in 0..site_count {
        let [type_place, node] = payload.u32s()?;
        let [count, bytes] = payload.u64s()?;
        let entry = types.get_mut(type_place as usize)?;
        entry.sites.push(CensusSite { node, count, bytes });
    }
    (types.len() == count as usize).then_some(Census { live_bytes, elapsed_ns, types })
}

fn read_census_entry(payload: &mut Cursor) -> Option<CensusEntry> {
    let [count, bytes] = payload.u64s()?;
    let name = payload.text()?.to_vec();
    let padding = (name.len() + 4).next_multiple_of(8) - (name.len() + 4);
    payload.bytes(padding)?;
    Some(CensusEntry { name, count, bytes, sites: Vec::new() })
}

fn read_ending(payload: &mut Cursor) -> Option<Ending> {
    let [peak_rss_bytes, duration_ns] = payload.u64s()?;
    let [exit_code, signal] = payload.u32s()?.map(u32::cast_signed);
    Some(Ending { peak_rss_bytes, duration_ns, exit_code, signal })
}
