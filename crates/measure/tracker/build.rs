//! Has the linker lay out the library so that little of it is in a program's memory.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=text.ld");
    // Profilers read debug information, and find functions in the section of the usual name.
    if env::var("DEBUG").is_ok_and(|debug| debug != "false") {
        return;
    }
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    // Functions begin where the kernel begins to map, see `text.ld`.
    let options = ["-zmax-page-size=65536", "-zseparate-loadable-segments"].map(str::to_owned);
    for option in options.into_iter().chain([format!("--script={folder}/text.ld")]) {
        println!("cargo::rustc-cdylib-link-arg=-Xlinker");
        println!("cargo::rustc-cdylib-link-arg={option}");
    }
}
