//! Commit files: lines of actions, the first of which describes the commit.
//!
//! A commit of ours that changes rows has these lines, in this order:
//!
//! ```text
//! {"commitInfo": {"operation": "MERGE", "txnId": "ab12-0", "harvestLake": {...}, ...}}
//! {"metaData": {...}}                    only if columns or their statistics changed
//! {"txn": {"appId": "harvest-lake/epoch", "version": 3}}
//! {"txn": {"appId": "harvest-lake/sequence", "version": 7}}
//! {"remove": {"path": "created_month=2024-01/3-6-cd34-0.parquet", ...}}
//! {"add": {"path": "created_month=2024-01/3-7-ab12-0.parquet", ...}}
//! ```

use engine::ids::Sequence;
use engine::time::Timestamp;
use serde_json::{Value, json};

use super::action::LogLine;
use super::members::ObjectOf;
use super::{CommitNote, WriterIdentity};

/// Our member of `commitInfo`: the note, and the number of lines that proves the file complete.
const OURS: &str = "harvestLake";

/// Parts of `commitInfo`.
#[derive(Debug)]
pub(crate) struct CommitInfo<'a> {
    pub operation: &'a str,
    pub now: Timestamp,
    /// Writer, and the number of this commit among those of its table object.
    pub writer: Option<(&'a WriterIdentity, u64)>,
    pub sequence: Sequence,
    pub note: Option<&'a CommitNote>,
}

/// Bytes of a commit file: `commitInfo`, then `lines`.
pub(crate) fn commit_file(
    info: &CommitInfo<'_>,
    lines: Vec<LogLine>,
) -> Result<Vec<u8>, serde_json::Error> {
    let mut ours = match info.note {
        Some(note) => serde_json::to_value(note)?,
        None => json!({}),
    };
    let attempt = info.writer.map(|(writer, _)| writer.attempt.0.as_str());
    let about = [
        // Number of lines, this one included. It reveals a file cut off after a line, which would
        // otherwise read as a smaller commit: removes without the adds that replace them.
        ("actions", json!(lines.len() + 1)),
        ("attempt", json!(attempt)),
        ("epoch", json!(info.writer.map(|(writer, _)| writer.epoch))),
        ("sequence", json!(info.sequence)),
    ];
    if let Some(ours) = ours.as_object_mut() {
        ours.extend(about.map(|(name, value)| (name.to_owned(), value)));
    }
    let mut commit_info = json!({
        "timestamp": info.now.as_millisecond(),
        "operation": info.operation,
        "operationParameters": {},
        "isBlindAppend": false,
        "engineInfo": concat!("harvest-lake/", env!("CARGO_PKG_VERSION")),
        OURS: ours,
    });
    if let (Some((writer, number)), Some(commit_info)) = (info.writer, commit_info.as_object_mut())
    {
        commit_info.insert("txnId".to_owned(), json!(format!("{}-{number}", writer.attempt)));
    }
    let first = LogLine { commit_info: Some(commit_info), ..LogLine::default() };
    let mut file = Vec::new();
    for line in core::iter::once(first).chain(lines) {
        serde_json::to_writer(&mut file, &line)?;
        file.push(b'\n');
    }
    Ok(file)
}

/// Parses the actions of a commit file, or returns the reason why it is invalid. Accepts files of
/// other engines, which state no number of lines, and skips blank lines, with which they may end.
pub(crate) fn parse_commit_file(bytes: &[u8]) -> Result<Vec<LogLine>, String> {
    let mut lines = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let parsed = serde_json::from_slice::<ObjectOf<LogLine>>(line);
        let ObjectOf(line) = parsed.map_err(|error| format!("line {}: {error}", number + 1))?;
        lines.push(line);
    }
    if lines.is_empty() {
        return Err("it is empty".to_owned());
    }
    let infos = lines.iter().filter_map(|line| line.commit_info.as_ref());
    let promised = infos.filter_map(|info| info.get(OURS)?.get("actions")).find_map(Value::as_u64);
    match promised {
        Some(promised) if promised != lines.len() as u64 => {
            Err(format!("{} of {promised} lines are there", lines.len()))
        }
        Some(_) | None => Ok(lines),
    }
}

/// Whether a `commitInfo` was written by this software.
pub(crate) fn is_ours(commit_info: &Value) -> bool {
    commit_info.get(OURS).is_some()
}

/// Note in a `commitInfo`, if there is one.
pub(crate) fn note_of(commit_info: &Value) -> Option<CommitNote> {
    serde_json::from_value(commit_info.get(OURS)?.clone()).ok()
}
