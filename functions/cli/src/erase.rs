//! `harvest-lake erase`: removes a person's own data from the lake, and keeps it out.
//!
//! The order matters. First the user's id is stored in `erased.json`, which every run reads before
//! it writes rows and checks again before it commits; only then are tables rewritten. The other way
//! round, a run could write the data again after the rewriting. If the process dies in between,
//! the command can be called again: what is done stays done.

use core::fmt::Write as _;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use runtime::erased::{ERASED, is_remembered, remember};
use runtime::operate::erase::{ErasureCounts, erase};
use runtime::progress::NoProgress;
use serde_json::json;

use crate::arguments::EraseArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::CommandAnswer;
use crate::text;
use crate::work::StreamWork;

/// Text about the data that rewriting this lake cannot remove. Printed each time, because a person
/// who answers a request for erasure has to look after these places by hand.
const REMAINS: &str = "\nWhat they did stays under their id: hours, costs, days, rates, memberships. \
    Harvest keeps the person until they are deleted there; runs of this version never write their \
    data again (`erased.json` in the lake). Names in messages, payments and free text of others \
    (project notes, line items) have no id to find them by: search for the name. Exports, copies, \
    snapshots and former versions of a bucket's objects are not touched.\n";

/// Removes a person's own data from tables, their older versions and the quarantine.
///
/// # Errors
/// Fails if a setting is wrong, or the list of erased users cannot be read or written. Nothing is
/// erased before the list has the user. A stream that is busy or fails is part of the answer, and
/// others go on.
pub(crate) async fn erased(
    arguments: &EraseArguments,
    mut given: GivenSettings,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    let user = arguments.user;
    let deployment = DeploymentSettings::parse(&given)?;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    remember(&context, user).await?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut exit = CliExit::Done;
    for spec in streams::STREAMS {
        // The declaration says which members are a person's own; most streams have none.
        let Some(personal) = &spec.personal else { continue };
        let stream = spec.name;
        let work = StreamWork::from(erase(&context, spec, personal, user).await);
        writeln!(text, "{stream}: {}", work.sentence(told)).unwrap_or_default();
        exit = exit.max(work.exit());
        let done = work.done.as_ref();
        let members = json!({
            "files": done.map(|done| done.upgraded.of),
            "rewritten": done.map(|done| done.upgraded.files),
            "changes": done.map(|done| done.changes),
            "removed": done.map(|done| done.removed),
            "members": personal.members,
        });
        documents.push(work.document(stream, members));
    }
    // Looked at once more at the end: if somebody has restored an older `erased.json` meanwhile,
    // runs may write the data again.
    let remembered = is_remembered(&context, user).await?;
    if !remembered {
        exit = CliExit::SomeFailed;
        writeln!(text, "`{ERASED}` no longer has user {user}: call this again").unwrap_or_default();
    }
    text.push_str(REMAINS);
    let json = json!({
        "lake": deployment.lake.to_string(),
        "user": user,
        "remembered": remembered,
        "streams": documents,
    });
    Ok(CommandAnswer::new(text, json, exit))
}

/// Tells what was erased from one stream.
fn told(done: &ErasureCounts) -> String {
    let files = text::plural(done.upgraded.files, "file", "files");
    let changes = text::plural(done.changes, "file of changes", "files of changes");
    let records = text::plural(done.removed, "record", "records");
    format!("{files} and {changes} written anew, {records} of the quarantine removed")
}
