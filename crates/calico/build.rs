//! Lists the files of `src/doctor/checks` as modules and takes their `//!` text as the pages of `tortie explain`, so that a
//! check is one file and nothing else. Does the same for `docs/runbooks`, the pages of alerts.

#![allow(clippy::disallowed_methods)]

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    let home = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let folder = Path::new(&home).join("src/doctor/checks");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the folder of checks")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with('t') && name.ends_with(".rs"))
        .collect();
    names.sort();
    let (mut modules, mut all, mut pages) = (String::new(), String::new(), String::new());
    for name in &names {
        let path = folder.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let module = name.trim_end_matches(".rs");
        let text = fs::read_to_string(&path).expect("a check's file");
        let page: Vec<&str> = text
            .lines()
            .take_while(|l| l.starts_with("//!"))
            .map(|l| {
                l.trim_start_matches("//!").strip_prefix(' ').unwrap_or_else(|| l.trim_start_matches("//!"))
            })
            .collect();
        writeln!(modules, "#[path = {:?}]\npub(crate) mod {module};", path.display().to_string())
            .expect("text");
        writeln!(all, "    &{module}::CHECK,").expect("text");
        writeln!(pages, "    ({module:?}, {:?}),", page.join("\n")).expect("text");
    }
    let out = format!(
        "{modules}\n/// Every check, by id.\npub static ALL: &[&Check] = &[\n{all}];\n\n\
         /// Module name and page of each, in the same order.\npub(crate) static PAGES: &[(&str, &str)] = &[\n{pages}];\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR").expect("set by cargo")).join("checks.rs"), out)
        .expect("written");
    runbooks(&Path::new(&home).join("../../docs/runbooks"));
}

/// Name and text of each page.
fn runbooks(folder: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("the folder of runbooks")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".md") && name != "README.md")
        .collect();
    names.sort();
    let mut pages =
        String::from("/// Name of each alert and its page, by name.\npub static ALL: &[(&str, &str)] = &[\n");
    for name in &names {
        let path = fs::canonicalize(folder.join(name)).expect("a page that was just listed");
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(
            pages,
            "    ({:?}, include_str!({:?})),",
            name.trim_end_matches(".md"),
            path.display().to_string()
        )
        .expect("text");
    }
    pages.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").expect("set by cargo")).join("runbooks.rs"), pages)
        .expect("written");
}
