//! What of the testbed stands without peers.

#![allow(clippy::disallowed_methods)] // reads the crate's own files

#[test]
fn nothing_but_tests_depends_on_it() {
    // A dev-dependency alone: a product crate that names it would ship a harness that needs root.
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for folder in std::fs::read_dir(root.join("crates")).unwrap() {
        let file = folder.unwrap().path().join("Cargo.toml");
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let normal = text.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
        assert!(!normal.contains("tortie-testbed"), "{}: tortie-testbed is for tests alone", file.display());
    }
}
