//! `harvest-lake head`: the newest rows of a table.

use delta::table::Table;
use deployment::config::GivenSettings;
use engine::spec::StreamSpec;
use lake::text::{NewestRows, RowChoice, ShownColumn, newest};
use serde_json::{Map, Value, json};
use streams::find_stream;
use unicode_width::UnicodeWidthStr as _;

use crate::arguments::HeadArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::{LakeFacts, TableKind};
use crate::said::{CommandAnswer, TextDetail, TextStyle};
use crate::table::TextTable;
use crate::text;

/// Most columns of a cell on a terminal.
const CELL: usize = 32;
/// Columns between two cells of a table.
const GAP: usize = 3;

/// Rows of a table, and what is known of it.
pub(crate) struct HeadRows {
    pub(crate) newest: NewestRows,
    /// Number of rows of the table.
    pub(crate) rows: u64,
    version: u64,
}

/// Shows the newest rows of a table.
///
/// # Errors
/// Fails if there is no such stream, table or column, or the table cannot be read.
pub(crate) async fn head(
    arguments: &HeadArguments,
    given: &GivenSettings,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    let of_changes = arguments.stream.strip_suffix("_changes");
    let spec = find_stream(of_changes.unwrap_or(&arguments.stream))?;
    let mut given = given.clone();
    arguments.settings.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    let choice = RowChoice { most: usize::from(arguments.rows), id: None };
    let table = if of_changes.is_some() { TableKind::Changes } else { TableKind::Rows };
    let found = Box::pin(read(&lake, spec, table, choice)).await?;
    let wanted = wanted(&found.newest.columns, arguments)?;
    let text = match &wanted {
        Some(columns) => drawn(&found.newest, columns, paint),
        None => fitted(&found, paint),
    };
    let json = json!({
        "lake": lake.place.to_string(),
        "table": arguments.stream,
        "version": found.version,
        "rows": found.rows,
        "newest": documents(&found.newest, wanted.as_deref()),
    });
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// Reads the newest rows.
///
/// # Errors
/// Fails if there is no table, or it cannot be read.
pub(crate) async fn read(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    kind: TableKind,
    choice: RowChoice,
) -> Result<HeadRows, CliError> {
    let read = async |table: &Table| {
        let found = newest(table, choice).await;
        let newest = found.map_err(|source| CliError::Rows { stream: spec.name, source })?;
        Ok(HeadRows { newest, rows: table.rows(), version: table.version() })
    };
    let found = lake.reading(spec, kind, read).await?;
    found.ok_or_else(|| lake.no_table(spec, kind))
}

/// Positions of the columns that were asked for; `None`: none were named.
///
/// # Errors
/// Fails if there is no such column.
fn wanted(
    columns: &[ShownColumn],
    arguments: &HeadArguments,
) -> Result<Option<Vec<usize>>, CliError> {
    if arguments.columns.is_empty() {
        return Ok(None);
    }
    let place = |name: &String| {
        let found = columns.iter().position(|column| column.name == *name);
        let (column, table) = (name.clone(), arguments.stream.clone());
        found.ok_or(CliError::NoColumn { column, table })
    };
    arguments.columns.iter().map(place).collect::<Result<_, _>>().map(Some)
}

/// Returns the rows with the columns that the terminal has room for, and a line about the others.
/// A pipe, and `--verbose`, get all columns.
fn fitted(found: &HeadRows, paint: TextStyle) -> String {
    let newest = &found.newest;
    let all: Vec<usize> = (0..newest.columns.len()).collect();
    let width = paint.width.filter(|_| paint.detail != TextDetail::All);
    let Some(width) = width else { return drawn(newest, &all, paint) };
    let columns = fitting(newest, usize::from(width));
    let told = format!(
        "newest {} of {} rows, {} of {} columns (`--columns` chooses them, `--verbose` shows all)",
        newest.rows.len(),
        text::count(found.rows),
        columns.len(),
        all.len(),
    );
    format!("{}{}\n", drawn(newest, &columns, paint), paint.faint(&paint.wrapped(&told)))
}

/// Positions of the columns that say something about these rows and fit into `width`, in the order
/// of the table. Ids of embedded records are beside their names, and say less.
fn fitting(newest: &NewestRows, width: usize) -> Vec<usize> {
    let says = |at: &usize| {
        let column = newest.columns.get(*at);
        let set = newest.rows.iter().any(|row| row.get(*at).is_some_and(Option::is_some));
        column.is_some_and(|column| {
            (column.is_of_record || ["op", "changed_at"].contains(&column.name.as_str()))
                && !column.name.ends_with("_id")
        }) && (set || newest.rows.is_empty())
    };
    let mut left = width;
    let mut columns = Vec::new();
    let mut candidates: Vec<usize> = (0..newest.columns.len()).filter(says).collect();
    candidates.sort_by_key(|at| rank(newest, *at));
    for at in candidates {
        let header = newest.columns.get(at).map_or(0, |column| column.name.width());
        let cells = newest.rows.iter().map(|row| cell(newest, row, at, Some(CELL)).width());
        let needed = cells.max().unwrap_or(0).max(header);
        if needed > left {
            continue;
        }
        columns.push(at);
        left = left.saturating_sub(needed + GAP);
    }
    columns.sort_unstable();
    columns
}

/// Returns the place of a column in the order in which they get room: what a row is about comes first,
/// then numbers, then other texts, then flags, addresses and lists.
fn rank(newest: &NewestRows, at: usize) -> u8 {
    let name = newest.columns.get(at).map_or("", |column| column.name.as_str());
    let first = newest.rows.iter().find_map(|row| row.get(at)?.as_deref()).unwrap_or_default();
    let names = ["client_name", "user_name", "project_name", "task_name"];
    match name {
        "op" | "id" | "name" | "number" | "first_name" | "last_name" | "period_start" => 0,
        _ if name.ends_with("_date") || names.contains(&name) => 0,
        _ if first.contains('.') && newest.columns.get(at).is_some_and(|it| it.is_number) => 1,
        _ if ["true", "false"].contains(&first) || first.starts_with(['[', '{']) => 3,
        _ if first.contains("://") => 3,
        _ => 2,
    }
}

/// Returns the rows as a table with these columns.
pub(crate) fn drawn(newest: &NewestRows, columns: &[usize], paint: TextStyle) -> String {
    // A pipe gets whole values; on a terminal a note of many lines would hide the row.
    let most = paint.width.map(|_| CELL);
    let is_number = |at: usize| newest.columns.get(at).is_some_and(|column| column.is_number);
    let name = |at: &usize| newest.columns.get(*at).map_or("", |column| column.name.as_str());
    let mut rows: Vec<Vec<String>> = newest
        .rows
        .iter()
        .map(|row| columns.iter().map(|at| cell(newest, row, *at, most)).collect())
        .collect();
    let mut header: Vec<String> = columns.iter().map(|at| name(at).to_owned()).collect();
    // Numbers end below each other, and their names above them.
    for (place, _) in columns.iter().enumerate().filter(|(_, at)| is_number(**at)) {
        let lines = || rows.iter().chain([&header]).filter_map(|row| row.get(place));
        let width = lines().map(|cell| cell.chars().count()).max().unwrap_or(0);
        for row in rows.iter_mut().chain([&mut header]) {
            if let Some(cell) = row.get_mut(place) {
                *cell = format!("{cell:>width$}");
            }
        }
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    TextTable { header: &header, numbers: 0..0, spare: &[], rows }.text(paint)
}

/// Returns one value on one line, cut to `most` columns.
pub(crate) fn cell(
    newest: &NewestRows,
    row: &[Option<String>],
    at: usize,
    most: Option<usize>,
) -> String {
    let Some(Some(found)) = row.get(at) else { return String::new() };
    if newest.columns.get(at).is_some_and(|column| column.is_number) {
        return decimal(found).to_owned();
    }
    let line = text::line(found);
    match most {
        Some(most) => text::cut(&line, most),
        None => line,
    }
}

/// Returns a decimal without the zeros at its end, except for two digits after the point.
pub(crate) fn decimal(text: &str) -> &str {
    let Some((whole, digits)) = text.split_once('.') else { return text };
    let kept = digits.trim_end_matches('0').len().max(digits.len().min(2));
    text.get(..whole.len() + 1 + kept).unwrap_or(text)
}

/// Returns the rows as objects: the exact text of each value, or null.
fn documents(newest: &NewestRows, wanted: Option<&[usize]>) -> Vec<Value> {
    let is_wanted = |at: &usize| wanted.is_none_or(|wanted| wanted.contains(at));
    let document = |row: &Vec<Option<String>>| {
        let members = newest.columns.iter().zip(row).enumerate();
        let members = members.filter(|(at, _)| is_wanted(at));
        Value::Object(
            members
                .map(|(_, (column, text))| (column.name.clone(), json!(text)))
                .collect::<Map<_, _>>(),
        )
    };
    newest.rows.iter().map(document).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> NewestRows {
        let column = |name: &str, is_number| ShownColumn {
            name: name.to_owned(),
            is_number,
            is_of_record: name != "synced_at",
        };
        let columns = [
            ("id", true),
            ("client_id", true),
            ("notes", false),
            ("hours", true),
            ("nothing", false),
            ("synced_at", false),
        ];
        let row = |id: &str, notes: &str, hours: &str| {
            let texts = [Some(id), Some("5"), Some(notes), Some(hours), None, Some("now")];
            texts.map(|text| text.map(str::to_owned)).to_vec()
        };
        NewestRows {
            columns: columns.map(|(name, is_number)| column(name, is_number)).to_vec(),
            rows: vec![
                row("7", "two\nlines, and more of them than fit", "7.500000"),
                row("1234", "x", "12.250000"),
            ],
        }
    }

    #[test]
    fn decimals_lose_no_digit_that_counts() {
        for (text, shown) in [
            ("7.500000", "7.50"),
            ("0.000000", "0.00"),
            ("1.234500", "1.2345"),
            ("-3.1000", "-3.10"),
            ("10", "10"),
            ("100.0", "100.0"),
        ] {
            assert_eq!(decimal(text), shown);
        }
    }

    #[test]
    fn a_terminal_gets_the_columns_that_say_something_and_fit() {
        let found = HeadRows { newest: rows(), rows: 5_004, version: 1 };
        for width in 10..90 {
            let paint = TextStyle { width: Some(width), ..TextStyle::PLAIN };
            let text = fitted(&found, paint);
            let table = text.lines().take_while(|line| !line.starts_with("newest"));
            for line in table {
                assert!(line.chars().count() <= usize::from(width), "{width}: {text}");
            }
            assert!(!text.contains("client_id") && !text.contains("nothing"), "{text}");
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(words.join(" ").contains("2 of 5,004 rows"), "{text}");
        }
        let text = fitted(&found, TextStyle { width: Some(80), ..TextStyle::PLAIN });
        assert!(text.contains("   7   two lines, and more of them tha…    7.50\n"), "{text}");
        assert!(text.contains("1234   x                                  12.25\n"), "{text}");
    }

    #[test]
    fn a_pipe_gets_all_columns_and_whole_values() {
        let found = HeadRows { newest: rows(), rows: 2, version: 1 };
        let text = fitted(&found, TextStyle::PLAIN);
        assert!(text.contains("two lines, and more of them than fit"), "{text}");
        assert!(text.contains("client_id") && text.contains("synced_at"), "{text}");
        assert!(!text.contains("newest"), "{text}");
    }
}
