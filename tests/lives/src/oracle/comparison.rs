//! Comparison of the rows of a table with those that it should have.

use std::sync::Arc;

use engine::schema::{Column, ColumnSource};
use engine::spec::{StreamKind, StreamSpec};

use super::{After, Contents};
use crate::declared::declared;
use crate::naive::leaves;
use crate::naive::record::Row;
use crate::reader::memory::KeptTruth;

/// Whether two rows are the same. In a table with files of earlier releases, a value may be in a
/// column of one and in `extra_json` of the other.
pub(crate) fn is_same_row(spec: &StreamSpec, older: bool, one: &Row, other: &Row) -> bool {
    let same = Arc::ptr_eq(one, other) || one == other;
    same || (older && leaves::are_same(&declared(spec).compared, one, other))
}

/// A table and the answers that it should agree with.
#[derive(Clone, Copy)]
pub(super) struct Compared<'a> {
    pub(super) older: bool,
    pub(super) rows: &'a Contents,
    pub(super) truths: &'a [KeptTruth],
}

/// Returns the differences between the rows of a table and those that it should have.
pub(super) fn compare(spec: &StreamSpec, after: After, both: Compared<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let (rows, truth) = (both.rows, joined(both.truths));
    for (key, row) in &truth {
        match rows.get(key) {
            None => wrong.push(format!("{}: {key} is missing", spec.name)),
            Some(ours) if is_same_row(spec, both.older, ours, row) => {}
            Some(ours) => {
                let mut names = differing(spec, after, ours, row);
                let hashed = |name: &str| both.truths.iter().any(|it| it.hashed.contains(name));
                names.retain(|name| !hashed(name.split(':').next().unwrap_or_default()));
                if !names.is_empty() {
                    wrong.push(format!("{}: {key} differs in {names:?}", spec.name));
                }
            }
        }
    }
    // In listings only a sweep finds deletions.
    let deletions = after == After::FullPasses || !matches!(spec.kind, StreamKind::Listing(_));
    for key in rows.keys().filter(|key| deletions && !truth.contains_key(*key)) {
        wrong.push(format!("{}: {key} is no longer in Harvest", spec.name));
    }
    wrong
}

/// Returns the columns in which two rows differ, but must not, each with both values.
fn differing(spec: &StreamSpec, after: After, ours: &Row, truth: &Row) -> Vec<String> {
    let columns = &declared(spec).compared;
    let values = columns.iter().zip(ours.iter().zip(truth.iter()));
    let differ = values.filter(|(column, (ours, truth))| {
        ours != truth
            && match (&column.source, after) {
                (ColumnSource::Record(path), After::IncrementalPasses) => path.len() == 1,
                (_, After::IncrementalPasses | After::FullPasses) => true,
            }
    });
    let told = |(column, (ours, truth)): (&Column, (&Option<String>, &Option<String>))| {
        let text = |value: &Option<String>| value.clone().unwrap_or("null".to_owned());
        format!("{}: {} for {}", column.name, text(ours), text(truth))
    };
    differ.map(told).collect()
}

/// Returns the rows of all answers.
pub(super) fn joined(truths: &[KeptTruth]) -> Contents {
    let mut rows = Contents::new();
    for truth in truths {
        rows.extend(truth.rows.iter().map(|(key, row)| (key.clone(), Arc::clone(row))));
    }
    rows
}
