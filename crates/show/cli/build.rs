//! Has the linker lay out the command so that it starts at once: `lowtide run` starts it twice.

use std::env;

fn main() {
    let target = ["OS", "ENV"].map(|part| env::var(format!("CARGO_CFG_TARGET_{part}")).ok());
    if target != [Some("linux".to_owned()), Some("gnu".to_owned())] {
        return;
    }
    // At a fixed address nothing is left to relocate: 18,000 pointers, in pages that each start would have to copy.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    // The unwinder lies beside its shared library in every gcc; linked in, there is one library less to load.
    println!("cargo::rustc-link-lib=static=gcc_eh");
}
