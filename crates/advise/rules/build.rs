//! Lists the rules: every `src/lt<number>_<name>.rs` or folder of that name holds one `RULE`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src");
    let mut modules = Vec::new();
    for entry in fs::read_dir("src")? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name
            .strip_prefix("lt")
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
        {
            modules.push(name);
        }
    }
    modules.sort();
    let mut list = String::from("&[\n");
    for module in modules {
        let _ = writeln!(list, "    &crate::{module}::RULE,");
    }
    list.push(']');
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    fs::write(Path::new(&folder).join("rules.rs"), list)
}
