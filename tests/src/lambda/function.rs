//! A function to host.

use std::path::PathBuf;
use std::time::Duration;

/// Function to host.
#[derive(Clone, Debug)]
pub struct Function {
    /// Name.
    pub name: String,
    /// Program that is the `bootstrap`.
    pub bootstrap: PathBuf,
    /// Environment variables.
    pub variables: Vec<(String, String)>,
    /// Time after which an invocation is killed.
    pub timeout: Duration,
    /// Memory, in megabytes.
    pub memory: u32,
    /// Most environments at the same time.
    pub concurrency: usize,
    /// Number of times that a failed asynchronous invocation is tried again.
    pub retries: u32,
    /// Queue for the asynchronous invocations that failed for good.
    pub failure_queue: Option<String>,
    /// File for standard output and standard error, if any.
    pub log: Option<PathBuf>,
}

impl Function {
    pub(super) fn log(&self) -> Option<std::fs::File> {
        let path = self.log.as_ref()?;
        std::fs::File::options().create(true).append(true).open(path).ok()
    }
}
