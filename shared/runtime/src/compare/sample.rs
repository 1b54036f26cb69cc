//! Choice of the part of a stream that a sample reads.
//!
//! It is random, so that a check that runs every night sees other rows each time.

use core::slice::from_ref;
use std::collections::{BTreeMap, BTreeSet};

use delta::table::{FileEntry, Table};
use engine::pass::{ListingSample, PER_PAGE, ParkedParent};
use engine::spec::{Listing, Paging};
use engine::time::Date;
use engine::window::{Period, WindowGrid};
use serde::Deserialize;

use crate::context::Context;
use crate::error::RunError;
use crate::held::unit_rows;

/// Number of report windows that are read beside the newest.
const WINDOWS: usize = 2;
/// Largest number of parents with rows in the table whose children are read.
const PARENTS: usize = 25;
/// Number of parents, the newest of their listing, whose children are read although the table may
/// have none of them.
const NEWEST_PARENTS: u32 = 5;

/// Returns the sample of a listing: the first `records` of it, or half of them and as many of one
/// month where Harvest can be asked for days.
pub(super) fn listing(
    context: &Context,
    table: &Table,
    listing: &Listing,
    records: u64,
) -> ListingSample {
    let month = match listing.paging {
        Paging::DateKeyset { field, .. } => month(context, table, field),
        Paging::Single | Paging::Cursor | Paging::Offset => None,
    };
    let each = if month.is_some() { records.div_ceil(2) } else { records };
    let each = u32::try_from(each).unwrap_or(PER_PAGE).clamp(1, PER_PAGE);
    ListingSample { records: each, periods: month.into_iter().collect() }
}

/// Returns a random month between the first and the last day of a random file; `None` if no file
/// tells its days.
fn month(context: &Context, table: &Table, field: &str) -> Option<Period> {
    let mut days: Vec<(Date, Date)> =
        table.files().iter().filter_map(|file| days(file, field)).collect();
    let (first, last) = take(context, &mut days)?;
    take(context, &mut WindowGrid::Month.windows(first, last))
}

/// Returns the first and the last day in a file, by its statistics in the log.
fn days(file: &FileEntry, field: &str) -> Option<(Date, Date)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct LoggedBounds {
        min_values: serde_json::Value,
        max_values: serde_json::Value,
    }
    let bounds: LoggedBounds = serde_json::from_str(&file.stats).ok()?;
    let day = |values: &serde_json::Value| values.get(field)?.as_str()?.parse().ok();
    Some((day(&bounds.min_values)?, day(&bounds.max_values)?))
}

/// Returns the newest of the windows that the table holds, and [`WINDOWS`] random others.
pub(super) fn windows(context: &Context, held: BTreeSet<Period>) -> Vec<Period> {
    let mut rest: Vec<Period> = held.into_iter().collect();
    let mut windows: Vec<Period> = rest.pop().into_iter().collect();
    for _ in 0..WINDOWS {
        windows.extend(take(context, &mut rest));
    }
    windows
}

/// Returns the sample of the listing that names parents: its first ones, which are the newest.
pub(super) fn newest_parents() -> ListingSample {
    ListingSample { records: NEWEST_PARENTS, periods: Vec::new() }
}

/// Returns random parents that have about `rows` rows in the table. The reading takes them as it
/// takes parents that failed before: it reads their children without being told of them by the
/// listing.
pub(super) async fn parents(
    context: &Context,
    table: &Table,
    rows: u64,
) -> Result<BTreeMap<i64, ParkedParent>, RunError> {
    let mut held: BTreeMap<i64, (u64, Option<i64>)> = BTreeMap::new();
    for file in table.files() {
        let units = unit_rows(table, from_ref(file)).await?;
        let year = file.partition.as_ref().and_then(|year| year.parse().ok());
        for (parent, count) in units.parents {
            held.entry(parent).or_insert((0, year)).0 += count;
        }
    }
    let mut chosen = BTreeMap::new();
    let mut sum = 0;
    let mut rest: Vec<(i64, (u64, Option<i64>))> = held.into_iter().collect();
    while sum < rows && chosen.len() < PARENTS {
        let Some((parent, (count, created_year))) = take(context, &mut rest) else { break };
        chosen.insert(parent, ParkedParent { created_year, attempts: 0, reason: String::new() });
        sum += count;
    }
    Ok(chosen)
}

/// Removes a random element and returns it.
fn take<T>(context: &Context, of: &mut Vec<T>) -> Option<T> {
    let number = context.random.next().checked_rem(of.len() as u64)?;
    Some(of.swap_remove(usize::try_from(number).ok()?))
}
