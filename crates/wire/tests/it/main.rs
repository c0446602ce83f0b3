//! The text format from outside: what is read, what is refused and where, and that nothing panics.

mod accept;
mod refuse;
mod round_trip;
