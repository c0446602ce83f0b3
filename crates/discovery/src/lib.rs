//! Target groups from static lists, files, DNS and API servers, as one stream a job.
//!
//! [`Manager::apply`] takes the jobs of a configuration; each job has a channel that always holds its full set.

pub mod crds;
pub mod dns;
mod file;
pub mod group;
mod job;
pub mod kubernetes;
mod manager;
mod together;

pub use file::FileProblem;
pub use group::TargetGroup;
pub use job::{Job, Source};
pub use manager::{Groups, Manager};
