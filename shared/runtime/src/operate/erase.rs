//! Erasure of a person's own data from the lake.
//!
//! The list of erased users is written first, so that from then on no run writes their data; then
//! the existing rows are written anew. Records of their work (hours, costs, days) stay, under their
//! id.
//!
//! The data may be in five places, and the order of the steps keeps it from coming back:
//!
//! | place | step |
//! | --- | --- |
//! | runs that are reading now | they compare the list before each commit and write nothing |
//! | current files of the table | written anew, with commits |
//! | older versions, and files of dead attempts | deleted at once, without retention |
//! | the table of changes, all of it | written anew under the same sequences, old files deleted |
//! | the quarantine | records that are not certainly another person's are removed |

use std::sync::Arc;

use bytes::Bytes;
use decode::schema::TableSchema;
use delta::maintenance;
use delta::store::{ReplaceOutcome, StoreError};
use engine::lease::BusyLease;
use engine::pass::Pass;
use engine::spec::PersonalFields;
use engine::spec::StreamSpec;
use engine::time::SignedDuration;
use lake::erase::Eraser;

use crate::context::Context;
use crate::error::RunError;
use crate::operate::quarantine;
use crate::operate::upgrade::UpgradeCounts;
use crate::run::leave::abandoned;
use crate::run::quarantine::folder;
use crate::run::{Run, RunOrder};

/// Number of times that a file of the quarantine is read, because a run may change it meanwhile.
const MOST_RACES: u32 = 100;

/// Counts of an erasure from one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasureCounts {
    /// Count of the table's files and rows written anew.
    pub upgraded: UpgradeCounts,
    /// Number of files of the table of changes written anew.
    pub changes: u64,
    /// Number of records removed from the quarantine.
    pub removed: u64,
}

/// Removes the own data of `user` from the tables of `spec`, their older versions and the
/// quarantine. [`remember`](crate::erased::remember) has to be called first. If the process dies,
/// this can be called again.
///
/// # Errors
/// Fails if the stores fail. Returns [`BusyLease`] if a run works on the stream.
pub async fn erase(
    context: &Context,
    spec: &'static StreamSpec,
    personal: &'static PersonalFields,
    user: i64,
) -> Result<Result<ErasureCounts, BusyLease>, RunError> {
    let now = context.clock.now();
    let order = RunOrder { spec, pass: Pass::Full, deadline: None, accept_deletes: false };
    let mut run = match Box::pin(Run::open(context, order, now)).await {
        Err(error) => return Err(abandoned(context, spec.name, error).await),
        Ok(Ok(run)) => run,
        Ok(Err(busy)) => return Ok(Err(busy)),
    };
    let keeper = Arc::clone(&run.keeper);
    let done = Box::pin(keeper.beside(run.erase(personal, user))).await;
    let given_back = run.give_back().await;
    let done = done?;
    given_back?;
    Ok(Ok(done))
}

impl Run {
    async fn erase(
        &mut self,
        personal: &PersonalFields,
        user: i64,
    ) -> Result<ErasureCounts, RunError> {
        let eraser = Eraser::of(self.table.schema(), personal, user);
        let upgraded = self.rewrite_files(eraser).await?;
        let stream = self.stream();
        let now = self.context.clock.now();
        let failed = |source| RunError::Table { stream, source: Box::new(source) };
        // Older versions hold the erased data, and so may files of dead attempts, whose writers
        // can commit nothing any more.
        let zero = SignedDuration::ZERO;
        maintenance::vacuum(&mut self.table, now, zero).await.map_err(failed)?;
        let writer = self.writer();
        maintenance::orphans(&mut self.table, now, zero, &writer).await.map_err(failed)?;
        let of_changes = Eraser::of(&TableSchema::changes_of(self.order.spec), personal, user);
        let changes = self.rewrite_changes(of_changes, true).await?;
        let removed = self.erase_quarantine(personal, user).await?;
        Ok(ErasureCounts { upgraded, changes, removed })
    }

    /// Keeps only those records of the quarantine that are certainly another person's.
    async fn erase_quarantine(
        &self,
        personal: &PersonalFields,
        user: i64,
    ) -> Result<u64, RunError> {
        let (stream, store) = (self.stream(), &self.context.store);
        let failed = |source| RunError::Store { stream, source: Box::new(source) };
        let mut removed = 0_u64;
        for object in store.list(&folder(stream), None).await.map_err(failed)? {
            let of_file = self.erase_quarantined(&object.key, personal, user).await;
            removed = removed.saturating_add(of_file.map_err(failed)?);
        }
        Ok(removed)
    }

    /// Removes the person's records from one file of the quarantine; returns their number.
    ///
    /// The file is replaced only if it still is as it was read. A file without records is deleted.
    async fn erase_quarantined(
        &self,
        key: &str,
        personal: &PersonalFields,
        user: i64,
    ) -> Result<u64, StoreError> {
        let store = &self.context.store;
        let mut removed = 0_u64;
        for _ in 0..MOST_RACES {
            // Read once more after each write: records that a run added meanwhile have to go, too.
            let Some(old) = store.get(key).await? else {
                return Ok(removed);
            };
            let (kept, gone) = without(&old, personal, user);
            if gone == 0 && !kept.is_empty() {
                return Ok(removed);
            }
            let empty = kept.is_empty();
            if store.replace(key, &old, kept).await? == ReplaceOutcome::Replaced {
                removed = removed.saturating_add(gone);
                if empty {
                    store.delete(key).await?;
                }
            }
        }
        let source = "a run writes it again and again; call this again later".into();
        Err(StoreError::Failed { key: key.to_owned(), source })
    }
}

/// Returns a quarantine file with only the records that are certainly another person's, and the
/// number of the others.
fn without(file: &[u8], personal: &PersonalFields, user: i64) -> (Bytes, u64) {
    // A file that cannot be read may hold this person's records: it counts as one record of theirs.
    let Some(records) = quarantine::records_in(file) else {
        return (Bytes::new(), 1);
    };
    let is_others = |raw: &str| decode::is_of_another(raw, personal.person, user);
    let kept: Vec<_> = records.iter().filter(|record| is_others(&record.raw)).collect();
    let gone = records.len().saturating_sub(kept.len()) as u64;
    if gone == 0 {
        return (Bytes::copy_from_slice(file), 0);
    }
    let line = |record: &&quarantine::QuarantineEntry| {
        let line = serde_json::json!({ "reason": record.reason, "raw": record.raw });
        format!("{line}\n")
    };
    (Bytes::from(kept.iter().map(line).collect::<String>()), gone)
}
