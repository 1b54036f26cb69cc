//! Choice of the part of a stream that a sample reads.

use core::slice::from_ref;
use std::collections::{BTreeMap, BTreeSet};

use delta::table::{FileEntry, Table};
use engine::time::Date;
use engine::window::{Period, WindowGrid};
use lake::partition::{UnitRowCounts, held_units};
use lake::verify::VerifyError;
use runtime::Context;
use serde::Deserialize;

/// Number of report windows that are read beside the newest.
const WINDOWS: usize = 2;
/// Most parents whose children are read: of those with rows, and of the others.
const PARENTS: (usize, usize) = (25, 5);

/// Returns a random month between the first and the last day of a random file; `None` if no file
/// tells its days.
pub(super) fn month(context: &Context, table: &Table, field: &str) -> Option<Period> {
    let days: Vec<(Date, Date)> =
        table.files().iter().filter_map(|file| days(file, field)).collect();
    let (first, last) = chosen(context, &days)?;
    let months = WindowGrid::Month.windows(*first, *last);
    chosen(context, &months).copied()
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

/// Returns the newest of these windows, and `WINDOWS` random others.
pub(super) fn windows(context: &Context, held: Vec<Period>) -> BTreeSet<Period> {
    let mut rest = held;
    rest.sort();
    let mut windows: BTreeSet<Period> = rest.pop().into_iter().collect();
    for _ in 0..WINDOWS {
        windows.extend(take(context, &mut rest));
    }
    windows
}

/// Returns the units of which the table holds rows.
pub(super) async fn held(table: &Table) -> Result<UnitRowCounts, VerifyError> {
    let (store, root) = (table.store().as_ref(), table.root());
    Ok(held_units(store, root, table.schema(), table.files()).await?)
}

/// Returns random parents that have about `rows` rows in the table, and some others of `listed`;
/// each with its year.
pub(super) async fn parents(
    context: &Context,
    table: &Table,
    listed: BTreeMap<i64, Option<i64>>,
    rows: u64,
) -> Result<BTreeMap<i64, Option<i64>>, VerifyError> {
    let mut held: BTreeMap<i64, (u64, Option<i64>)> = BTreeMap::new();
    for file in table.files() {
        let (store, root) = (table.store().as_ref(), table.root());
        let units = held_units(store, root, table.schema(), from_ref(file)).await?;
        let year = file.partition.as_ref().and_then(|year| year.parse().ok());
        for (parent, count) in units.parents {
            held.entry(parent).or_insert((0, year)).0 += count;
        }
    }
    let mut chosen = BTreeMap::new();
    let mut sum = 0;
    let mut rest: Vec<(i64, (u64, Option<i64>))> = held.into_iter().collect();
    while sum < rows && chosen.len() < PARENTS.0 {
        let Some((parent, (count, year))) = take(context, &mut rest) else { break };
        // The year of the listing is newer than that of the table.
        chosen.insert(parent, listed.get(&parent).copied().unwrap_or(year));
        sum += count;
    }
    let mut others: Vec<(i64, Option<i64>)> =
        listed.into_iter().filter(|(id, _)| !chosen.contains_key(id)).collect();
    for _ in 0..PARENTS.1 {
        chosen.extend(take(context, &mut others));
    }
    Ok(chosen)
}

/// Returns a random element.
fn chosen<'a, T>(context: &Context, of: &'a [T]) -> Option<&'a T> {
    of.get(place(context, of.len())?)
}

/// Removes a random element and returns it.
fn take<T>(context: &Context, of: &mut Vec<T>) -> Option<T> {
    let at = place(context, of.len())?;
    Some(of.swap_remove(at))
}

fn place(context: &Context, length: usize) -> Option<usize> {
    let number = context.random.next().checked_rem(length as u64)?;
    usize::try_from(number).ok()
}
