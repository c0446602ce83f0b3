//! Target groups from static lists and files, as one stream a job.
//!
//! [`Manager::apply`] takes the jobs of a configuration; each job has a channel that always holds its full set.

mod file;
pub mod group;
mod job;
mod manager;

pub use file::FileProblem;
pub use group::TargetGroup;
pub use job::{Job, Source};
pub use manager::{Groups, Manager};
