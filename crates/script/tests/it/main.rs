//! Small scripts of our own: what passes, what fails, and why.
#![allow(missing_docs, clippy::unwrap_used)]

mod outcomes;
mod scripts;
