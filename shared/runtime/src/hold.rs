//! Buffer of the rows that a run has read.
//!
//! Rows of a listing go to the collector at once: each page stands for itself. Rows of a unit that
//! counts whole or not at all (the children of a parent, a report window, a snapshot) wait until
//! the unit is read to its end. Otherwise half of a unit would be in the table when its second half
//! contradicts the first, or when it has to be read again from its beginning.
//!
//! The reading decides; this buffer applies its effects to the rows, which the reading never sees.
//! The collector spills rows beyond a limit of memory. Waiting units stay in memory: each is one
//! window, or the children of one parent.

use std::collections::BTreeMap;
use std::sync::Arc;

use decode::schema::TableSchema;
use decode::{DecodedPage, QuarantinedRecord};
use engine::coverage::Coverage;
use engine::key::{Key, KeyPart};
use engine::pass::{AnswerEffect, Unit};
use engine::spec::{StreamKind, StreamSpec};
use engine::time::Timestamp;
use lake::collect::{Collector, SeenIds, UnitBuffer, UnitError};

use crate::context::Context;
use crate::error::RunError;
use crate::settings::Settings;

/// A unit that is being read.
#[derive(Debug)]
struct HeldUnit {
    rows: UnitBuffer,
    quarantined: Vec<QuarantinedRecord>,
    /// Answers as text, in the order in which they came; empty unless the stream is a report.
    bodies: Vec<String>,
}

/// Rows and coverage of a run since its last flush.
#[derive(Debug)]
pub(crate) struct RunBuffer {
    spec: &'static StreamSpec,
    schema: TableSchema,
    /// Rows to be written with the next flush; `None`: no row came since the last one.
    collector: Option<Collector>,
    /// Folder for spilled rows; `None`: the system's temporary folder.
    scratch: Option<std::path::PathBuf>,
    /// Memory for collected rows before they are spilled, in bytes.
    memory: usize,
    /// Units that are being read.
    units: BTreeMap<Unit, HeldUnit>,
    /// Part of the table that the reading has proven complete since the last flush.
    pub(crate) coverage: Coverage,
    /// Ids of the records that a sweep has seen so far, in earlier runs too.
    pub(crate) seen: Arc<SeenIds>,
    /// Raw records of this run that cannot become rows. They stay here after a flush: a run has one
    /// file in the quarantine, which each flush writes whole.
    pub(crate) quarantined: Vec<QuarantinedRecord>,
    /// Number of windows that had one key twice with different content.
    pub(crate) contradictions: u64,
}

impl RunBuffer {
    pub(crate) fn new(context: &Context, schema: TableSchema) -> Self {
        let Settings { collect_memory, .. } = *context.settings;
        Self {
            spec: schema.spec,
            schema,
            collector: None,
            scratch: context.scratch.clone(),
            memory: collect_memory,
            units: BTreeMap::new(),
            coverage: Coverage::Nothing,
            seen: Arc::default(),
            quarantined: Vec::new(),
            contradictions: 0,
        }
    }

    fn defect(&self, error: &dyn core::fmt::Display) -> RunError {
        RunError::Defect { stream: self.spec.name, what: error.to_string() }
    }

    /// Gives rows to the collector. It is made with the first rows, so that a run of an unchanged
    /// stream makes none.
    fn keep(&mut self, rows: arrow::record_batch::RecordBatch) -> Result<(), RunError> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let stream = self.spec.name;
        let store = |source: lake::collect::CollectError| RunError::Store {
            stream,
            source: Box::new(source),
        };
        let collector = match &mut self.collector {
            Some(collector) => collector,
            empty => empty.insert(
                Collector::new(&self.schema, self.scratch.clone(), self.memory).map_err(store)?,
            ),
        };
        collector.push(rows).map_err(store)
    }

    /// Applies the reading's `effects` to the rows of the page. A page is kept or held at most
    /// once; if no effect asks for it, its rows are dropped.
    pub(crate) fn apply(
        &mut self,
        effects: Vec<AnswerEffect>,
        mut page: Option<DecodedPage>,
    ) -> Result<(), RunError> {
        for effect in effects {
            match effect {
                AnswerEffect::Keep => {
                    if let Some(page) = page.take() {
                        self.quarantined.extend(page.quarantined);
                        self.keep(page.rows)?;
                    }
                }
                AnswerEffect::Hold(unit) => {
                    if let Some(page) = page.take() {
                        self.hold(unit, page)?;
                    }
                }
                AnswerEffect::Complete { unit, covered } => self.complete(unit, covered)?,
                AnswerEffect::Drop(unit) => {
                    self.units.remove(&unit);
                }
                AnswerEffect::Gone { ids, begun } => {
                    self.coverage = Coverage::Records { ids, begun }
                }
            }
        }
        Ok(())
    }

    /// Adds the records with `keys` to those that a sweep saw.
    pub(crate) fn saw(&mut self, keys: &[Key]) {
        let seen = Arc::make_mut(&mut self.seen);
        for key in keys {
            if let [KeyPart::Int(id)] = key.0.as_slice() {
                seen.insert(*id);
            }
        }
    }

    /// Adds a page to its unit, which waits.
    fn hold(&mut self, unit: Unit, page: DecodedPage) -> Result<(), RunError> {
        if !self.units.contains_key(&unit) {
            let rows = UnitBuffer::new(&self.schema).map_err(|error| self.defect(&error))?;
            let held = HeldUnit { rows, quarantined: Vec::new(), bodies: Vec::new() };
            self.units.insert(unit, held);
        }
        if let Some(held) = self.units.get_mut(&unit) {
            held.rows.push(page.rows);
            held.quarantined.extend(page.quarantined);
            held.bodies.extend(page.body);
        }
        Ok(())
    }

    /// Moves the rows of a unit that is read whole to the collector. `covered`: beginning of the
    /// reading that proves the unit complete; `None`: rows are kept, and absence means nothing.
    ///
    /// Two answers of one unit may hold the same key with different content: a record changed
    /// between two pages, or Harvest contradicts itself. Of children and snapshots all versions are
    /// kept, and the merge chooses the newest one. A row of a report is a sum without a time of
    /// change: the right one cannot be told, so the window is not written.
    fn complete(&mut self, unit: Unit, covered: Option<Timestamp>) -> Result<(), RunError> {
        // No answer of the unit was a list of records: it is empty.
        let Some(held) = self.units.remove(&unit) else {
            self.cover(unit, covered);
            return Ok(());
        };
        self.quarantined.extend(held.quarantined);
        let as_it_came = (!self.is_report()).then(|| held.rows.clone());
        match held.rows.finish() {
            Ok(batches) => {
                for batch in batches {
                    self.keep(batch)?;
                }
                self.cover(unit, covered);
                Ok(())
            }
            Err(UnitError::Conflict { keys }) => {
                if let Some(rows) = as_it_came {
                    // The list changed while it was read: the newest versions of its rows are
                    // kept, but it does not count as coverage.
                    return rows.into_rows().into_iter().try_for_each(|batch| self.keep(batch));
                }
                // A contradictory window is not written; its answers stay raw in the quarantine.
                self.contradictions = self.contradictions.saturating_add(1);
                let reason = format!("{} keys answered twice with different content", keys.len());
                self.quarantined.extend(
                    held.bodies
                        .into_iter()
                        .map(|raw| QuarantinedRecord { raw, reason: reason.clone() }),
                );
                Ok(())
            }
            Err(error @ UnitError::Rows(_)) => Err(self.defect(&error)),
        }
    }

    fn is_report(&self) -> bool {
        matches!(self.spec.kind, StreamKind::ReportWindow(_))
    }

    /// Adds a unit to the coverage. All units of a run are of one kind, because a stream has one
    /// kind.
    fn cover(&mut self, unit: Unit, covered: Option<Timestamp>) {
        let Some(begun) = covered else { return };
        match unit {
            Unit::Stream => self.coverage = Coverage::Whole { begun },
            Unit::Parent(parent) => {
                if let Coverage::Parents(parents) = &mut self.coverage {
                    parents.insert(parent.id, begun);
                } else {
                    self.coverage = Coverage::Parents(BTreeMap::from([(parent.id, begun)]));
                }
            }
            Unit::Window(period) => {
                if let Coverage::Windows(windows) = &mut self.coverage {
                    windows.insert(period, begun);
                } else {
                    self.coverage = Coverage::Windows(BTreeMap::from([(period, begun)]));
                }
            }
        }
    }

    /// Size of the collected rows, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.collector.as_ref().map_or(0, Collector::bytes)
    }

    /// Takes the rows and the coverage since the last flush. Units that are being read stay, and
    /// are part of a later flush.
    pub(crate) fn take(
        &mut self,
    ) -> Result<(Option<lake::collect::CollectedRows>, Coverage), RunError> {
        let stream = self.spec.name;
        let coverage = core::mem::take(&mut self.coverage);
        let collected = self.collector.take().map(Collector::finish).transpose();
        let collected =
            collected.map_err(|source| RunError::Store { stream, source: Box::new(source) })?;
        Ok((collected, coverage))
    }
}

#[cfg(test)]
mod tests {
    use decode::Decoder;
    use engine::ids::AccountId;
    use engine::pass::AnswerPurpose;

    use super::*;

    fn empty() -> RunBuffer {
        let spec = &streams::ROLES;
        RunBuffer {
            spec,
            schema: TableSchema::of(spec),
            collector: None,
            scratch: None,
            memory: 1 << 20,
            units: BTreeMap::new(),
            coverage: Coverage::Nothing,
            seen: Arc::default(),
            quarantined: Vec::new(),
            contradictions: 0,
        }
    }

    /// A page with a role of each of these ids, and a record that cannot be a row.
    fn page(ids: &[i64]) -> DecodedPage {
        let time = r#""created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z""#;
        let roles = ids.iter().map(|id| format!(r#"{{"id":{id},"name":"r",{time}}}"#));
        let mut records: Vec<String> = roles.collect();
        records.push(r#"{"id":null}"#.to_owned());
        let body = format!(r#"{{"roles":[{}],"total_entries":9}}"#, records.join(","));
        let purpose = AnswerPurpose::Records(Unit::Stream);
        let decoder = Decoder::new(&streams::ROLES);
        decoder.decode(purpose, AccountId(1), Timestamp::UNIX_EPOCH, body).unwrap()
    }

    #[test]
    fn what_a_reading_that_begins_anew_has_read_counts_for_nothing() {
        let mut buffer = empty();
        let hold = || vec![AnswerEffect::Hold(Unit::Stream)];
        buffer.apply(hold(), Some(page(&[1, 2]))).unwrap();
        buffer.apply(vec![AnswerEffect::Drop(Unit::Stream)], None).unwrap();
        buffer.apply(hold(), Some(page(&[2, 3, 4]))).unwrap();
        let whole =
            AnswerEffect::Complete { unit: Unit::Stream, covered: Some(Timestamp::UNIX_EPOCH) };
        buffer.apply(vec![whole], None).unwrap();
        assert_eq!(buffer.quarantined.len(), 1);
        let (collected, coverage) = buffer.take().unwrap();
        assert_eq!(collected.unwrap().rows(), 3);
        assert_eq!(coverage, Coverage::Whole { begun: Timestamp::UNIX_EPOCH });
    }
}
