//! The `tortie` command line: parses arguments and wires the crates together.
fn main() {}
