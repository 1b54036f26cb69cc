//! `harvest-lake reset`: deletes tables, so that the next sync loads them anew.
//!
//! The remedy for a table that is damaged, and for rows that settings should have left out from the
//! beginning. Rows that the next sync does not read again are lost, such as those before a start
//! date, and the table of changes begins anew. A reset that dies is completed by the next run of
//! the stream (`runtime::operate::reset`).

use core::fmt::Write as _;
use std::sync::Arc;

use delta::table::Table;
use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::spec::StreamSpec;
use runtime::Context;
use runtime::progress::NoProgress;
use serde_json::json;
use streams::{UnknownStream, find_stream};

use crate::arguments::ResetArguments;
use crate::consent::{self, TableLoss};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::said::CommandAnswer;
use crate::work::StreamWork;

/// Deletes tables, so that the next sync loads them anew. Asks Harvest nothing.
///
/// # Errors
/// Fails if a name or a setting is wrong, there is no lake or no consent, or the lake or its state
/// cannot be opened. A stream that is busy or fails is part of the answer, and others go on.
pub(crate) async fn reset(
    arguments: &ResetArguments,
    mut given: GivenSettings,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    // All names are looked up before the first table is deleted: a typing error in the last one
    // must not leave half of the work done.
    let wanted: Vec<_> =
        arguments.streams.iter().map(|name| WantedReset::of(name)).collect::<Result<_, _>>()?;
    let lake = LakeFacts::of(&given).await?;
    lake.exists().await?;
    lake.name_account(&mut given).await?;
    let deployment = DeploymentSettings::parse(&given)?;
    let mut losses = Vec::new();
    for one in &wanted {
        losses.push(one.loss(&lake).await);
    }
    let loss = format!(
        "Would go from {}:\n{}The next `sync` loads the tables anew; changes, rows before a start \
         date and what is deleted in Harvest do not come back.\n",
        lake.place,
        consent::lines(&losses)
    );
    let agreed = consent::given(arguments.consent, &loss, "Throw them away?")?;
    let (mut text, mut documents, mut exit) = (loss, Vec::new(), CliExit::Done);
    if agreed {
        text.clear();
        let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
        for one in wanted {
            let work = one.run(&context).await;
            let sentence = work.sentence(|()| one.done().to_owned());
            writeln!(text, "{}: {sentence}", one.name).unwrap_or_default();
            exit = exit.max(work.exit());
            documents.push(work.document(one.name, json!({})));
        }
    }
    let json = json!({
        "lake": deployment.lake.to_string(),
        "dry_run": !agreed,
        "losses": losses,
        "streams": documents,
    });
    Ok(CommandAnswer::new(text, json, exit))
}

/// Table that is to be thrown away.
struct WantedReset<'n> {
    name: &'n str,
    spec: &'static StreamSpec,
    /// Whether it is the table of changes alone: the stream's table stays, and the next run fills
    /// the table of its changes from it.
    of_changes: bool,
}

impl<'n> WantedReset<'n> {
    /// Finds the table by the name that a person typed.
    fn of(name: &'n str) -> Result<Self, UnknownStream> {
        let of_changes = name.strip_suffix("_changes");
        let spec = find_stream(of_changes.unwrap_or(name))?;
        Ok(Self { name, spec, of_changes: of_changes.is_some() })
    }

    /// Returns what would be lost.
    async fn loss(&self, lake: &LakeFacts) -> TableLoss {
        let changes = lake.open_changes(self.spec).await;
        let months = changes.iter().flatten().flat_map(Table::files);
        let changes_since = months.filter_map(|file| file.partition.clone()).min();
        let changes = changes.ok().map(|table| table.map_or(0, |table| table.rows()));
        let rows = if self.of_changes {
            Some(0)
        } else {
            match lake.open(self.spec).await {
                Ok(table) => Some(table.map_or(0, |table| table.rows())),
                Err(_) => None,
            }
        };
        TableLoss { table: self.name.to_owned(), rows, changes, changes_since }
    }

    async fn run(&self, context: &Context) -> StreamWork<()> {
        StreamWork::from(if self.of_changes {
            runtime::operate::reset::reset_changes(context, self.spec).await
        } else {
            runtime::operate::reset::reset(context, self.spec).await
        })
    }

    /// Words for what was done.
    const fn done(&self) -> &'static str {
        if self.of_changes {
            "gone; the next `sync` begins it anew with all rows"
        } else {
            "empty now; the next `sync` loads it anew"
        }
    }
}
