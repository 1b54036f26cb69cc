use std::path::Path;
use std::sync::Mutex;

use deployment::config::{DeploymentSettings, GivenSettings, SettingName};
use deployment::parts;
use engine::time::between;
use runtime::run::{RunOutcome, YieldReason};
use runtime::{clock::Clock as _, clock::SystemClock};
use sim::{Account, AccountScale, HttpFace, QuotaLimit, RunningFace, serve};

use super::*;
use crate::signals::StopSignal;

const FREE: SyncOptions = SyncOptions { pass: None, wait: false };

async fn account() -> RunningFace {
    let mut account = Account::generate(&AccountScale::tiny(), 1, SystemClock.now());
    account.set_general_limit(QuotaLimit::GENERAL.off());
    account.set_report_limit(QuotaLimit::REPORTS.off());
    serve(Arc::new(Mutex::new(account)), HttpFace::local()).await.unwrap()
}

/// A sync of a few streams into `lake`, with settings on top.
async fn synced(
    served: &RunningFace,
    lake: &Path,
    more: &[(SettingName, &str)],
    wish: SyncOptions,
    interrupt: &InterruptFlag,
) -> Result<SyncOutcome, RunError> {
    let mut given = GivenSettings::default();
    let account = AccountScale::tiny().account_id.to_string();
    let base = served.base_url();
    for (setting, value) in [
        (SettingName::ACCOUNT, account.as_str()),
        (SettingName::TOKEN, sim::ADMINISTRATOR_TOKEN),
        (SettingName::BASE_URL, base.as_str()),
        (SettingName::LAKE, lake.to_str().unwrap()),
        (SettingName::GENERAL, "1000/1s"),
        (SettingName::STREAMS, "clients,tasks,roles,time_entries"),
    ] {
        given.set(setting, value);
    }
    for (setting, value) in more {
        given.set(*setting, *value);
    }
    let deployment = DeploymentSettings::parse(&given).unwrap();
    let watch = display(DisplayForm::Nothing, interrupt);
    let progress: Arc<dyn runtime::progress::Progress> = Arc::clone(&watch) as Arc<_>;
    let context = parts::context(&deployment, progress).await.unwrap();
    rounds(&context, wish, watch, interrupt).await
}

/// Makes Harvest answer every request below `path` with 429 and this `Retry-After`.
fn ask_to_wait(served: &RunningFace, path: &str, seconds: u32) {
    let retry_after = Some(seconds.to_string());
    let effect = sim::FaultEffect::Status { status: 429, retry_after, html: true };
    let rule = sim::FaultRule { path: path.to_owned(), select: sim::FaultChoice::Always, effect };
    served.with(|account| account.add_fault(rule));
}

fn outcomes(synced: &SyncOutcome) -> BTreeMap<&'static str, &'static str> {
    synced.reports.iter().map(|report| (report.stream, report.outcome.name())).collect()
}

#[tokio::test]
async fn all_that_is_due_runs_once_and_then_only_what_changed_is_read() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    let first = synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
    assert_eq!(first.reports.len(), 4, "{:?}", outcomes(&first));
    assert!(outcomes(&first).values().all(|outcome| *outcome == "complete"));
    let second = synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
    assert_eq!(second.reports.len(), 4);
    assert_eq!(second.reports.iter().map(|report| report.commits).sum::<u64>(), 0);
    let full = SyncOptions { pass: Some(Pass::Full), wait: false };
    let third = synced(&served, lake.path(), &[], full, &interrupt).await.unwrap();
    assert!(third.reports.iter().all(|report| report.pass == Pass::Full));
    assert_eq!(third.reports.len(), 4);
}

#[tokio::test]
async fn a_stream_that_fails_stops_no_other_and_is_tried_once() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
    let log = lake.path().join("tables/tasks/_delta_log/00000000000000000001.json");
    std::fs::write(log, "garbage").unwrap();
    let after = synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
    let outcomes = outcomes(&after);
    assert_eq!(outcomes["tasks"], "failed");
    assert_eq!(outcomes.values().filter(|outcome| **outcome == "complete").count(), 3);
    assert_eq!(after.reports.len(), 4);
}

#[tokio::test]
async fn credentials_that_are_refused_stop_the_account() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    let wrong = [(SettingName::TOKEN, "wrong")];
    let error = synced(&served, lake.path(), &wrong, FREE, &interrupt).await.unwrap_err();
    assert!(matches!(error, RunError::Credentials { .. }), "{error}");
}

#[tokio::test]
async fn nothing_is_started_once_somebody_wants_to_stop() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    interrupt.ask(StopSignal::Interrupt);
    let stopped = synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
    assert_eq!(stopped.interrupted, Some(StopSignal::Interrupt));
    assert_eq!(stopped.reports.len(), 0);
}

#[tokio::test]
async fn what_the_budget_leaves_ends_the_sync_and_goes_on_in_the_next() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    let small = [(SettingName::STREAMS, "time_report_team"), (SettingName::REPORTS, "5/900s")];
    let first = synced(&served, lake.path(), &small, FREE, &interrupt).await.unwrap();
    assert_eq!(outcomes(&first)["time_report_team"], "waiting");
    let read: u64 = first.reports.iter().map(|report| report.units.0).max().unwrap();
    assert!((1..=5).contains(&read), "{read}");
    let large = [(SettingName::STREAMS, "time_report_team"), (SettingName::REPORTS, "1000/1s")];
    let second = synced(&served, lake.path(), &large, FREE, &interrupt).await.unwrap();
    assert_eq!(outcomes(&second)["time_report_team"], "complete");
}

#[tokio::test]
async fn a_sync_that_may_ask_nothing_for_an_hour_says_until_when_and_ends() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    // The account is unknown yet, so no stream runs.
    ask_to_wait(&served, "", 3_600);
    for _ in 0..2 {
        let first = synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
        assert_eq!(first.reports.len(), 0);
        let waiting = first.waiting.unwrap();
        assert_eq!(waiting.reason, runtime::waiting::WaitFor::Harvest);
        assert!(between(first.began, waiting.until) > SignedDuration::from_mins(50));
        assert!(between(first.began, first.ended) < SignedDuration::from_secs(40));
    }
}

#[tokio::test]
async fn streams_that_may_ask_nothing_complete_what_needs_no_question() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    let streams = [(SettingName::STREAMS, "clients,time_report_team")];
    synced(&served, lake.path(), &streams, FREE, &interrupt).await.unwrap();
    ask_to_wait(&served, "", 3_600);
    let after = synced(&served, lake.path(), &streams, FREE, &interrupt).await.unwrap();
    assert!(after.waiting.is_some());
    let ended = BTreeMap::from([("clients", "waiting")]);
    assert_eq!(outcomes(&after), ended, "reports would be read in vain");
    assert_eq!(after.reports.iter().map(|report| report.requests).sum::<u64>(), 0);
}

#[tokio::test]
async fn a_long_wait_in_the_middle_ends_the_sync_with_what_is_left() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    ask_to_wait(&served, "/clients", 3_600);
    let cut = synced(&served, lake.path(), &[], FREE, &interrupt).await.unwrap();
    let outcomes = outcomes(&cut);
    assert!(outcomes.values().all(|how| matches!(*how, "waiting" | "complete")), "{outcomes:?}");
    assert_eq!(outcomes["clients"], "waiting");
    assert!(between(cut.began, cut.ended) < SignedDuration::from_secs(40));
}

/// The commits of reports ask for the person of the token, in the class that waits: without a bound the
/// same windows would be read again and again.
#[tokio::test]
async fn reports_are_not_read_again_and_again_while_harvest_waits_with_all_else() {
    let (served, lake) = (account().await, tempfile::tempdir().unwrap());
    let interrupt = InterruptFlag::default();
    ask_to_wait(&served, "/clients", 3_600);
    let more = [
        (
            SettingName::STREAMS,
            "clients,time_entries,expenses,expense_report_team,time_report_team",
        ),
        (SettingName::REPORTS, "1000/1s"),
    ];
    let cut = synced(&served, lake.path(), &more, FREE, &interrupt).await.unwrap();
    for name in ["expense_report_team", "time_report_team"] {
        let runs = cut.reports.iter().filter(|report| report.stream == name).count();
        assert!(runs <= 2, "{name}: {runs} runs");
    }
    assert!(between(cut.began, cut.ended) < SignedDuration::from_secs(40));
}

/// The patience with another process begins anew once the stream ran here in between.
#[tokio::test]
async fn a_stream_that_ran_meanwhile_is_not_given_up_for_having_been_busy_before() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().to_str().unwrap();
    let mut given = GivenSettings::default();
    for (setting, value) in [
        (SettingName::ACCOUNT, "7"),
        (SettingName::TOKEN, sim::ADMINISTRATOR_TOKEN),
        (SettingName::LAKE, lake),
    ] {
        given.set(setting, value);
    }
    let deployment = DeploymentSettings::parse(&given).unwrap();
    let interrupt = InterruptFlag::default();
    let watch = display(DisplayForm::Nothing, &interrupt);
    let progress: Arc<dyn runtime::progress::Progress> = Arc::clone(&watch) as Arc<_>;
    let context = parts::context(&deployment, progress).await.unwrap();
    let mut looping = SyncLoop::new(&context, FREE, watch, &interrupt);
    let now = context.clock.now();
    let long_ago = minus(now, BUSY_PATIENCE);
    let mut take = |stream, outcome| {
        looping.busy_since.entry(stream).or_insert(long_ago);
        looping.take(RunReport { outcome, ..RunReport::new(stream, Pass::Full, now) });
        looping.take(RunReport {
            outcome: RunOutcome::Busy { until: now },
            ..RunReport::new(stream, Pass::Full, now)
        });
        looping.given_up.contains(stream)
    };
    let failed = || RunOutcome::Failed(RunError::LostLease { stream: "tasks" });
    for (stream, between, given_up) in [
        ("clients", RunOutcome::Yielded(YieldReason::Budget(now)), false),
        ("tasks", failed(), false),
        ("roles", RunOutcome::Complete, false),
        ("projects", RunOutcome::Busy { until: now }, true),
    ] {
        assert_eq!(take(stream, between), given_up, "{stream}");
    }
}
