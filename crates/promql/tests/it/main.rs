//! The parser from outside: trees, texts, errors, and that nothing makes it panic.
#![allow(missing_docs, clippy::unwrap_used)]

mod errors;
mod printing;
mod robust;
mod trees;
