//! Exposition formats and the messages on the wire.
