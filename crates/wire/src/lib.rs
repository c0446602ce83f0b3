//! Exposition formats and the messages on the wire.
//!
//! Pure: bytes in, values out. The text parser is a pull parser that allocates nothing per sample; labels are read
//! only when the caller asks for them.

pub mod content_type;
pub mod float;
pub mod metric_type;
pub mod quantiles;
pub mod quote;
pub mod text;

pub use metric_type::MetricType;
