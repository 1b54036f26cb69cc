//! Errors of the state store, worded by what a person or the caller can do.
//!
//! The advice can afford to say "move it away", because the state is a cache: cursors, passes and
//! epochs are also in the logs of the tables, and the next runs take them from there.

use std::error::Error;
use std::io::ErrorKind;
use std::path::Path;

/// Kind of failure, which determines what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateErrorKind {
    /// Another process held the store for too long; the same call may succeed later.
    Busy,
    /// The service takes no more requests at the moment; the same call may succeed later.
    Throttled,
    /// The item is larger than the store takes.
    TooLarge,
    /// Space or a quota is used up.
    Full,
    /// Permission is missing, or the file or file system is read-only.
    Denied,
    /// The table does not exist.
    Missing,
    /// The file or table is not a state store, or is damaged.
    Damaged,
    /// A newer version of harvest-lake wrote the store.
    Newer,
    /// An item is not a JSON document.
    Garbled,
    /// An item is JSON of an unknown form.
    Unknown,
    /// Any other failure; the same call may succeed later, and may have taken effect.
    Failed,
}

impl StateErrorKind {
    /// Advice for a person, as the end of the message.
    const fn advice(self) -> &'static str {
        match self {
            Self::Busy => {
                "another process keeps it in the middle of a write; if that one stands still \
                 (Ctrl-Z, a debugger), let it go on or end it, then run again"
            }
            Self::Throttled => "it takes no more requests at the moment; run again later",
            Self::TooLarge => {
                "the item is larger than it takes (400 KB); nothing is lost, but the stream cannot \
                 go on: please report this"
            }
            Self::Full => "it is full; free some space and run again, nothing is lost",
            Self::Missing => {
                "there is no such table: deploy the stack, or name another with --state"
            }
            Self::Denied => {
                "reading and writing must be allowed there, or choose another with --state"
            }
            Self::Damaged => {
                "move it away and run again: the state is only a cache, and is rebuilt from the \
                 tables of the lake"
            }
            Self::Newer => {
                "it was written by a newer harvest-lake; use that version or a newer one"
            }
            Self::Garbled => {
                "it is damaged; delete that item (in a local lake: move the state file \
                 `.state.sqlite` away) and run again: the state is only a cache, and is rebuilt \
                 from the tables of the lake"
            }
            Self::Unknown => {
                "if a newer harvest-lake wrote it, use that version; otherwise it is damaged: \
                 delete that item (in a local lake: move the state file `.state.sqlite` away) and \
                 run again: the state is only a cache, and is rebuilt from the tables of the lake"
            }
            Self::Failed => "it could not be used",
        }
    }

    /// Kind of an input or output error.
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

/// Failure of the state store: "state store `.state.sqlite`: it is full; ...".
#[derive(Debug, thiserror::Error)]
#[error("state store {what}: {}", kind.advice())]
pub struct StateError {
    /// Kind of failure.
    pub kind: StateErrorKind,
    /// File or table, and the attempted operation.
    pub what: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StateError {
    /// Error about `what`, without a cause.
    #[must_use]
    pub fn new(kind: StateErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), source: None }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same call may succeed later. It may also have taken effect already. The other
    /// kinds last until a person acts.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self.kind {
            StateErrorKind::Busy | StateErrorKind::Throttled | StateErrorKind::Failed => true,
            StateErrorKind::TooLarge
            | StateErrorKind::Full
            | StateErrorKind::Denied
            | StateErrorKind::Missing
            | StateErrorKind::Damaged
            | StateErrorKind::Newer
            | StateErrorKind::Garbled
            | StateErrorKind::Unknown => false,
        }
    }

    /// Error for a failed input or output operation on the file `path`.
    pub(crate) fn from_io(path: &Path, source: std::io::Error) -> Self {
        Self::new(StateErrorKind::of_io(&source), format!("`{}`", path.display()))
            .with_source(source)
    }
}
