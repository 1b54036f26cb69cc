//! Decides what is due and starts one worker per due stream.
//!
//! The decisions themselves are pure functions of `engine` (`plan`, `dispatch`, `extent`). This
//! crate reads what they need, and performs what they decide:
//!
//! * [`Orchestrator::answer`] is one tick of the function, under a lease, with invocations.
//! * [`prepare`] and [`tick`] are its parts without lease and invocations. The command line calls
//!   them, and runs the due streams in its own process.
//!
//! * [`file_left`] files the runs that the ledger does not have yet, for the command line.
//!
//! Nothing here reads or writes a record of Harvest. The only objects of the lake that are written
//! are version 0 of tables that do not exist yet, so that SQL engines find a table before the first
//! run, and the table of the ledger.

mod answer;
mod event;
mod idle;
mod invocation;
mod ledger;
mod stored;
mod tick;
mod watch;

use std::sync::Arc;

use delta::table::{Table, TableError};
use engine::account::is_same_account;
use engine::extent::{ReportReach, outliers_sentence};
use engine::item::AccountItem;
use engine::ledger::filing_is_due;
use engine::pass::Pass;
use engine::plan::{self, Demand, DueRun, StreamStanding};
use engine::present::told;
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{Timestamp, utc_day};
use runtime::account::{AccountCompany, PermitPatience};
use runtime::records::{self, VersionedItem};
use runtime::waiting::RequestWait;
use runtime::{Context, RunError, account};

pub use answer::{DueAnswer, TickAnswer, TickEnd};
pub use event::OrchestratorEvent;
pub use invocation::Orchestrator;
pub use ledger::file_left;
pub(crate) use stored::{StoredStreams, stored_streams};

/// Number of entries far from today that a log event names. The account item holds all of them.
const NAMED: usize = 5;

/// Result of a tick.
#[derive(Debug)]
pub struct TickOutcome {
    /// The account as it is now.
    pub account: AccountItem,
    /// Due runs, most urgent first.
    pub due: Vec<DueRun>,
    /// Streams whose module is off.
    pub skipped: Vec<&'static StreamSpec>,
    /// Wait because of which the account's first and last days could not be read. Full passes over
    /// reports are not due before its end.
    pub waiting: Option<RequestWait>,
}

/// Reads the person of the token and the modules of the account, and makes sure that every table
/// exists. Returns the account's item.
///
/// The account is compared with the lake before the first write: a token of another account must
/// not leave a trace in this lake. Tables are created before the item says so, because the item is
/// what spares later ticks the attempt.
///
/// # Errors
/// Fails if Harvest does not accept the token or answer, or the stores fail.
pub async fn prepare(context: &Context) -> Result<AccountItem, RunError> {
    let (person, company) = futures::future::try_join(
        account::person(context, "account", PermitPatience::Brief),
        account::company(context, "account", PermitPatience::Brief),
    )
    .await?;
    let id = context.settings.account;
    let key = records::account_key(id);
    let mut item = stored_account(context).await?;
    if let Some(sentence) = told(&item.ahead) {
        tracing::warn!("{sentence}");
    }
    check_account(context, &item.value, &company).await?;
    // Items of the history that have expired. DynamoDB deletes them itself, SQLite does not.
    if let Err(error) = context.state.purge(context.clock.now()).await {
        tracing::debug!(%error, "forgotten runs stay");
    }
    let doubts: Vec<String> = person.doubts.iter().chain(&company.doubts).cloned().collect();
    for doubt in &doubts {
        tracing::info!("{doubt}");
    }
    let tables_created = item.value.tables_created || create_tables(context).await;
    // Workers write this item, too: they note a refused token. After a lost race `item` holds the
    // other's version, and only the members that were read here are set in it.
    loop {
        let value = &mut item.value;
        let now = context.clock.now();
        value.read_at = Some(now);
        if value.person_id.zip(person.id).is_some_and(|(before, now)| before != now) {
            tracing::warn!(
                before = value.person,
                now = person.name,
                "the token is another person's"
            );
            value.person_changed = Some((now, value.person.clone()));
        }
        // An id or an address that is missing in the answer does not erase the known one: without
        // it, another person or another account would no longer be noticed.
        value.person_id = person.id.or(value.person_id);
        value.person.clone_from(&person.name);
        if !company.domain.is_empty() {
            value.domain.clone_from(&company.domain);
        }
        value.roles.clone_from(&person.roles);
        value.company.clone_from(&company.name);
        value.modules_off.clone_from(&company.modules_off);
        value.doubts.clone_from(&doubts);
        value.tables_created = tables_created;
        // Harvest has just accepted the token.
        value.refused = None;
        if records::write(&*context.state, &key, &mut item).await.map_err(state_error)? {
            return Ok(item.value);
        }
    }
}

/// Checks that the account that answers is the one in the lake, before anything is written.
///
/// The address at Harvest is compared with the one recorded in the state. A state that has not seen
/// the account has no address; then the tables themselves are asked, which record the account's id.
async fn check_account(
    context: &Context,
    known: &AccountItem,
    company: &AccountCompany,
) -> Result<(), RunError> {
    let accepted = context.settings.accept_domain.as_deref();
    if !is_same_account(&known.domain, &company.domain, accepted) {
        let (found, recorded) = (company.domain.clone(), known.domain.clone());
        return Err(RunError::OtherCompany { found, recorded });
    }
    if known.read_at.is_some() {
        return Ok(());
    }
    // This state has not seen the account before, so the lake may belong to another one.
    for spec in streams::STREAMS {
        let store = Arc::clone(&context.store);
        let opened = Table::open(store, spec, context.settings.account).await;
        if let Err(source @ TableError::OtherAccount { .. }) = opened {
            return Err(RunError::Table { stream: spec.name, source: Box::new(source) });
        }
    }
    Ok(())
}

/// Writes version 0 of the tables that do not exist yet. Returns whether all tables exist. A
/// failure is no error: it concerns only its own stream, whose run will report it.
async fn create_tables(context: &Context) -> bool {
    let mut all = true;
    for spec in streams::STREAMS.into_iter().chain([&streams::RUNS]) {
        let store = Arc::clone(&context.store);
        let now = context.clock.now();
        let account = context.settings.account;
        let mut made = Table::create(Arc::clone(&store), spec, account, now).await;
        let keeps = spec.name != streams::RUNS.name && context.settings.keeps_changes(spec.name);
        if made.is_ok() && keeps {
            made = Table::create_changes(store, spec, account, now).await;
        }
        if let Err(error) = made {
            tracing::debug!(stream = spec.name, %error, "the table could not be made");
            all = false;
        }
    }
    all
}

/// Reads the account's item, without instants in the future.
async fn stored_account(context: &Context) -> Result<VersionedItem<AccountItem>, RunError> {
    let present = context.present();
    let item = records::account(&*context.state, context.settings.account, &present).await;
    item.map_err(state_error)
}

fn state_error(source: state::StateError) -> RunError {
    RunError::State { stream: "account", source }
}

/// Determines the runs that are due for `demand`. May read the account's first and last days from
/// Harvest, if a report is due.
///
/// # Errors
/// Fails if the state store fails, or Harvest does not accept the credentials.
pub async fn tick(context: &Context, demand: Demand) -> Result<TickOutcome, RunError> {
    let account = stored_account(context).await?.value;
    let StoredStreams { items, filed } = stored_streams(context, &account).await?;
    // Those of a long sync are filed before its end.
    if filing_is_due(&items, &filed, context.clock.now()) {
        ledger::file(context, &items).await;
    }
    let mut due = Vec::new();
    let mut skipped = Vec::new();
    for spec in streams::STREAMS.into_iter().filter(|spec| context.settings.includes(spec.name)) {
        match plan::standing(spec, &account) {
            StreamStanding::Skipped => skipped.push(spec),
            StreamStanding::Open => {
                let item = items.get(spec.name);
                let present = context.present();
                due.extend(item.and_then(|item| plan::due(spec, item, demand, present)));
            }
        }
    }
    plan::order(&mut due);
    let asked_at = match demand {
        Demand::Now { asked_at, .. } => Some(asked_at),
        Demand::Schedule { .. } => None,
    };
    let waiting = with_extent(context, &mut due, asked_at).await?;
    // Read again: `with_extent` may have changed it.
    Ok(TickOutcome { account: stored_account(context).await?.value, due, skipped, waiting })
}

/// Makes sure that the account's first and last days are known before a full pass over a report, as
/// far as Harvest tells them. With `asked_at`, the days must have been read after that time. If
/// Harvest may not be asked soon, removes full passes over reports from `due` and returns the wait.
pub(crate) async fn with_extent(
    context: &Context,
    due: &mut Vec<DueRun>,
    asked_at: Option<Timestamp>,
) -> Result<Option<RequestWait>, RunError> {
    // Incremental passes need no first and last day: they read recent windows only.
    let reports = |due: &DueRun| matches!(due.spec.kind, StreamKind::ReportWindow(_));
    let sweeps = |due: &DueRun| due.pass == Pass::Full && reports(due);
    if !due.iter().any(reports) {
        return Ok(None);
    }
    let mut account = stored_account(context).await?;
    // Unknown days are read at once: that takes seconds while other streams have not used up the
    // budget.
    if account.value.extent.is_some() && !due.iter().any(sweeps) {
        return Ok(None);
    }
    match refresh_extent(context, &mut account, asked_at).await {
        Ok(()) => Ok(None),
        Err(RunError::Waits { waiting, .. }) => {
            due.retain(|one| !sweeps(one));
            Ok(Some(waiting))
        }
        Err(error) => Err(error),
    }
}

/// Reads the first and last days anew if they are too old, or older than `swept_as_of`: a full pass
/// on demand would miss entries beyond days that were read before the demand.
async fn refresh_extent(
    context: &Context,
    account: &mut VersionedItem<AccountItem>,
    swept_as_of: Option<Timestamp>,
) -> Result<(), RunError> {
    let now = context.clock.now();
    let reach = ReportReach::around(utc_day(now), context.settings.report_years_back);
    let earlier = account.value.extent.as_ref();
    if earlier.is_some_and(|extent| extent.is_fresh(reach, swept_as_of, now)) {
        return Ok(());
    }
    let extent = account::extent(context, &account.value).await?;
    // A list that could not be read costs the reports nothing but their age: its table or an
    // earlier extent counts instead, and the extent is read again after ten minutes.
    for list in &extent.unread {
        tracing::warn!("{}", list.sentence());
    }
    let named = outliers_sentence(&extent.outliers, NAMED);
    for doubt in extent.doubts.iter().chain(named.as_ref()) {
        tracing::info!("{doubt}");
    }
    let key = records::account_key(context.settings.account);
    // After a lost race `account` holds the version that won: only the extent is set in it.
    loop {
        account.value.extent = Some(extent.clone());
        if records::write(&*context.state, &key, account).await.map_err(state_error)? {
            return Ok(());
        }
    }
}
