//! `harvest-lake files`: the files that a table consists of, now or at an older version.
//!
//! For readers without Delta: a folder also holds files that are no longer, or not yet, part of the
//! table, so that reading all `*.parquet` counts rows twice. `--paths` prints the paths alone, one
//! a line, for scripts.
//!
//! An older version may have lost files: removed files stay in the folder for the retention alone,
//! and in a local lake only with `--keep`. What is left of such a version is listed, with exit code
//! 1, because its rows would look complete.

use std::collections::BTreeSet;

use delta::table::{AsOf, Table};
use deployment::config::GivenSettings;
use engine::time::{Date, SignedDuration, Timestamp, minus, next_day};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::json;
use streams::{find_stream, find_table};

use crate::arguments::FilesArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;
use crate::text;

/// Lists the files that a table consists of, now or at an older version.
///
/// # Errors
/// Fails if there is no such stream, table or version, or the value of `--at` is no time.
pub(crate) async fn files(
    arguments: &FilesArguments,
    given: &GivenSettings,
) -> Result<CommandAnswer, CliError> {
    // `clients_changes` is the table of the changes of `clients`.
    let of_changes = arguments.stream.strip_suffix("_changes");
    let spec = match of_changes {
        Some(stream) => find_stream(stream)?,
        None => find_table(&arguments.stream)?,
    };
    // Before the lake is opened: a wrong time is reported at once, without any request.
    let as_of = as_of(arguments)?;
    let mut given = given.clone();
    arguments.settings.give(&mut given);
    let lake = LakeFacts::of(&given).await?;
    let opened =
        if of_changes.is_some() { lake.open_changes(spec).await? } else { lake.open(spec).await? };
    let Some(table) = opened else {
        let (table, lake) = (arguments.stream.clone(), lake.place.to_string());
        return Err(CliError::NoTable { table, lake });
    };
    // The newest version is whole by the rules of the log, so the folder is not listed.
    let Some(as_of) = as_of else {
        return Ok(said(arguments, &lake, &ShownVersion { table, past: None }));
    };
    let (table, committed) = table.as_of(as_of, SystemClock.now()).await?;
    let missing = table.missing_files().await?.into_iter().map(|file| file.path).collect();
    Ok(said(
        arguments,
        &lake,
        &ShownVersion { table, past: Some(PastVersion { committed, missing }) },
    ))
}

/// Version of a table to show.
struct ShownVersion {
    /// The table at this version.
    table: Table,
    /// Facts about a version that was asked for; `None` for the newest one.
    past: Option<PastVersion>,
}

/// Facts about a version that was named by its number or time.
struct PastVersion {
    /// Time of its commit; `None` if only a checkpoint still has the version.
    committed: Option<Timestamp>,
    /// Files that are deleted already.
    missing: BTreeSet<String>,
}

/// Returns the version that was asked for; `None` is the newest.
///
/// # Errors
/// Fails if the value of `--at` is no time.
fn as_of(arguments: &FilesArguments) -> Result<Option<AsOf>, CliError> {
    match (arguments.version, arguments.at.as_deref()) {
        (Some(version), _) => Ok(Some(AsOf::Version(version))),
        (None, Some(at)) => Ok(Some(AsOf::Instant(instant(at)?))),
        (None, None) => Ok(None),
    }
}

/// Parses an instant, or a day, which stands for its last instant in UTC: `--at 2026-11-23` shows
/// the table as it was at the end of that day.
///
/// # Errors
/// Fails if the text is neither.
fn instant(text: &str) -> Result<Timestamp, CliError> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let wrong = || CliError::Time { found: text.to_owned() };
    let end = midnight(next_day(day(text)?)).ok_or_else(wrong)?;
    Ok(minus(end, SignedDuration::from_nanos(1)))
}

/// Parses a day. A time of day without an offset is none: it would be dropped.
///
/// # Errors
/// Fails if the text is anything else.
pub(crate) fn day(text: &str) -> Result<Date, CliError> {
    let day = (text.len() == 10).then(|| text.parse().ok()).flatten();
    day.ok_or_else(|| CliError::Time { found: text.to_owned() })
}

/// Returns the first instant of a day in UTC; `None` beyond the representable times.
pub(crate) fn midnight(day: Date) -> Option<Timestamp> {
    format!("{day}T00:00:00Z").parse().ok()
}

/// Returns the list as text and as JSON.
fn said(arguments: &FilesArguments, lake: &LakeFacts, shown: &ShownVersion) -> CommandAnswer {
    let ShownVersion { table, past } = shown;
    let is_missing = |path: &str| past.as_ref().is_some_and(|past| past.missing.contains(path));
    let mut lines = String::new();
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for file in table.files() {
        // A path that a reader can open as it is: below the folder that was given, or `s3://...`.
        let path = lake.place.locate(&format!("{}/{}", table.root(), file.path));
        let missing = is_missing(&file.path);
        // `--paths` leaves out deleted files: a reader would fail on the first of them.
        if !missing {
            lines.push_str(&path);
            lines.push('\n');
        }
        let partition = file.partition.clone().unwrap_or_else(|| "·".to_owned());
        let mut row = vec![path.clone(), partition, text::count(file.rows), text::bytes(file.size)];
        // Only the files of an older version were looked for.
        if past.is_some() {
            row.push(if missing { "deleted" } else { "" }.to_owned());
        }
        rows.push(row);
        documents.push(json!({
            "path": path,
            "partition": file.partition,
            "rows": file.rows,
            "bytes": file.size,
            "exists": past.as_ref().map(|_| !missing),
        }));
    }
    let stream = &*table.schema().name;
    let lost = past.as_ref().map(|past| past.missing.len() as u64);
    let missing = lost.unwrap_or_default();
    // A script with `--paths` has no other way to see that the list is not whole.
    let exit = if missing > 0 { CliExit::SomeFailed } else { CliExit::Done };
    let json = json!({
        "lake": lake.place.to_string(),
        "stream": stream,
        "version": table.version(),
        "committed": past.as_ref().and_then(|past| past.committed),
        "missing": lost,
        "rows": table.rows(),
        "bytes": table.bytes(),
        "files": documents,
    });
    let text = if arguments.paths {
        lines
    } else {
        let header = ["file", "partition", "rows", "size", ""];
        let header = if past.is_some() { &header[..] } else { &header[..4] };
        // A path that is wrapped cannot be copied: as wide as in a pipe on a terminal, too.
        let table = TextTable { header, numbers: 2..4, spare: &[], rows };
        table.text(TextStyle::PLAIN) + &sum(shown)
    };
    let warning = warning(stream, table.version(), missing);
    if arguments.paths && !warning.is_empty() {
        // Standard output is for the paths alone.
        tracing::warn!("{}", warning.trim_end());
    }
    let text = if arguments.paths { text } else { text + &warning };
    CommandAnswer::new(text, json, exit)
}

/// Returns the line below the table: version, time of its commit, files, rows and size.
fn sum(shown: &ShownVersion) -> String {
    let ShownVersion { table, past } = shown;
    let committed = past.as_ref().and_then(|past| past.committed);
    let committed = committed
        .map_or_else(String::new, |at| format!(" ({})", at.strftime("%Y-%m-%d %H:%M:%S UTC")));
    format!(
        "\n{} of version {}{committed}: {}, {}, {}\n",
        table.schema().name,
        table.version(),
        text::plural(table.files().len() as u64, "file", "files"),
        text::plural(table.rows(), "row", "rows"),
        text::bytes(table.bytes()),
    )
}

/// Returns the warning about files of the version that are deleted; empty if none are.
fn warning(stream: &str, version: u64, missing: u64) -> String {
    if missing == 0 {
        return String::new();
    }
    let older = if stream.ends_with("_changes") {
        String::new()
    } else {
        format!(". The table `{stream}_changes` has older states, if changes are kept")
    };
    format!(
        "✗ {} of version {version} of `{stream}` {} deleted: this version cannot be read whole. \
         A local `sync` deletes removed files at its end; with `--keep` they stay for the time of \
         `--retention`{older}\n",
        text::plural(missing, "file", "files"),
        if missing == 1 { "is" } else { "are" },
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use delta::store::FolderStore;
    use delta::table::Table;
    use deployment::config::SettingName;
    use engine::ids::AccountId;
    use engine::time::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_table_without_rows_has_no_files_and_a_missing_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(FolderStore::new(folder.path()));
        let account = AccountId(7);
        let now = Timestamp::UNIX_EPOCH;
        Table::create(store.clone(), &streams::CLIENTS, account, now).await.unwrap();
        Table::create_changes(store, &streams::CLIENTS, account, now).await.unwrap();
        let mut given = GivenSettings::default();
        given.set(SettingName::LAKE, folder.path().to_str().unwrap());
        let ask = |stream: &str, paths| FilesArguments {
            stream: stream.to_owned(),
            paths,
            ..FilesArguments::default()
        };
        let said = files(&ask("clients", true), &given).await.unwrap();
        assert_eq!(said.text, "");
        assert_eq!(said.json["version"], 0);
        let said = files(&ask("clients_changes", true), &given).await.unwrap();
        assert_eq!(said.json["stream"], "clients_changes");
        let error = files(&ask("tasks", false), &given).await.unwrap_err();
        assert_eq!(error.exit(), CliExit::SomeFailed);
        assert!(error.chain().contains("`tasks`"), "{}", error.chain());
        let error = files(&ask("tasks_changes", false), &given).await.unwrap_err();
        assert!(error.chain().contains("`tasks_changes`"), "{}", error.chain());
    }

    #[test]
    fn a_warning_names_the_table_of_changes_of_a_stream_and_none_of_changes_themselves() {
        assert_eq!(warning("clients", 3, 0), "");
        assert!(warning("clients", 3, 1).contains("`clients_changes`"));
        let of_changes = warning("clients_changes", 3, 2);
        assert!(!of_changes.contains("_changes_changes"), "{of_changes}");
    }
}
