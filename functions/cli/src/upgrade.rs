//! `harvest-lake upgrade`: rewrites files that hold in `extra_json` fields for which this version
//! has columns.
//!
//! harvest-lake itself reads such files as if they had the columns. Other engines do not: they see
//! null in a new column until the file is rewritten, by a run that changes its rows or by this
//! command. No row counts as changed.

use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::spec::StreamSpec;
use runtime::progress::NoProgress;
use serde_json::json;
use streams::{UnknownStream, find_stream};

use crate::arguments::UpgradeArguments;
use crate::exit::{CliError, CliExit};
use crate::said::CommandAnswer;
use crate::{text, undone};

/// Rewrites files that hold in `extra_json` fields that have a column now. Asks Harvest nothing.
///
/// # Errors
/// Fails if a name or a setting is wrong, or the lake or its state cannot be opened. A stream that
/// is busy or fails is part of the answer, and others go on.
pub(crate) async fn upgrade(
    arguments: &UpgradeArguments,
    mut given: GivenSettings,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    let specs = wanted(&arguments.streams)?;
    let deployment = DeploymentSettings::parse(&given)?;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    let mut exit = CliExit::Done;
    for spec in specs {
        let stream = spec.name;
        match runtime::operate::upgrade::upgrade(&context, spec).await {
            Ok(Ok(done)) => {
                // Three results: nothing to do; columns that only the log lacked; files rewritten.
                lines.push(match (done.files.saturating_add(done.changes), done.commits) {
                    (0, 0) => format!("{stream}: up to date\n"),
                    (0, _) => format!("{stream}: new columns are in the log; no file needs them\n"),
                    (_, _) => format!(
                        "{stream}: {} of {} written anew, {}; and {}\n",
                        done.files,
                        text::plural(done.of, "file", "files"),
                        text::plural(done.rows, "row", "rows"),
                        text::plural(done.changes, "file of changes", "files of changes"),
                    ),
                });
                documents.push(json!({
                    "stream": stream, "outcome": "complete", "files": done.of,
                    "rewritten": done.files, "rows": done.rows, "commits": done.commits,
                    "changes": done.changes,
                }));
            }
            Ok(Err(busy)) => {
                exit = CliExit::SomeFailed;
                lines.push(format!(
                    "{stream}: a run works on it until {} at least; nothing was done, try again \
                     then\n",
                    busy.until
                ));
                documents.push(undone::busy(stream, &busy));
            }
            Err(error) => {
                exit = CliExit::SomeFailed;
                lines.push(format!("{stream}: {}\n", error.chain()));
                documents.push(undone::failed(stream, &error));
            }
        }
    }
    let json = json!({
        "lake": deployment.lake.to_string(),
        "streams": documents,
        "exit_code": exit.code(),
    });
    Ok(CommandAnswer { text: lines.concat(), json, exit })
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
