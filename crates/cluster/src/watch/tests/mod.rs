//! Watches against an API server that does what a script says, in time that does not pass by itself.

mod faults;
mod plain;
mod script;
