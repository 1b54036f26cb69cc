//! `harvest-lake erase`: removes a person's own data from the lake, and keeps it out.
//!
//! The order matters. First the user's id is stored in `erased.json`, which every run reads before
//! it writes rows and checks again before it commits; only then are tables rewritten. The other way
//! round, a run could write the data again after the rewriting. If the process dies in between,
//! the command can be called again: what is done stays done.

use core::fmt::Write as _;
use std::collections::BTreeSet;
use std::sync::Arc;

use delta::store::ObjectStore;
use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use engine::spec::PersonalFields;
use lake::person::rows_about;
use runtime::erased::{
    ERASED, end, forget_former_person, is_remembered, remember, unfinished_erasures,
};
use runtime::operate::erase::{ErasureCounts, erase};
use runtime::operate::quarantine::list;
use serde_json::{Value, json};

use crate::arguments::EraseArguments;
use crate::consent::{self, TableLoss};
use crate::display::{DisplayForm, PlannedTable, StepDisplay};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::lake_facts::LakeFacts;
use crate::report;
use crate::said::CommandAnswer;
use crate::text;
use crate::work::StreamWork;

/// Text about the data that rewriting this lake cannot remove. Printed each time, because a person
/// who answers a request for erasure has to look after these places by hand.
const REMAINS: &str = "\nWhat they did stays under their id: hours, costs, days, rates, memberships. \
    Harvest keeps the person until they are deleted there; runs of this version never write their \
    data again (`erased.json` in the lake). Names in messages, payments and free text of others \
    (project notes, line items) have no id to find them by: search for the name. Exports, copies, \
    snapshots and former versions of a bucket's objects are not touched, nor are files that another \
    engine left in the folder of a table and that its log does not name.\n";

/// Removes a person's own data from tables, their older versions and the quarantine.
///
/// # Errors
/// Fails if a setting is wrong, there is no lake, no row about the person, or no consent, or the
/// list of erased users cannot be read or written. Nothing is erased before the list has the user. A
/// stream that is busy or fails is part of the answer, and others go on.
pub(crate) async fn erased(
    arguments: &EraseArguments,
    mut given: GivenSettings,
    show: DisplayForm,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    let user = arguments.user;
    let lake = LakeFacts::of(&given).await?;
    lake.exists().await?;
    lake.name_account(&mut given).await?;
    let deployment = DeploymentSettings::parse(&given)?;
    let planned = planned(&lake).await;
    let steps = StepDisplay::new(show, "search", planned.clone());
    let found = FoundPerson::of(&lake, user, &steps).await?;
    // An erasure that was stopped has to end, even if it has left nothing to find.
    let begun = unfinished_erasures(&*lake.store).await?.contains(&user);
    if !begun && !found.is_any() {
        return Err(CliError::NoPerson { lake: lake.place.to_string(), user });
    }
    // Gone before the question.
    drop(steps);
    let names = found.names.iter().cloned().collect::<Vec<_>>().join(", ");
    let who = if names.is_empty() { "no name left".to_owned() } else { names };
    let loss = format!(
        "User {user} ({who}) in {}:\n{}Their own data in these rows goes for good.\n",
        lake.place,
        consent::lines(&found.losses)
    );
    let agreed = consent::given(arguments.consent, &loss, "Erase it?")?;
    let mut work = ErasureWork { text: loss, ..ErasureWork::default() };
    if agreed {
        let steps = StepDisplay::new(show, "erase", planned);
        work = ErasureWork::done(&deployment, user, &steps).await?;
    }
    let json = json!({
        "lake": deployment.lake.to_string(),
        "dry_run": !agreed,
        "user": user,
        "names": found.names,
        "losses": found.losses,
        "remembered": work.remembered,
        "page_removed": work.page_removed,
        "streams": work.documents,
    });
    Ok(CommandAnswer::new(work.text, json, work.exit))
}

/// Returns the tables with people's own data: all of their rows and changes are read, for the search
/// and again for the erasure.
async fn planned(lake: &LakeFacts) -> Vec<PlannedTable> {
    let mut planned = Vec::new();
    for spec in streams::STREAMS.iter().filter(|spec| spec.personal.is_some()) {
        let [rows, changes] = lake.reads(spec).await;
        planned.push(PlannedTable { name: spec.name, reads: rows.and(changes) });
    }
    planned
}

/// Rows about a person.
struct FoundPerson {
    names: BTreeSet<String>,
    losses: Vec<TableLoss>,
    /// Whether the quarantine has records, which may be theirs.
    quarantine: bool,
}

impl FoundPerson {
    /// Whether anything can be about them.
    fn is_any(&self) -> bool {
        self.quarantine || self.losses.iter().any(TableLoss::is_any)
    }

    /// Looks for the person in all tables.
    ///
    /// # Errors
    /// Fails if the quarantine cannot be listed.
    async fn of(lake: &LakeFacts, user: i64, steps: &StepDisplay) -> Result<Self, CliError> {
        let (mut names, mut losses, mut quarantine) = (BTreeSet::new(), Vec::new(), false);
        for spec in streams::STREAMS {
            let Some(personal) = &spec.personal else { continue };
            steps.begin();
            let mut rows = [None, None];
            let tables = [lake.open(spec).await, lake.open_changes(spec).await];
            for (rows, table) in rows.iter_mut().zip(tables) {
                *rows = match table {
                    Ok(Some(table)) => match rows_about(&table, personal, user, steps).await {
                        Ok(found) => {
                            names.extend(found.names);
                            Some(found.rows)
                        }
                        Err(_) => None,
                    },
                    Ok(None) => Some(0),
                    Err(_) => None,
                };
            }
            let [rows, changes] = rows;
            losses.push(TableLoss {
                table: spec.name.to_owned(),
                rows,
                changes,
                changes_since: None,
            });
            // Records there may be theirs: which, is decided when they are removed.
            quarantine |= !list(&*lake.store, spec.name).await?.is_empty();
        }
        Ok(Self { names, losses, quarantine })
    }
}

/// Result of an erasure.
#[derive(Default)]
struct ErasureWork {
    text: String,
    documents: Vec<Value>,
    remembered: bool,
    /// Whether there was a published page; `None` if it could not be removed.
    page_removed: Option<bool>,
    exit: CliExit,
}

impl ErasureWork {
    /// Erases the person's own data.
    async fn done(
        deployment: &DeploymentSettings,
        user: i64,
        steps: &StepDisplay,
    ) -> Result<Self, CliError> {
        let context = parts::context(deployment, steps.progress()).await?;
        remember(&context, user).await?;
        forget_former_person(&context).await?;
        let mut done = Self::default();
        for spec in streams::STREAMS {
            // The declaration says which members are a person's own; most streams have none.
            let Some(personal) = &spec.personal else { continue };
            let stream = spec.name;
            steps.begin();
            let work = StreamWork::from(erase(&context, spec, personal, user).await);
            writeln!(done.text, "{stream}: {}", work.sentence(told)).unwrap_or_default();
            done.exit = done.exit.max(work.exit());
            let counts = work.done.as_ref();
            let members = json!({
                "files": counts.map(|done| done.upgraded.of),
                "rewritten": counts.map(|done| done.upgraded.files),
                "changes": counts.map(|done| done.changes),
                "removed": counts.map(|done| done.removed),
                "members": personal.members,
            });
            done.documents.push(work.document(stream, members));
        }
        // Looked at once more at the end: if somebody has restored an older `erased.json` meanwhile,
        // runs may write the data again.
        done.remembered = is_remembered(&context, user).await?;
        if !done.remembered {
            done.exit = CliExit::SomeFailed;
            let line = format!("`{ERASED}` no longer has user {user}: call this again\n");
            done.text.push_str(&line);
        }
        done.take_back_page(&context.store).await;
        if done.exit == CliExit::Done {
            end(&context, user).await?;
        }
        for spec in streams::STREAMS {
            let Some(personal) = &spec.personal else { continue };
            let rules = context.settings.privacy.of(spec);
            let is_kept = personal.members.iter().any(|member| !rules.excludes(member));
            if is_kept && rules.excludes(personal.person) {
                done.exit = CliExit::SomeFailed;
                writeln!(done.text, "{}", untold(spec.name, personal)).unwrap_or_default();
            }
        }
        done.text.push_str(REMAINS);
        Ok(done)
    }

    /// Removes the published page, which has the names of before.
    async fn take_back_page(&mut self, store: &Arc<dyn ObjectStore>) {
        match report::withdraw(&**store).await {
            Ok(removed) => {
                self.page_removed = Some(removed);
                if removed {
                    let line = "the published page is removed: `harvest-lake report --publish` writes \
                                one without the person's data\n";
                    self.text.push_str(line);
                }
            }
            Err(error) => {
                self.exit = CliExit::SomeFailed;
                let line =
                    format!("the published page may name the person: call this again: {error}\n");
                self.text.push_str(&line);
            }
        }
    }
}

/// Tells that rows cannot be told to be the person's.
fn untold(stream: &str, personal: &PersonalFields) -> String {
    let members: Vec<String> =
        personal.members.iter().map(|member| format!("{stream}.{member}")).collect();
    format!(
        "{stream}: `{}` is excluded, so that nothing says whose a row is: exclude {} as well, run \
         `harvest-lake sync {stream} --pass full`, and `harvest-lake reset {stream}_changes`",
        personal.person,
        members.join(", ")
    )
}

/// Tells what was erased from one stream.
fn told(done: &ErasureCounts) -> String {
    let files = text::plural(done.upgraded.files, "file", "files");
    let changes = text::plural(done.changes, "file of changes", "files of changes");
    let records = text::plural(done.removed, "record", "records");
    format!("{files} and {changes} written anew, {records} of the quarantine removed")
}
