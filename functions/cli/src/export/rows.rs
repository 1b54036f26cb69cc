//! Exports as text: CSV and JSON lines, a file for each table, or one table to standard output.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use delta::table::Table;
use deployment::config::LakePlace;
use engine::spec::StreamSpec;
use lake::progress::NoFileProgress;
use lake::text::{TextError, TextForm, write_rows};
use serde_json::{Value, json};

use super::{AGAIN, ALLOW, FREE};
use crate::display::StepDisplay;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::{LakeFacts, TableKind};
use crate::output::AnswerWriter;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;
use crate::text;

/// Name of standard output as a target.
pub(super) const STANDARD_OUTPUT: &str = "-";

/// Kinds of errors of a full disk.
const FULL: [ErrorKind; 3] =
    [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
/// Kinds of errors of a place that takes no file of this user.
const REFUSED: [ErrorKind; 4] = [
    ErrorKind::PermissionDenied,
    ErrorKind::ReadOnlyFilesystem,
    ErrorKind::IsADirectory,
    ErrorKind::NotADirectory,
];

/// Writes the rows of one table to standard output.
///
/// # Errors
/// Fails if more than one stream is named, a document is asked for, or the table cannot be read. What
/// was read until then is written.
pub(super) async fn to_output(
    lake: &LakeFacts,
    specs: &[&'static StreamSpec],
    form: TextForm,
    output: &mut AnswerWriter<'_>,
) -> Result<CommandAnswer, CliError> {
    let [spec] = specs else {
        let why = "standard output takes the rows of one stream: name one, or a folder".to_owned();
        return Err(CliError::Target { why });
    };
    if output.is_json() {
        let why = "`--json` and the rows would mix on standard output: leave it out".to_owned();
        return Err(CliError::Target { why });
    }
    let table = lake.open(spec).await?.ok_or_else(|| lake.no_table(spec, TableKind::Rows))?;
    match write_rows(&table, form, &NoFileProgress, |part| output.pass(part)).await {
        // A failed write is reported at the end of the output, and a reader that left is no failure.
        Ok(_) | Err(TextError::Write(_)) => {
            Ok(CommandAnswer::new(String::new(), Value::Null, CliExit::Done))
        }
        Err(source) if source.is_vanished() && is_newer(lake, spec, &table).await? => {
            Err(CliError::Overtaken { stream: spec.name })
        }
        Err(source) => Err(CliError::Rows { stream: spec.name, source }),
    }
}

/// Whether the table has a newer version than `table`.
async fn is_newer(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    table: &Table,
) -> Result<bool, CliError> {
    let now = lake.open(spec).await?;
    Ok(now.is_some_and(|now| now.version() > table.version()))
}

/// Writes a file for each table into the folder `target`.
///
/// # Errors
/// Fails if the target is no folder, or at the first table that cannot be exported.
pub(super) async fn to_folder(
    lake: &LakeFacts,
    specs: &[&'static StreamSpec],
    form: TextForm,
    target: &LakePlace,
    steps: &StepDisplay,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    let LakePlace::Folder(folder) = target else {
        let why = format!(
            "`{target}` is no folder of this machine: CSV and JSON lines go to one, or to `-`"
        );
        return Err(CliError::Target { why });
    };
    for spec in specs {
        let path = file_of(spec, form, folder);
        if path.is_dir() {
            let why = format!(
                "`{}` is a folder, and the export needs that name for a file: rename it, or name \
                 another target",
                path.display()
            );
            return Err(CliError::Target { why });
        }
    }
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    for spec in specs {
        steps.begin();
        let (path, count, version) = whole(lake, spec, form, folder, steps).await?;
        let bytes = fs::metadata(&path).map_or(0, |file| file.len());
        let location = path.display().to_string();
        rows.push(vec![
            spec.name.to_owned(),
            location.clone(),
            version.to_string(),
            text::count(count),
            text::bytes(bytes),
        ]);
        documents.push(json!({
            "stream": spec.name,
            "location": location,
            "version": version,
            "files": 1,
            "rows": count,
            "bytes": bytes,
            "existed": false,
            "statement": null,
        }));
    }
    let header = ["stream", "file", "version", "rows", "size"];
    let table = TextTable { header: &header, numbers: 2..5, spare: &[2, 4], rows };
    let json = json!({ "lake": lake.place.to_string(), "exports": documents });
    Ok(CommandAnswer::new(table.text(paint), json, CliExit::Done))
}

/// Returns the name of the file of one table.
fn file_name(spec: &StreamSpec, form: TextForm) -> String {
    let ending = match form {
        TextForm::Csv => "csv",
        TextForm::JsonLines => "jsonl",
    };
    format!("{}.{ending}", spec.name)
}

/// Returns the path of the file of one table.
fn file_of(spec: &StreamSpec, form: TextForm, folder: &Path) -> PathBuf {
    folder.join(file_name(spec, form))
}

/// Writes the file of one table; returns its path, its rows and the table's version. Begins anew if a
/// run deletes files that are being read.
async fn whole(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    form: TextForm,
    folder: &Path,
    steps: &StepDisplay,
) -> Result<(PathBuf, u64, u64), CliError> {
    let path = file_of(spec, form, folder);
    let partial = folder.join(format!(".{}.partial", file_name(spec, form)));
    let write = async |table: &Table| {
        let written = async {
            fs::create_dir_all(folder).map_err(TextError::Write)?;
            let mut file = BufWriter::new(File::create(&partial).map_err(TextError::Write)?);
            let count = write_rows(table, form, steps, |part| file.write_all(part)).await?;
            finished(file, &partial, &path).map_err(TextError::Write)?;
            Ok((count, table.version()))
        };
        written.await.map_err(|source| failed(spec.name, &path, source))
    };
    let written = lake.reading(spec, TableKind::Rows, write).await;
    if written.is_err() {
        // The file of an export before stays as it is.
        fs::remove_file(&partial).ok();
    }
    let (count, version) = written?.ok_or_else(|| lake.no_table(spec, TableKind::Rows))?;
    Ok((path, count, version))
}

/// Error of the file `path`, with the next step.
fn failed(stream: &'static str, path: &Path, error: TextError) -> CliError {
    match error {
        TextError::Write(source) => {
            let advice = match source.kind() {
                kind if FULL.contains(&kind) => FREE,
                kind if REFUSED.contains(&kind) => ALLOW,
                _ => AGAIN,
            };
            let place = path.display().to_string();
            CliError::Unwritten { stream, place, advice, source: Box::new(source) }
        }
        source @ (TextError::Read(_) | TextError::Encode(_)) => CliError::Rows { stream, source },
    }
}

/// Gives the whole file its name, so that no reader sees a part of it.
fn finished(file: BufWriter<File>, partial: &Path, path: &Path) -> io::Result<()> {
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(partial, path)
}

/// Refusal of Parquet on standard output.
pub(super) fn no_parquet() -> CliError {
    let why = "a snapshot in Parquet has many files: name a folder, or choose `--format csv` or \
               `--format jsonl` for standard output";
    CliError::Target { why: why.to_owned() }
}
