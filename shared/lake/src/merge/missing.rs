//! Finds the rows of a table that a reading of its listing should have returned and did not.

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
use engine::spec::{Paging, StreamKind};
use engine::time::{SignedDuration, Timestamp, plus};

use crate::blocking::{RewriteError, blocking};
use crate::collect::SeenIds;
use crate::partition::{RowLayout, day_of, fetch, open};

/// Indices of the columns that a sweep needs.
#[derive(Clone, Copy, Debug)]
struct SweepColumns {
    id: usize,
    synced_at: usize,
    day: Option<usize>,
    along: Option<usize>,
}

/// Finds the rows within `scope` whose ids are not in `seen`. Reads only the columns needed.
///
/// # Errors
/// When a file cannot be read.
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
    let (id, synced_at) = (schema.spec.primary_key.first().copied(), "synced_at");
    let names: Vec<&str> = [id, Some(synced_at), day, along].into_iter().flatten().collect();
    let layout = Arc::new(RowLayout::named(schema, &names)?);
    let at = |name: Option<&str>| name.and_then(|name| layout.schema.index_of(name).ok());
    let (Some(id), Some(synced_at)) = (at(id), at(Some(synced_at))) else {
        return Ok(MissingRows::default());
    };
    let places = SweepColumns { id, synced_at, day: at(day), along: at(along) };
    let mut found = MissingRows::default();
    for file in files {
        let bytes = fetch(store, root, file).await?;
        let (layout, path, seen) = (Arc::clone(&layout), file.path.clone(), Arc::clone(&seen));
        let (begun, days) = (scope.begun, days.clone());
        let rows = blocking(move || {
            let mut rows = Vec::new();
            for batch in open(&layout, &path, bytes)? {
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
            // The column has whole microseconds; the end of the microsecond counts, as for
            // coverage.
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
