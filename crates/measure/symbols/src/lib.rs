//! Addresses of a capture's native frames -> functions, files and lines.
//!
//! In: a capture that names modules and their build ids. Out: symbols, inlined functions included, C++ and Rust names as
//! their languages write them. Never: the network, a file whose build id says that it is another one.
//!
//! ```no_run
//! use lowtide_symbols::{Files, look_up};
//! let mut capture = lowtide_capture::read("run.lowtide".as_ref())?;
//! let found = look_up(&capture, Files::OfSameBuild);
//! capture.symbols.extend(found);
//! # Ok::<(), lowtide_capture::CaptureError>(())
//! ```

mod module_file;

use blazesym::symbolize::source::{Elf, Source};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer};
use lowtide_capture::{Capture, NativeAddress, NodeStore, Symbol};
use std::collections::BTreeMap;
use std::path::Path;

pub use module_file::Files;

/// The functions at those native addresses of a capture that it has no symbols for, innermost inlined one first. What
/// cannot be found is left out.
#[must_use]
pub fn look_up<Nodes: NodeStore>(
    capture: &Capture<Nodes>,
    files: Files,
) -> BTreeMap<NativeAddress, Vec<Symbol>> {
    let mut by_module = BTreeMap::<u32, Vec<u32>>::new();
    for NativeAddress { module, address } in capture.without_symbols() {
        by_module.entry(module).or_default().push(address);
    }
    let mut found = BTreeMap::new();
    for (id, addresses) in by_module {
        let Some(Some(module)) = capture.modules.get(id as usize) else { continue };
        let Some(file) = module_file::find(module, capture.process.as_ref(), files) else {
            continue;
        };
        let symbols = symbols_in(&file, &addresses);
        found.extend(
            symbols.map(|(address, symbols)| (NativeAddress { module: id, address }, symbols)),
        );
    }
    found
}

fn symbols_in(file: &Path, addresses: &[u32]) -> impl Iterator<Item = (u32, Vec<Symbol>)> {
    // One for each file: it keeps what it has read, and the debug information of a large library is large.
    let symbolizer = Symbolizer::new();
    let wanted: Vec<u64> = addresses.iter().copied().map(u64::from).collect();
    let source = Source::Elf(Elf::new(file));
    let found = symbolizer.symbolize(&source, Input::VirtOffset(&wanted)).unwrap_or_default();
    let symbols = addresses.iter().zip(&found).filter_map(|(&address, found)| match found {
        Symbolized::Sym(symbol) => Some((address, functions(symbol))),
        Symbolized::Unknown(_) => None,
    });
    symbols.collect::<Vec<_>>().into_iter()
}

/// Innermost first. The library gives the function itself and then what is inlined into it, from the outside inwards.
fn functions(found: &Sym) -> Vec<Symbol> {
    let outermost = symbol(&found.name, found.code_info.as_deref(), false);
    let inlined = found.inlined.iter();
    let inlined = inlined.map(|inlined| symbol(&inlined.name, inlined.code_info.as_ref(), true));
    let mut functions: Vec<Symbol> = std::iter::once(outermost).chain(inlined).collect();
    functions.reverse();
    functions
}

fn symbol(name: &str, place: Option<&CodeInfo>, is_inlined: bool) -> Symbol {
    Symbol {
        function: name.to_owned(),
        file: place.map_or_else(String::new, |place| place.to_path().display().to_string()),
        line: place.and_then(|place| place.line).unwrap_or(0),
        is_inlined,
    }
}
