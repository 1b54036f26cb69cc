//! `harvest-lake export`: snapshots of tables as plain Parquet, for readers without Delta.
//!
//! The work is `lake::export`; here are the target, and what is printed. Each table is exported by
//! itself: if one fails, the snapshots before it are complete and stay, and a second call skips
//! them, because a version that is exported already is found by its `_SUCCESS`.

mod rows;

use std::path::{Component, Path, PathBuf};

use delta::store::{ObjectStore, StoreError};
use delta::table::Table;
use deployment::access::could_write;
use deployment::cloud::CloudClients;
use deployment::config::{GivenSettings, LakePlace};
use deployment::parts::{self, FolderFault};
use engine::spec::StreamSpec;
use lake::export::{ExportError, ExportOutcome, PartitionBy};
use lake::progress::FileProgress;
use lake::text::TextForm;
use serde_json::json;
use streams::find_stream;

use crate::arguments::{ExportArguments, ExportFormat};
use crate::display::{DisplayForm, PlannedTable, StepDisplay};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::{LakeFacts, TableKind};
use crate::output::AnswerWriter;
use crate::said::{CommandAnswer, TextStyle};
use crate::table::TextTable;
use crate::text;

/// Advice where the target is full.
const FREE: &str = "free some space there, and run again";
/// Advice where the target takes no files of this user.
const ALLOW: &str = "allow writing there, or name another place";
/// Advice where the reason may pass.
const AGAIN: &str = "mend the reason, or name another place, and run again";

/// Writes a snapshot of each named table. Returns their places, and the statements that register
/// them with other engines.
///
/// # Errors
/// Fails if a name or the target is wrong, before anything is written; or at the first table that
/// cannot be exported.
pub(crate) async fn export(
    arguments: &ExportArguments,
    given: &GivenSettings,
    show: DisplayForm,
    paint: TextStyle,
    output: &mut AnswerWriter<'_>,
) -> Result<CommandAnswer, CliError> {
    let mut given = given.clone();
    arguments.settings.give(&mut given);
    let (target, names) = target_and_streams(&arguments.names)?;
    let specs = names.iter().map(|name| find_stream(name)).collect::<Result<Vec<_>, _>>()?;
    let form = match arguments.format {
        ExportFormat::Parquet => None,
        ExportFormat::Csv => Some(TextForm::Csv),
        ExportFormat::Jsonl => Some(TextForm::JsonLines),
    };
    if form.is_some() && arguments.partition_by.is_some() {
        let why = "only snapshots in Parquet are divided: leave out `--partition-by`".to_owned();
        return Err(CliError::Target { why });
    }
    let lake = LakeFacts::of(&given).await?;
    if target == rows::STANDARD_OUTPUT {
        let form = form.ok_or_else(rows::no_parquet)?;
        return rows::to_output(&lake, &specs, form, output).await;
    }
    let place = LakePlace::parse(target).map_err(|why| CliError::Target { why })?;
    // Before the target is touched.
    outside(&place, &lake.place)?;
    writable(&place)?;
    let mut planned = Vec::new();
    for spec in &specs {
        let [reads, _] = lake.reads(spec).await;
        planned.push(PlannedTable { name: spec.name, reads });
    }
    let steps = StepDisplay::new(show, "export", planned);
    if let Some(form) = form {
        return rows::to_folder(&lake, &specs, form, &place, &steps, paint).await;
    }
    snapshots(&lake, &specs, arguments.partition_by.as_deref(), &place, &steps, paint).await
}

/// Writes a snapshot of each table, as Parquet.
async fn snapshots(
    lake: &LakeFacts,
    specs: &[&'static StreamSpec],
    partition_by: Option<&str>,
    place: &LakePlace,
    steps: &StepDisplay,
    paint: TextStyle,
) -> Result<CommandAnswer, CliError> {
    // The target may be in a bucket while the lake is in a folder, and the other way round.
    let store = parts::store(place, &CloudClients::from_environment()).await?;
    let mut rows = Vec::new();
    let mut documents = Vec::new();
    let mut statements = String::new();
    for spec in specs {
        steps.begin();
        let exported = exported(lake, spec, partition_by, &*store, steps).await;
        let exported = exported.map_err(|error| with_place(error, place))?;
        let ExportOutcome { folder, version, files, rows: count, bytes, .. } = &exported;
        let location = place.locate(&format!("{folder}/"));
        let partition = exported.partition.as_ref().map(|(name, ty)| (name.as_str(), *ty));
        let statement =
            catalog::ddl::hive_table(spec, spec.name, &exported.columns, partition, &location);
        rows.push(vec![
            spec.name.to_owned(),
            location.clone(),
            version.to_string(),
            text::count(*files),
            text::count(*count),
            text::bytes(*bytes),
            if exported.existed { "there already" } else { "" }.to_owned(),
        ]);
        documents.push(json!({
            "stream": spec.name,
            "location": location,
            "version": version,
            "files": files,
            "rows": count,
            "bytes": bytes,
            "existed": exported.existed,
            "statement": statement,
        }));
        statements.push('\n');
        statements.push_str(&statement);
        statements.push('\n');
    }
    let header = ["stream", "snapshot", "version", "files", "rows", "size", ""];
    let table = TextTable { header: &header, numbers: 2..6, spare: &[3, 2, 5], rows };
    let text = table.text(paint) + &statements;
    let json = json!({ "lake": lake.place.to_string(), "exports": documents });
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// Divides the names of the command line: the target comes last, as with `cp`.
///
/// # Errors
/// Fails if the target or the streams are missing. The parser cannot tell: a flag may stand between
/// them.
fn target_and_streams(names: &[String]) -> Result<(&String, &[String]), CliError> {
    let missing = "name the streams, and last the target: `harvest-lake export clients ./export`";
    let (target, names) =
        names.split_last().ok_or_else(|| CliError::Target { why: missing.to_owned() })?;
    no_stream(target)?;
    if names.is_empty() {
        let why = format!("`{target}` is the only name; {missing}");
        return Err(CliError::Target { why });
    }
    Ok((target, names))
}

/// Refuses a stream's name as the target: the target is most likely missing.
fn no_stream(target: &str) -> Result<(), CliError> {
    if find_stream(target).is_ok_and(|spec| spec.name == target) {
        let why = format!(
            "`{target}` is a stream; is the target missing? A folder of that name is `./{target}`"
        );
        return Err(CliError::Target { why });
    }
    Ok(())
}

/// Writes the snapshot of one table. Opens the table anew if a run deletes files that are being
/// read: the newest version then has other files, and its snapshot another folder.
///
/// # Errors
/// Fails if there is no table, no such column to divide by, or the export fails.
pub(crate) async fn exported(
    lake: &LakeFacts,
    spec: &'static StreamSpec,
    partition_by: Option<&str>,
    target: &dyn ObjectStore,
    progress: &dyn FileProgress,
) -> Result<ExportOutcome, CliError> {
    let read = async |table: &Table| {
        // Each time anew: the name means a column of the table that was just opened.
        let by = partition_by.map(|name| PartitionBy::parse(table.schema(), name)).transpose()?;
        let exported = lake::export::export(table, by.as_ref(), target, progress).await;
        exported.map_err(|source| CliError::Export { stream: spec.name, source })
    };
    let exported = lake.reading(spec, TableKind::Rows, read).await?;
    exported.ok_or_else(|| lake.no_table(spec, TableKind::Rows))
}

/// Adds the place to the error of a snapshot that could not be written there.
fn with_place(error: CliError, place: &LakePlace) -> CliError {
    let CliError::Export { stream, source: ExportError::Write(source) } = error else {
        return error;
    };
    let advice = match &source {
        StoreError::Full { .. } => FREE,
        StoreError::Denied { .. } | StoreError::NoBucket { .. } => ALLOW,
        StoreError::InvalidKey { .. } | StoreError::Failed { .. } => AGAIN,
    };
    CliError::Unwritten { stream, place: place.to_string(), advice, source: Box::new(source) }
}

/// Refuses a target that is a file, or a folder that cannot be written or made.
fn writable(target: &LakePlace) -> Result<(), CliError> {
    let LakePlace::Folder(folder) = target else { return Ok(()) };
    could_write(folder).map_err(|source| {
        let why = match FolderFault::of(folder) {
            FolderFault::NotWritable => format!("the folder `{target}` cannot be written: {ALLOW}"),
            FolderFault::NoFolder => format!("`{target}` is no folder: name one"),
            FolderFault::NotMade => format!("the folder `{target}` cannot be made: {ALLOW}"),
        };
        CliError::Target { why: format!("{why} ({source})") }
    })
}

/// Refuses a target inside the lake: the lake lists and vacuums the files in there, and could not
/// tell snapshots from its own files.
///
/// | target | lake | |
/// | --- | --- | --- |
/// | `./lake/export` | `./lake` | refused |
/// | `./link/x`, where `link` leads to `lake` | `./lake` | refused |
/// | `./lake-2` | `./lake` | allowed |
/// | `s3://b/lake/x` | `s3://b/lake` | refused |
/// | `s3://b/lakes` | `s3://b/lake` | allowed: a prefix ends at a slash |
fn outside(target: &LakePlace, lake: &LakePlace) -> Result<(), CliError> {
    let inside = match (target, lake) {
        (LakePlace::Folder(target), LakePlace::Folder(lake)) => {
            real_path(target).starts_with(real_path(lake))
        }
        (
            LakePlace::Bucket { bucket: target, prefix: below },
            LakePlace::Bucket { bucket: lake, prefix },
        ) => {
            // Prefixes are compared as text, because keys of S3 have no links and no dots with a
            // meaning.
            let rest = below.strip_prefix(prefix.as_str());
            target == lake
                && rest.is_some_and(|rest| {
                    prefix.is_empty() || rest.is_empty() || rest.starts_with('/')
                })
        }
        (LakePlace::Folder(_), LakePlace::Bucket { .. })
        | (LakePlace::Bucket { .. }, LakePlace::Folder(_)) => false,
    };
    if inside {
        let why = format!("`{target}` lies in the lake `{lake}`: choose another place");
        return Err(CliError::Target { why });
    }
    Ok(())
}

/// Returns the path without links and dots, also if its last parts do not exist yet.
/// `std::fs::canonicalize` alone fails on a path that does not exist, and the folder of an export
/// usually does not.
fn real_path(path: &Path) -> PathBuf {
    // A relative path begins here; an absolute one replaces it with its first part.
    let mut real = std::env::current_dir().unwrap_or_default();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => real.push(part),
        }
        // At each step, because `..` after a link is the parent of the link's target.
        if let Ok(found) = real.canonicalize() {
            real = found;
        }
    }
    real
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_target_inside_the_lake_is_refused_however_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("lake/tables")).unwrap();
        std::fs::create_dir_all(root.join("other/deep")).unwrap();
        std::os::unix::fs::symlink(root.join("lake"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("lake/tables"), root.join("other/into")).unwrap();
        std::os::unix::fs::symlink(root.join("other/deep"), root.join("lake/out")).unwrap();
        let place = |path: &str| LakePlace::Folder(root.join(path));
        for (target, lake, inside) in [
            ("lake", "lake", true),
            ("lake/exports", "lake", true),
            ("lake/exports/not/there", "lake", true),
            ("./other/../lake/x", "lake", true),
            ("link/x", "lake", true),
            ("lake/x", "link", true),
            ("other/into/x", "lake", true),
            ("none/../lake/x", "lake", true),
            ("exports", "lake", false),
            ("lake-2", "lake", false),
            ("lake/../exports", "lake", false),
            ("lake/out/x", "lake", false),
            ("lake/out/../x", "lake", false),
            ("x", "not-there", false),
            ("not-there/x", "not-there", true),
        ] {
            let refused = outside(&place(target), &place(lake));
            assert_eq!(refused.is_err(), inside, "{target} in {lake}");
            assert!(refused.err().is_none_or(|error| error.exit() == CliExit::Usage));
        }
    }

    #[test]
    fn the_target_is_the_last_name_and_may_be_no_file() {
        let names = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let told = |line| target_and_streams(&names(line)).map(|_| ()).unwrap_err().to_string();
        assert!(told("./out").contains("harvest-lake export clients ./export"));
        assert!(told("clients").contains("is the target missing?"));
        let whole = names("clients tasks ./out");
        let (target, streams) = target_and_streams(&whole).unwrap();
        assert_eq!((target.as_str(), streams.len()), ("./out", 2));

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        writable(&LakePlace::Folder(folder.path().join("a/b"))).unwrap();
        for (place, words) in [(file.clone(), "is no folder"), (file.join("a"), "cannot be made")] {
            let error = writable(&LakePlace::Folder(place)).unwrap_err();
            let told = error.to_string();
            assert!(told.contains(words) && told.contains("/file"), "{told}");
            assert_eq!(error.exit(), CliExit::Usage);
        }
    }

    #[test]
    fn a_target_that_is_full_is_named() {
        let source = std::io::ErrorKind::StorageFull.into();
        let source = StoreError::Full { key: "a".to_owned(), source };
        let error = CliError::Export { stream: "clients", source: ExportError::Write(source) };
        let told = with_place(error, &LakePlace::parse("./out").unwrap()).to_string();
        assert!(told.contains("`./out`") && told.contains("free some space"), "{told}");
    }

    #[test]
    fn a_prefix_below_that_of_the_lake_is_inside() {
        let place = |text: &str| LakePlace::parse(text).unwrap();
        for (target, lake, inside) in [
            ("s3://abc/lake", "s3://abc/lake", true),
            ("s3://abc/lake/x", "s3://abc/lake", true),
            ("s3://abc/lakes", "s3://abc/lake", false),
            ("s3://abc/x", "s3://abc/lake", false),
            ("s3://abcd/lake/x", "s3://abc/lake", false),
            ("s3://abc/x", "s3://abc", true),
            ("s3://abc", "s3://abc/lake", false),
            ("./abc", "s3://abc", false),
        ] {
            assert_eq!(
                outside(&place(target), &place(lake)).is_err(),
                inside,
                "{target} in {lake}"
            );
        }
    }
}
