//! Errors of whole pages.
//!
//! A single bad record is no error: it is quarantined, and the rest of its page counts. These
//! errors mean that the page proves nothing, neither rows nor absence of rows.

/// Reasons why a page could not be decoded. Messages describe what was found, never the content of
/// the body, because they end up in logs and a body may hold personal data.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The body is not JSON or breaks off.
    #[error("the answer is not JSON but {found}: it breaks at line {line}, column {column}")]
    NotJson {
        /// Appearance of the body: `nothing`, `markup`, `JSON cut short`, ...
        found: &'static str,
        /// Line where it breaks, from 1.
        line: usize,
        /// Column where it breaks, from 1.
        column: usize,
    },
    /// The body is JSON but not an object.
    #[error("the answer is not an object but {found}")]
    NotAnObject {
        /// Type of the value found.
        found: &'static str,
    },
    /// The member that holds the records is missing. An empty list is present as `[]`, so this
    /// answer does not prove that there are no records.
    #[error("the answer has no `{key}`")]
    NoRecords {
        /// Name of the member.
        key: &'static str,
    },
    /// The member that holds the records holds something else.
    #[error("`{key}` of the answer is not a list but {found}")]
    RecordsNotAList {
        /// Name of the member.
        key: &'static str,
        /// Type of the value found.
        found: &'static str,
    },
    /// `links` is not an object or `links.next` not text, so the next page is unknown. Taking this
    /// for the last page would drop all records behind it.
    #[error("`{member}` of the answer is {found}")]
    BadLinks {
        /// `links` or `links.next`.
        member: &'static str,
        /// Type of the value found.
        found: &'static str,
    },
    /// The body is larger than a page can be.
    #[error(
        "the answer has {bytes} bytes, but at most {most} can be read{}; fewer records were asked for, down to one: shorten that record in Harvest",
        record.map(|id| format!(" (its first record is {id})")).unwrap_or_default()
    )]
    TooLarge {
        /// Size in bytes.
        bytes: usize,
        /// Size in bytes of the largest body that is read.
        most: usize,
        /// Id of its first record, if it can be read: the operator needs it to find the record.
        record: Option<i64>,
    },
    /// The caller gave no parent although the stream's rows need one.
    #[error("the page was read without its parent")]
    NoParent,
    /// The caller gave no period although the stream's rows need one.
    #[error("the page was read without its period")]
    NoPeriod,
    /// The columns do not form a batch: a broken invariant of this program.
    #[error("the decoded columns do not fit the table")]
    Columns(#[source] arrow::error::ArrowError),
}
