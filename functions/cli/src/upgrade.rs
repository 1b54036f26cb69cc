//! `harvest-lake upgrade`: rewrites files that hold in `extra_json` fields for which this version
//! has columns.
//!
//! harvest-lake itself reads such files as if they had the columns. Other engines do not: they see
//! null in a new column until the file is rewritten, by a run that changes its rows or by this
//! command. No row counts as changed.

use core::fmt::Write as _;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::spec::StreamSpec;
use runtime::operate::upgrade::UpgradeCounts;
use serde_json::json;
use streams::{UnknownStream, find_stream};

use crate::arguments::UpgradeArguments;
use crate::display::{DisplayForm, PlannedTable, StepDisplay};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::CommandAnswer;
use crate::text;
use crate::work::StreamWork;

/// Rewrites files that hold in `extra_json` fields that have a column now. Asks Harvest nothing.
///
/// # Errors
/// Fails if a name or a setting is wrong, or the lake or its state cannot be opened. A stream that
/// is busy or fails is part of the answer, and others go on.
pub(crate) async fn upgrade(
    arguments: &UpgradeArguments,
    mut given: GivenSettings,
    show: DisplayForm,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    let specs = wanted(&arguments.streams)?;
    let deployment = DeploymentSettings::parse(&given)?;
    let lake = LakeFacts::of(&given).await?;
    lake.exists().await?;
    let mut planned = Vec::new();
    for spec in &specs {
        let [rows, changes] = lake.reads(spec).await;
        planned.push(PlannedTable { name: spec.name, reads: rows.and(changes) });
    }
    let steps = StepDisplay::new(show, "upgrade", planned);
    let context = parts::context(&deployment, steps.progress()).await?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut exit = CliExit::Done;
    for spec in specs {
        steps.begin();
        let work = StreamWork::from(runtime::operate::upgrade::upgrade(&context, spec).await);
        writeln!(text, "{}: {}", spec.name, work.sentence(told)).unwrap_or_default();
        exit = exit.max(work.exit());
        let done = work.done.as_ref();
        let members = json!({
            "files": done.map(|done| done.of),
            "rewritten": done.map(|done| done.files),
            "rows": done.map(|done| done.rows),
            "commits": done.map(|done| done.commits),
            "changes": done.map(|done| done.changes),
        });
        documents.push(work.document(spec.name, members));
    }
    let json = json!({ "lake": deployment.lake.to_string(), "streams": documents });
    Ok(CommandAnswer::new(text, json, exit))
}

/// Tells one of three results: nothing to do; columns that only the log lacked; files rewritten.
fn told(done: &UpgradeCounts) -> String {
    match (done.files.saturating_add(done.changes), done.commits) {
        (0, 0) => "up to date".to_owned(),
        (0, _) => "new columns are in the log; no file needs them".to_owned(),
        (_, _) => format!(
            "{} of {} written anew, {}; and {}",
            done.files,
            text::plural(done.of, "file", "files"),
            text::plural(done.rows, "row", "rows"),
            text::plural(done.changes, "file of changes", "files of changes"),
        ),
    }
}

/// Returns the named streams, or all if none is named. Also for `quarantine retry`.
///
/// # Errors
/// Fails if one of the names is that of no stream; the error suggests near names.
pub(crate) fn wanted(names: &[String]) -> Result<Vec<&'static StreamSpec>, UnknownStream> {
    if names.is_empty() {
        return Ok(streams::STREAMS.to_vec());
    }
    names.iter().map(|name| find_stream(name)).collect()
}
