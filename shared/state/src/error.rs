//! Why the state store did not answer, by what a person or the caller can do.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

/// What kind of trouble it is, hence what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateErrorKind {
    /// Another process held the store for too long; the same call may succeed later.
    Busy,
    /// No space left, or a quota is used up.
    Full,
    /// Not allowed, or a read-only file or file system.
    Denied,
    /// There is no such table.
    Missing,
    /// The file or table is not a state store, or is damaged.
    Damaged,
    /// Written by a newer version of harvest-lake.
    Newer,
    /// An item is no JSON document.
    Garbled,
    /// An item is JSON, but not of a form that this version writes.
    Unknown,
    /// Anything else; the same call may succeed later, and may have had its effect.
    Failed,
}

impl StateErrorKind {
    const fn advice(self) -> &'static str {
        match self {
            Self::Busy => {
                "another process keeps it in the middle of a write; if that one stands still \
                 (Ctrl-Z, a debugger), let it go on or end it, then run again"
            }
            Self::Full => "it is full; free some space and run again, nothing is lost",
            Self::Missing => {
                "there is no such table: deploy the stack, or name another with --state"
            }
            Self::Denied => {
                "reading and writing must be allowed there, or choose another with --state"
            }
            Self::Damaged => {
                "move it away and run again: the state is only a cache, and is rebuilt from the tables of the lake"
            }
            Self::Newer => {
                "it was written by a newer harvest-lake; use that version or a newer one"
            }
            Self::Garbled => {
                "it is damaged; delete that item, or on one machine move the state file (`.state.sqlite` in the lake) away, and run again: the state is only a cache, and is rebuilt from the tables of the lake"
            }
            Self::Unknown => {
                "where a newer harvest-lake wrote it, use that version; otherwise it is damaged: delete that item, or on one machine move the state file (`.state.sqlite` in the lake) away, and run again: the state is only a cache, and is rebuilt from the tables of the lake"
            }
            Self::Failed => "it could not be used",
        }
    }

    /// What an input or output error means.
    pub(crate) fn of_io(source: &std::io::Error) -> Self {
        let kind = source.kind();
        if matches!(
            kind,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        ) {
            Self::Full
        } else if matches!(kind, ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) {
            Self::Denied
        } else {
            Self::Failed
        }
    }
}

/// Why the state store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("state store {what}: {}", kind.advice())]
pub struct StateError {
    /// By what can be done about it.
    pub kind: StateErrorKind,
    /// The file or table, and what was tried.
    pub what: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StateError {
    /// An error about `what`, without a cause.
    #[must_use]
    pub fn new(kind: StateErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same call may succeed later. It may have had its effect all the same.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self.kind {
            StateErrorKind::Busy | StateErrorKind::Failed => true,
            StateErrorKind::Full
            | StateErrorKind::Denied
            | StateErrorKind::Missing
            | StateErrorKind::Damaged
            | StateErrorKind::Newer
            | StateErrorKind::Garbled
            | StateErrorKind::Unknown => false,
        }
    }

    pub(crate) fn from_io(path: &Path, source: std::io::Error) -> Self {
        Self::new(StateErrorKind::of_io(&source), format!("`{}`", path.display()))
            .with_source(source)
    }
}
