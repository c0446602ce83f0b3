//! House keeping of the workspace: tidy, side-by-side benches.
fn main() {}
