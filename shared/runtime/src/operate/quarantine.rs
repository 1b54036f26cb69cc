//! Records that cannot become rows: listing the quarantine, and trying its records again.
//!
//! A record of the quarantine is old. It never becomes a row itself, because it could overwrite a
//! newer version or bring back a record that Harvest has deleted since. Where today's declaration
//! can read it, a full pass reads it from Harvest as it is now, under the rules of every pass.

use decode::Decoder;
use engine::pass::Pass;
use engine::spec::StreamSpec;
use engine::time::Timestamp;
use serde::Deserialize;

use crate::context::Context;
use crate::error::RunError;
use crate::run::quarantine::{begun, folder};
use crate::run::{RunOrder, RunOutcome, RunReport, run};

/// A record that could not become a row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct QuarantineEntry {
    /// Reason for that.
    pub reason: String,
    /// The record as Harvest sent it; for a contradictory report window, a whole answer.
    pub raw: String,
}

/// File of the records that one run added to the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineFile {
    /// Key of the file below the lake's root.
    pub key: String,
    /// Start of the run; the file's time where its name does not tell that.
    pub at: Timestamp,
    /// Records of the file; `None` where the file cannot be read.
    pub records: Option<Vec<QuarantineEntry>>,
}

/// A file of the quarantine whose records cannot be tried, because it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the quarantine's file `{key}` cannot be read, so that its records cannot be tried; `harvest-lake sync --streams {stream} --pass full` reads all records of the stream anew, after which the file is of no use"
)]
pub struct UnreadableQuarantine {
    /// The stream.
    pub stream: &'static str,
    /// Key of the file below the lake's root.
    pub key: String,
}

/// Result of trying the records again.
#[derive(Debug)]
pub struct QuarantineRetry {
    /// Number of records in the quarantine, equal ones counted once.
    pub records: u64,
    /// Number of those that today's declaration can read.
    pub readable: u64,
    /// Report of the full pass that reads them; `None` where there are none.
    pub report: Option<RunReport>,
    /// Number of records that are left afterwards.
    pub left: u64,
}

/// Returns the files in the quarantine of `stream`, oldest first.
///
/// # Errors
/// Fails if the store fails.
pub async fn list(
    store: &dyn delta::store::ObjectStore,
    stream: &'static str,
) -> Result<Vec<QuarantineFile>, RunError> {
    let failed = |source| RunError::Store { stream, source: Box::new(source) };
    let mut files = Vec::new();
    for object in store.list(&folder(stream), None).await.map_err(failed)? {
        // A run may have superseded the file since it was listed.
        let Some(bytes) = store.get(&object.key).await.map_err(failed)? else { continue };
        let records = records_in(&bytes);
        let at = begun(&object.key).unwrap_or(object.modified);
        files.push(QuarantineFile { key: object.key, at, records });
    }
    files.sort_by(|a, b| (a.at, &a.key).cmp(&(b.at, &b.key)));
    Ok(files)
}

/// Returns the records of a file; `None` where it cannot be read.
pub(crate) fn records_in(file: &[u8]) -> Option<Vec<QuarantineEntry>> {
    let text = core::str::from_utf8(file).ok()?;
    text.lines().map(|line| serde_json::from_str(line).ok()).collect()
}

/// Tries the records of `spec`'s quarantine with today's declaration. Where any of them can become
/// a row now, a full pass reads them from Harvest as they are now. A complete pass removes the
/// older files, because records that are still bad came again with it.
///
/// # Errors
/// Fails if the store fails, or a file cannot be read. A failure of the pass is in its report.
pub async fn retry(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<QuarantineRetry, RunError> {
    let records = records(context, spec).await?;
    let decoder = Decoder::new(spec);
    let readable = records.iter().filter(|raw| decoder.check_record(raw).is_ok()).count() as u64;
    let mut retried = QuarantineRetry {
        records: records.len() as u64,
        readable,
        report: None,
        left: records.len() as u64,
    };
    if readable > 0 {
        let order = RunOrder { spec, pass: Pass::Full, deadline: None, accept_deletes: false };
        let report = Box::pin(run(context, order)).await;
        if matches!(report.outcome, RunOutcome::Complete) {
            retried.left = self::records(context, spec).await?.len() as u64;
        }
        retried.report = Some(report);
    }
    Ok(retried)
}

/// Returns the raw records, equal ones once.
///
/// # Errors
/// Fails if the store fails, or a file cannot be read: its records must not count as none.
async fn records(
    context: &Context,
    spec: &'static StreamSpec,
) -> Result<std::collections::BTreeSet<String>, RunError> {
    let stream = spec.name;
    let mut raws = std::collections::BTreeSet::new();
    for QuarantineFile { key, records, .. } in list(&*context.store, stream).await? {
        let source = || UnreadableQuarantine { stream, key };
        let records =
            records.ok_or_else(|| RunError::Store { stream, source: Box::new(source()) })?;
        raws.extend(records.into_iter().map(|record| record.raw));
    }
    Ok(raws)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_when_its_run_began() {
        let key = "quarantine/clients/20261125T124528123Z-clients.jsonl";
        assert_eq!(begun(key), Some("2026-11-25T12:45:28.123Z".parse().unwrap()));
        for other in ["quarantine/clients/notes.txt", "x", "quarantine/clients/"] {
            assert_eq!(begun(other), None, "{other}");
        }
    }
}
