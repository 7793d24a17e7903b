//! How uWebSockets is linked.
//!
//! Its crate compiles it with gcc and `-flto`, so what comes out is only finished at the link, by gcc's own plugin: rust's usual
//! linker, lld, finds no symbol in it. GNU's reads libraries in order, so those that uWebSockets needs come after it; all but
//! itself are Debian's.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-link-arg=-fuse-ld=bfd");
    for library in ["uwebsockets", "z", "uv", "ssl", "crypto", "stdc++"] {
        println!("cargo:rustc-link-arg=-l{library}");
    }
}
