//! The machine as parameters: clock, files, random numbers, cores and memory, each real or simulated.
//!
//! Only this crate calls `SystemTime::now`, `Instant::now` and `std::fs`; everything above takes these traits, so a
//! test can stop time, fill the disk or tear a write.

pub mod clock;
pub mod counting;
pub mod fs;
pub mod glob;
pub mod limits;
pub mod pool;
pub mod rng;

pub use clock::{Clock, ManualClock, SystemClock};
pub use counting::Counting;
pub use fs::{Fs, FsFile, MemFs, RealFs};
pub use pool::CpuPool;
pub use rng::Rng;
