//! `harvest-lake demo`: a made-up account behind a port of this machine, read twice.
//!
//! Everything but the account is real: requests over HTTP, rate limits, tables in a folder. A
//! person sees what a first load and a second sync look like without a token, and without a single
//! request to Harvest.
//!
//! Settings of the environment do not count here: a demo with a real token or a real lake in its
//! variables must use neither. The lake is the only thing that it writes, and it replaces none but
//! its own (`begin_lake`).

mod shown;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use deployment::config::{DeploymentSettings, GivenSettings, LakePlace, SettingName};
use runtime::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use sim::{
    ADMINISTRATOR_TOKEN, Account, AccountScale, HttpFace, Mutation, QuotaLimit, RunningFace, serve,
};

use crate::arguments::{DemoArguments, ReportArguments};
use crate::display::{DisplayForm, display};
use crate::error::CliError;
use crate::exit::CliExit;
use crate::interrupt::InterruptFlag;
use crate::lake_facts::LakeFacts;
use crate::report::{self, PrintedFigures};
use crate::rounds::SyncOptions;
use crate::said::{CommandAnswer, TextStyle};
use crate::summary::SyncSummary;
use crate::sync::bring_up_to_date;

/// Rate limit of general requests: Harvest's number, in a window of 1.5 instead of 15 seconds, so
/// that a demo takes seconds.
const GENERAL: &str = "100/1500ms";
/// Rate limit of report requests: Harvest's number, in a window of 3 instead of 900 seconds.
const REPORTS: &str = "100/3s";
/// Name of the file that marks a lake which the next demo may replace.
const MARK: &str = ".demo";
/// Number of random changes, on top of the fixed ones in `pass_time`.
const CHANGES: u64 = 20;

/// Reads a made-up account, lets time pass in it, and reads the changes. `first` receives the
/// summary of the first sync as soon as it ends.
///
/// # Errors
/// Fails if the scale or the folder cannot be used, the account cannot be served, or a sync fails
/// as a whole. A sync with streams that failed ends the demo with its own answer.
pub(crate) async fn demo(
    arguments: &DemoArguments,
    show: DisplayForm,
    paint: TextStyle,
    mut first: impl FnMut(&CommandAnswer),
) -> Result<CommandAnswer, CliError> {
    let scale = &arguments.scale;
    // Before the account is made: a folder that is refused is reported at once.
    begin_lake(&folder(&arguments.lake)?)?;
    let account_id = scale.account_id;
    let served = start(scale, arguments.seed).await?;
    let deployment = DeploymentSettings::parse(&settings(&served, account_id, &arguments.lake))?;
    let interrupt = InterruptFlag::default();
    interrupt.listen(|| tracing::warn!("stopping; press Ctrl-C again to stop at once"));
    // With `--wait`: a demo shows a lake that is whole.
    let wish = SyncOptions { pass: None, wait: true };
    let opening = format!(
        "A made-up account at {}:\n{} people, {} projects, {} time entries, {} invoices, {} years.\n\n",
        served.base_url(),
        scale.users,
        scale.projects,
        crate::text::count(scale.time_entries as u64),
        scale.invoices,
        scale.days / 365,
    );
    first(&plain(opening));

    let loaded = bring_up_to_date(&deployment, wish, display(show, &interrupt), &interrupt).await?;
    let loaded_said = brief(&loaded, paint);
    first(&loaded_said);
    // The text of this answer is on the screen already; with `--json` its document is printed now.
    if loaded_said.exit != CliExit::Done {
        let json = document(0, &loaded_said, None, None);
        return Ok(CommandAnswer { text: String::new(), json, ..loaded_said });
    }

    // The account changes behind the server, as Harvest's accounts do: the next sync has to find
    // out by itself.
    let changes = served.with(|account| pass_time(account, arguments.seed));
    first(&plain(format!("\nThen {changes} changes are made there, and it is read again:\n")));
    let updated =
        bring_up_to_date(&deployment, wish, display(show, &interrupt), &interrupt).await?;
    let mut said = brief(&updated, paint);
    if said.exit != CliExit::Done {
        let json = document(changes, &loaded_said, Some(&said), None);
        return Ok(CommandAnswer { json, ..said });
    }
    // The lake as people look at it, whose page goes with it when the next demo replaces it.
    let wanted = ReportArguments { publish: true, ..ReportArguments::default() };
    let given = settings(&served, account_id, &arguments.lake);
    let page = Box::pin(report::report(&wanted, given, PrintedFigures::LeftOut)).await?;
    let place = page.json.pointer("/pages/0");
    let json = document(changes, &loaded_said, Some(&said), place);
    let lake = LakeFacts::of(&settings(&served, account_id, &arguments.lake)).await?;
    said.text.push_str(&Box::pin(shown::shown(&lake, paint)).await?);
    if let Some(place) = place.and_then(Value::as_str) {
        said.text.push_str(&shown::page(place, paint));
    }
    said.text.push_str(&shown::next_steps(&arguments.lake, paint));
    if arguments.serve {
        first(&plain(said.text));
        first(&plain(shown::served(&settings(&served, account_id, &arguments.lake), paint)));
        interrupt.asked().await;
        said.text = String::new();
    }
    Ok(CommandAnswer { json, ..said })
}

/// Returns the summary of a sync, as text in few lines.
fn brief(summary: &SyncSummary, paint: TextStyle) -> CommandAnswer {
    CommandAnswer { text: summary.brief(paint), ..summary.said(paint) }
}

/// Returns the document: the number of changes between the syncs, and the documents of both;
/// and the place of the page; `second` and `page` are null if the first one failed.
fn document(
    changes: usize,
    first: &CommandAnswer,
    second: Option<&CommandAnswer>,
    page: Option<&Value>,
) -> Value {
    json!({
        "changes": changes,
        "first": first.document(),
        "second": second.map(CommandAnswer::document),
        "page": page,
    })
}

/// Returns the folder of the demo's lake; a bucket is an error. A demo deletes the lake of an
/// earlier one, which would be dangerous in a bucket.
fn folder(lake: &str) -> Result<PathBuf, CliError> {
    let invalid =
        |why| deployment::config::ConfigError::Invalid { setting: SettingName::LAKE, why };
    match LakePlace::parse(lake).map_err(invalid)? {
        LakePlace::Folder(folder) => Ok(folder),
        LakePlace::Bucket { .. } => {
            Err(invalid(format!("`{lake}` is no folder: a demo is of this machine")).into())
        }
    }
}

/// Returns an answer of text alone, which is printed while the demo goes on.
fn plain(text: String) -> CommandAnswer {
    CommandAnswer::new(text, Value::Null, CliExit::Done)
}

/// Makes an empty folder with the mark. Replaces the lake of an earlier demo, and refuses any other
/// folder that is not empty: a person may name the folder of a real lake by mistake.
///
/// # Errors
/// Fails if the folder is refused, or cannot be written.
fn begin_lake(lake: &Path) -> Result<(), CliError> {
    let failed = |what: &str| {
        let what = format!("{what} `{}`", lake.display());
        move |source| CliError::Demo { what, source }
    };
    // The mark is written before anything else, so that the lake of a demo that died can be
    // replaced, too.
    if lake.join(MARK).is_file() {
        std::fs::remove_dir_all(lake).map_err(failed("replace the earlier demo in"))?;
    } else if std::fs::read_dir(lake).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(CliError::NotADemo { lake: lake.display().to_string() });
    }
    std::fs::create_dir_all(lake).map_err(failed("make the folder"))?;
    std::fs::write(lake.join(MARK), "The next `harvest-lake demo` replaces this lake.\n")
        .map_err(failed("write into"))
}

/// Makes the account and serves it on a free port of this machine.
///
/// # Errors
/// Fails if no port can be opened.
async fn start(scale: &AccountScale, seed: u64) -> Result<RunningFace, CliError> {
    let mut account = Account::generate(scale, seed, SystemClock.now());
    account.set_general_limit(QuotaLimit::GENERAL.read(GENERAL).unwrap_or(QuotaLimit::GENERAL));
    account.set_report_limit(QuotaLimit::REPORTS.read(REPORTS).unwrap_or(QuotaLimit::REPORTS));
    serve(Arc::new(Mutex::new(account)), HttpFace::local())
        .await
        .map_err(|source| CliError::Demo { what: "serve the made-up account".to_owned(), source })
}

/// Returns the settings of the demo, and no others. Limits of the reader and of the server are the
/// same, as with Harvest.
fn settings(served: &RunningFace, account: i64, lake: &str) -> GivenSettings {
    let mut given = GivenSettings::default();
    for (setting, value) in [
        (SettingName::ACCOUNT, account.to_string()),
        (SettingName::TOKEN, ADMINISTRATOR_TOKEN.to_owned()),
        (SettingName::BASE_URL, served.base_url()),
        (SettingName::LAKE, lake.to_owned()),
        (SettingName::GENERAL, GENERAL.to_owned()),
        (SettingName::REPORTS, REPORTS.to_owned()),
    ] {
        given.set(setting, value);
    }
    given
}

/// Changes the account like an ordinary day: entries, an expense, a payment, and random changes.
/// Returns the number of changes.
fn pass_time(account: &mut Account, seed: u64) -> usize {
    let now = SystemClock.now();
    let create = |stream: &str| Mutation::Create { stream: stream.to_owned() };
    let update = |stream: &str| Mutation::Update { stream: stream.to_owned(), id: None };
    // Fixed changes first, so that every demo shows an insert and an update in several streams; the
    // random ones depend on the seed.
    let told = [
        create("time_entries"),
        create("time_entries"),
        create("time_entries"),
        update("time_entries"),
        update("projects"),
        create("expenses"),
        create("clients"),
        create("invoices"),
        Mutation::AddPayment { id: None },
    ];
    // Changes that Harvest would refuse are skipped and not counted.
    let happened = told.iter().filter(|change| account.apply(now, change).is_ok()).count();
    happened + account.mutate(now, seed, CHANGES).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_demo_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let lake = folder.path().join("lake");
        begin_lake(&lake).unwrap();
        std::fs::write(lake.join("old"), "x").unwrap();
        begin_lake(&lake).unwrap();
        assert!(!lake.join("old").exists());
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        begin_lake(&other).unwrap();
        std::fs::remove_file(other.join(MARK)).unwrap();
        std::fs::write(other.join("mine"), "x").unwrap();
        let error = begin_lake(&other).unwrap_err();
        assert_eq!(error.exit(), CliExit::Usage);
        assert!(other.join("mine").exists());
    }
}
