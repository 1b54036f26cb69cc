//! Why a page moves nothing.

/// Why a page could not be decoded at all. Says what was found, never the body's content.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The body is no JSON, or breaks off.
    #[error("the answer is not JSON but {found}: it breaks at line {line}, column {column}")]
    NotJson {
        /// What it looks like: `nothing`, `markup`, `JSON cut short`, ...
        found: &'static str,
        /// Line where it breaks, from 1.
        line: usize,
        /// Column where it breaks, from 1.
        column: usize,
    },
    /// The body is JSON, but no object.
    #[error("the answer is not an object but {found}")]
    NotAnObject {
        /// What it is.
        found: &'static str,
    },
    /// The member that holds the records is missing.
    #[error("the answer has no `{key}`")]
    NoRecords {
        /// The member.
        key: &'static str,
    },
    /// The member that holds the records holds something else.
    #[error("`{key}` of the answer is not a list but {found}")]
    RecordsNotAList {
        /// The member.
        key: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// `links` is no object or `links.next` no text: where the listing goes on is not known.
    #[error("`{member}` of the answer is {found}")]
    BadLinks {
        /// `links` or `links.next`.
        member: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// More than a page can be.
    #[error(
        "the answer has {bytes} bytes, more than {most} are not taken in{}; fewer records were asked for, down to one: shorten that record in Harvest",
        record.map(|id| format!(", and begins with record {id}")).unwrap_or_default()
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// Size of the largest answer that is read.
        most: usize,
        /// Id of the record that it begins with, where it can be told.
        record: Option<i64>,
    },
    /// The caller named no parent though the stream's rows have one.
    #[error("the page was read without its parent")]
    NoParent,
    /// The caller named no period though the stream's rows have one.
    #[error("the page was read without its period")]
    NoPeriod,
    /// A broken invariant of ours: the columns do not make a batch.
    #[error("the decoded columns do not fit the table")]
    Columns(#[source] arrow::error::ArrowError),
}
