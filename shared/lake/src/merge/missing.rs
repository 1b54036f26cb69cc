//! Finds the rows of a table that a reading of its listing should have returned and did not.
//!
//! This is the last step of a sweep over the pages of a listing. A missing row is not deleted here:
//! its record may have moved between pages, so `engine::pass::sweep` asks Harvest for it first.
//! Nothing is written, and the merge is not involved.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use decode::gather::column;
use decode::schema::TableSchema;
use delta::store::ObjectStore;
use delta::table::FileEntry;
use engine::pass::{MissingRows, MissingScope, ProvenDays};
use engine::precedence::PrecedenceRules;
use engine::schema::SYNCED_AT;
use engine::spec::{Paging, StreamKind};
use engine::time::{SignedDuration, Timestamp, plus};

use crate::blocking::{RewriteError, blocking};
use crate::collect::SeenIds;
use crate::partition::{RowLayout, day_of, fetch, open};

/// Indices of the columns that a sweep needs. Four columns of some fifty: in Parquet the others
/// need not be decoded.
#[derive(Clone, Copy, Debug)]
struct SweepColumns {
    id: usize,
    synced_at: usize,
    /// Date by which the listing is read; `None` if it is not read by days.
    day: Option<usize>,
    /// Id of the record whose deletion deletes this one, such as a time entry's project.
    along: Option<usize>,
}

/// Finds the rows within `scope` whose ids are not in `seen`. Reads only the columns needed.
///
/// A row is missing if all of this holds: no page had its id; it was read before the sweep began,
/// as a row of a later incremental pass may be a record that is newer than the pages; and its day
/// was read whole.
///
/// Streams other than listings have no such rows: their units are complete or not, and `Coverage`
/// decides.
///
/// # Errors
/// When a file cannot be read. No part of the result is returned then, because a row is missing
/// only with respect to all files.
pub async fn missing(
    store: &dyn ObjectStore,
    root: &str,
    schema: &TableSchema,
    files: &[FileEntry],
    scope: &MissingScope,
    seen: Arc<SeenIds>,
    judge: PrecedenceRules,
) -> Result<MissingRows, RewriteError> {
    let (Some(days), StreamKind::Listing(listing)) = (&scope.days, &schema.spec.kind) else {
        return Ok(MissingRows::default());
    };
    let day = match listing.paging {
        Paging::DateKeyset { field, .. } => Some(field),
        Paging::Single | Paging::Cursor | Paging::Offset => None,
    };
    let along = listing.goes_with.map(|along| along.column);
    let (id, synced_at) = (schema.spec.primary_key.first().copied(), SYNCED_AT);
    let names: Vec<&str> = [id, Some(synced_at), day, along].into_iter().flatten().collect();
    let layout = Arc::new(RowLayout::named(schema, &names)?);
    let at = |name: Option<&str>| name.and_then(|name| layout.schema.index_of(name).ok());
    let (Some(id), Some(synced_at)) = (at(id), at(Some(synced_at))) else {
        return Ok(MissingRows::default());
    };
    let places = SweepColumns { id, synced_at, day: at(day), along: at(along) };
    let mut found = MissingRows::default();
    for file in files {
        let content = fetch(store, root, file).await?;
        let (layout, path, seen) = (Arc::clone(&layout), file.path.clone(), Arc::clone(&seen));
        let (begun, days) = (scope.begun, days.clone());
        let rows = blocking(move || {
            let mut rows = Vec::new();
            for batch in open(&layout, &path, content)? {
                places.missing(&batch?, begun, &days, &seen, judge, &mut rows)?;
            }
            Ok(rows)
        });
        for (along, id) in rows.await? {
            found.add(along, id);
        }
    }
    Ok(found)
}

impl SweepColumns {
    /// Adds the missing rows of `batch` to `rows`, each as its `along` column and its id.
    fn missing(
        self,
        batch: &RecordBatch,
        begun: Timestamp,
        days: &ProvenDays,
        seen: &SeenIds,
        judge: PrecedenceRules,
        rows: &mut Vec<(Option<i64>, i64)>,
    ) -> Result<(), ArrowError> {
        let ids = column(batch, self.id)?.as_primitive::<Int64Type>();
        let synced = column(batch, self.synced_at)?.as_primitive::<TimestampMicrosecondType>();
        let optional = |index: Option<usize>| index.map(|index| column(batch, index)).transpose();
        let day = optional(self.day)?.map(AsArray::as_primitive::<Date32Type>);
        let along = optional(self.along)?.map(AsArray::as_primitive::<Int64Type>);
        for row in 0..batch.num_rows() {
            if ids.is_null(row) || synced.is_null(row) || seen.contains(ids.value(row)) {
                continue;
            }
            // The column has whole microseconds and the beginning of the sweep is finer. The end of
            // the microsecond counts, as for coverage: a row read just after the beginning must not
            // look older than it.
            let at = Timestamp::from_microsecond(synced.value(row)).unwrap_or(Timestamp::MAX);
            let older = judge.read_at(plus(at, SignedDuration::from_nanos(999))) < begun;
            let day = day.filter(|days| days.is_valid(row)).map(|days| day_of(days.value(row)));
            if older && days.contain(day) {
                let along = along.filter(|ids| ids.is_valid(row)).map(|ids| ids.value(row));
                rows.push((along, ids.value(row)));
            }
        }
        Ok(())
    }
}
