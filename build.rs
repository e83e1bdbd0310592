//! Compiles `profiles/*.toml` in, so that adding a cable or a box is adding one file.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=profiles");
    let mut stems = Vec::new();
    for entry in fs::read_dir("profiles")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            stems.push(stem.ok_or("a profile's file name is not UTF-8")?.to_owned());
        }
    }
    stems.sort_unstable();
    let mut table = String::from("[\n");
    for stem in &stems {
        let path = format!("/profiles/{stem}.toml");
        writeln!(
            table,
            "({stem:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),"
        )?;
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("profiles.rs"), table)?;
    Ok(())
}
