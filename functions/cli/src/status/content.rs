//! Content of the answer: the lake, and the state of each stream, in the form of the JSON document.

use std::collections::BTreeMap;

use delta::table::TableError;
use engine::drift::DriftFinding;
use engine::ids::AccountId;
use engine::item::AccountItem;
use engine::pass::ParkedParent;
use engine::runbook::Remedy;
use engine::spec::StreamSpec;
use engine::time::Timestamp;
use serde::Serialize;

use super::condition::StreamCondition;
use crate::error::CliError;
use crate::ledger::LastDay;

/// The state of one stream, in the form of its part of the JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct StreamStatus {
    pub(super) stream: &'static str,
    pub(super) state: StreamCondition,
    /// Rows of the table; null without a table that can be read.
    pub(super) rows: Option<u64>,
    /// Version of the table in its Delta log.
    pub(super) version: Option<u64>,
    /// Time up to which the table has all changes.
    pub(super) cursor: Option<Timestamp>,
    /// Beginning of the last complete pass, from which the age of the data counts.
    pub(super) as_of: Option<Timestamp>,
    /// Time at which a pass was last completed.
    pub(super) last_success: Option<Timestamp>,
    /// Beginning of the last complete full pass: records deleted in Harvest since then may still
    /// have rows.
    pub(super) last_full: Option<Timestamp>,
    /// Time at which the schedule has the next sweep; null without one to come.
    pub(super) next_sweep: Option<Timestamp>,
    /// Pass that has begun and is not complete; the full one if both are.
    pub(super) unfinished: Option<UnfinishedPass>,
    /// Number of parents whose children could not be read; null if the item does not hold their
    /// list.
    pub(super) parked: Option<u64>,
    /// The first `MOST_PARKED` of them.
    pub(super) parked_parents: Vec<ParkedList>,
    /// Number of records in the quarantine.
    pub(super) quarantined: u64,
    /// Number of values that did not fit their column, in the last run that read any.
    pub(super) misfits: u64,
    /// Number of values that came in another JSON type or form and were converted for their column.
    pub(super) converted: u64,
    /// Differences between the records and the declaration.
    pub(super) drift: Vec<DriftFinding>,
    /// Doubts about the last pass, and changes by other engines.
    pub(super) warning: Option<String>,
    /// Number of runs in a row that failed or never came back.
    pub(super) failures: u32,
    /// The last error; null after a success.
    pub(super) last_error: Option<LastError>,
    /// Interval between its syncs, in seconds: the set one, or what the last runs tell. Data older
    /// than twice that is late.
    pub(super) usual_interval: i64,
    /// Requests and changed rows of the last day.
    pub(super) day: LastDay,
    /// Whether the table is there, or may be, and cannot be read.
    #[serde(skip)]
    pub(super) unreadable: bool,
}

impl StreamStatus {
    /// Notes that the table cannot be read, whatever the item says: the next run will fail on it,
    /// too.
    pub(super) fn cannot_be_read(&mut self, now: Timestamp, error: TableError) {
        if self.state.is_read() {
            self.state = StreamCondition::Failing;
        }
        let error = CliError::Table(error);
        let remedy = Remedy::of(error.error_type());
        self.last_error = Some(LastError::new(now, error.chain(), remedy));
        self.unreadable = true;
    }

    /// Whether the stream needs a person, by its state or by what its runs have found.
    pub(super) fn needs_a_person(&self) -> bool {
        self.state.needs_a_person() || self.has_findings()
    }

    /// Whether its runs, or the look at its table, have found something that needs a person.
    pub(super) fn has_findings(&self) -> bool {
        let found = self.quarantined > 0
            || self.parked != Some(0)
            || self.warning.is_some()
            || self.drift.iter().any(|finding| finding.what.costs_values());
        (found && self.state.is_read()) || self.unreadable
    }
}

/// Time and text of an error, and its remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LastError {
    pub(super) at: Timestamp,
    pub(super) error: String,
    /// Advice: one sentence, without a full stop.
    pub(super) advice: &'static str,
    /// Place of the runbook about it.
    pub(super) runbook: String,
}

impl LastError {
    pub(super) fn new(at: Timestamp, error: String, Remedy { advice, heading }: Remedy) -> Self {
        Self { at, error, advice, runbook: heading.link() }
    }
}

/// Largest number of parked parents that are told one by one.
pub(super) const MOST_PARKED: usize = 10;

/// A list of children that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ParkedList {
    /// Path of the list: `/invoices/7/payments`.
    pub(super) path: String,
    /// Number of runs that tried in vain.
    pub(super) runs: u32,
    /// Why the last one could not read it.
    pub(super) reason: String,
}

impl ParkedList {
    /// Returns the first of the lists of `parked` parents.
    pub(super) fn first(spec: &StreamSpec, parked: &BTreeMap<i64, ParkedParent>) -> Vec<Self> {
        let lists = parked.iter().take(MOST_PARKED).map(|(id, parent)| Self {
            path: spec.path.replace("{parent}", &id.to_string()),
            runs: parent.attempts,
            reason: parent.reason.clone(),
        });
        lists.collect()
    }
}

/// A pass that goes on in another run: its parts (windows, parents) read and left, `0` and `0` if
/// it has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct UnfinishedPass {
    pub(super) pass: &'static str,
    pub(super) began: Timestamp,
    pub(super) read: u64,
    pub(super) left: u64,
    pub(super) waits_until: Option<Timestamp>,
}

/// Content of the answer.
#[derive(Clone, Debug)]
pub(super) struct LakeStatus {
    pub(super) account: AccountItem,
    pub(super) account_id: AccountId,
    /// Place of the lake, as it was given.
    pub(super) lake: String,
    pub(super) streams: Vec<StreamStatus>,
    /// Requests and changed rows of the last day, of these streams.
    pub(super) day: LastDay,
    pub(super) now: Timestamp,
}

impl LakeStatus {
    /// Whether neither a table, nor a failure, nor a first load that has begun tells of a lake. Other
    /// states may be those of a lake that was deleted.
    pub(super) fn tells_nothing(&self) -> bool {
        let first = self.streams.iter().all(|row| row.as_of.is_none());
        let begun = [StreamCondition::Running, StreamCondition::Loading, StreamCondition::Waiting];
        let told = |row: &StreamStatus| {
            let failed = row.state.needs_a_person() || row.unreadable;
            row.rows.is_some() || failed || (first && begun.contains(&row.state))
        };
        !self.streams.iter().any(told)
    }
}
