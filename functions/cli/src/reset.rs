//! `harvest-lake reset`: deletes tables, so that the next sync loads them anew.
//!
//! The remedy for a table that is damaged, and for rows that settings should have left out from the
//! beginning. Rows that the next sync does not read again are lost, such as those before a start
//! date, and the table of changes begins anew. A reset that dies is completed by the next run of
//! the stream (`runtime::operate::reset`).

use core::fmt::Write as _;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use runtime::progress::NoProgress;
use serde_json::json;
use streams::find_stream;

use crate::arguments::ResetArguments;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::CommandAnswer;
use crate::work::StreamWork;

/// Deletes tables, so that the next sync loads them anew. Asks Harvest nothing.
///
/// # Errors
/// Fails if a name or a setting is wrong, or the lake or its state cannot be opened. A stream that
/// is busy or fails is part of the answer, and others go on.
pub(crate) async fn reset(
    arguments: &ResetArguments,
    mut given: GivenSettings,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    // All names are looked up before the first table is deleted: a typing error in the last one
    // must not leave half of the work done.
    let mut wanted = Vec::new();
    for name in &arguments.streams {
        let of_changes = name.strip_suffix("_changes");
        wanted.push((name, find_stream(of_changes.unwrap_or(name))?, of_changes.is_some()));
    }
    let deployment = DeploymentSettings::parse(&given)?;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut exit = CliExit::Done;
    for (name, spec, of_changes) in wanted {
        // `clients_changes` alone can be reset: the table of `clients` stays, and the next run
        // fills the table of its changes from it.
        let work = StreamWork::from(if of_changes {
            runtime::operate::reset::reset_changes(&context, spec).await
        } else {
            runtime::operate::reset::reset(&context, spec).await
        });
        let done = if of_changes {
            "gone; the next `sync` begins it anew with all rows"
        } else {
            "empty now; the next `sync` loads it anew"
        };
        writeln!(text, "{name}: {}", work.sentence(|()| done.to_owned())).unwrap_or_default();
        exit = exit.max(work.exit());
        documents.push(work.document(name, json!({})));
    }
    let json = json!({ "lake": deployment.lake.to_string(), "streams": documents });
    Ok(CommandAnswer::new(text, json, exit))
}
