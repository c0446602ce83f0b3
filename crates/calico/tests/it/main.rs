//! Calico's own rules over simulated clusters.

#![allow(clippy::disallowed_methods)] // tests talk to sockets

mod rules;
