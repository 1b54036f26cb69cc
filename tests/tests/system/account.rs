//! Answers about the account itself: how far back it goes, when to come back, whose token it is.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use delta::store::ObjectStore as _;
use delta::table::Table;
use engine::extent::Outlier;
use engine::pass::{Pass, RequestTarget};
use engine::retry::RequestFailure;
use engine::time::{Date, SignedDuration, between};
use harvest_api::{ApiAnswer, ApiError, HarvestApi};
use lives::story::{loaded, only, quiet, report, rows, story, truth};
use lives::world::{Synced, World, now, orchestrator, sync};
use orchestrator::TickEnd;
use runtime::run::{RunOutcome, YieldReason};
use runtime::{Context, RunError, records};
use serde_json::{Value, json};
use sim::{AccountScale, Mutation};

type Answers =
    dyn Fn(&str, &[(String, String)]) -> Option<Result<Value, RequestFailure>> + Send + Sync;

/// A Harvest that answers some requests differently from the fake behind it.
struct Odd {
    inner: Arc<dyn HarvestApi>,
    answers: Box<Answers>,
    /// Requests so far, as path and query.
    asked: Mutex<Vec<String>>,
}

impl core::fmt::Debug for Odd {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Odd")
    }
}

#[async_trait]
impl HarvestApi for Odd {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let RequestTarget::Path { path, query } = target else {
            return self.inner.get(target).await;
        };
        let pairs: Vec<String> =
            query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.asked.lock().unwrap().push(format!("{path}?{}", pairs.join("&")));
        match (self.answers)(path, query) {
            None => self.inner.get(target).await,
            Some(Ok(body)) => Ok(ApiAnswer { body: body.to_string(), room: None, date: None }),
            Some(Err(failure)) => Err(ApiError::new(failure, format!("GET {path}"))),
        }
    }
}

/// A process of `world` with this Harvest.
fn odd(
    world: &World,
    answers: impl Fn(&str, &[(String, String)]) -> Option<Result<Value, RequestFailure>>
    + Send
    + Sync
    + 'static,
) -> (Context, Arc<Odd>) {
    let mut context = world.process(None);
    let (inner, asked) = (Arc::clone(&context.api), Mutex::default());
    let odd = Arc::new(Odd { inner, answers: Box::new(answers), asked });
    context.api = Arc::clone(&odd) as Arc<dyn HarvestApi>;
    (context, odd)
}

fn value<'q>(query: &'q [(String, String)], name: &str) -> Option<&'q str> {
    query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
}

/// Whether the request asks for the days of the account.
fn about_days(path: &str, query: &[(String, String)]) -> bool {
    let dated = ["/time_entries", "/expenses", "/invoices"].contains(&path);
    dated && value(query, "per_page") == Some("50")
}

fn months(asked: &Odd, path: &str) -> Vec<String> {
    let asked = asked.asked.lock().unwrap();
    let prefix = format!("{path}?from=");
    let mut months: Vec<String> = asked
        .iter()
        .filter_map(|one| Some(one.strip_prefix(&prefix)?.get(..7)?.to_owned()))
        .collect();
    months.sort();
    months.dedup();
    months
}

const REPORT: &str = "time_report_team";
const REPORT_PATH: &str = "/reports/time/team";

fn failure(synced: &Synced, stream: &str) -> String {
    report(synced, stream).error().map(RunError::chain).unwrap_or_default()
}

#[test]
fn reports_of_an_account_whose_days_cannot_be_asked_for_go_as_far_back_as_its_table() {
    for refused in
        [RequestFailure::Invalid(422), RequestFailure::Server(504), RequestFailure::Malformed]
    {
        story(async move {
            let mut world = loaded(&AccountScale::tiny(), &["time_entries", "expenses"]).await;
            only(&mut world, &["clients", "time_entries", "expenses", REPORT]);
            let (context, _) = odd(&world, move |path, query| {
                about_days(path, query).then(|| Err(refused.clone()))
            });
            let synced = sync(&context, None).await.unwrap();
            assert_eq!(synced.failures(), Vec::<String>::new());
            assert_eq!(rows(&world, REPORT).await, truth(&world, REPORT));
            let account =
                records::account(&*context.state, context.settings.account, &context.present())
                    .await;
            let extent = account.unwrap().value.extent.unwrap();
            let instead: Vec<Option<&str>> =
                extent.unread.iter().map(|list| list.instead.as_deref()).collect();
            let tables = [Some("the table `time_entries`"), Some("the table `expenses`"), None];
            assert_eq!(instead, tables, "nobody has a table of invoices");
        });
    }
}

#[test]
fn a_new_table_in_the_place_of_a_lost_one_does_not_prove_that_there_is_no_history() {
    story(async move {
        let mut world = loaded(&AccountScale::tiny(), &["time_entries", "expenses"]).await;
        only(&mut world, &["clients", REPORT]);
        let prefix = "tables/time_entries/";
        for object in world.store.list(prefix, None).await.unwrap() {
            world.store.delete(&object.key).await.unwrap();
        }
        let (context, _) = odd(&world, |path, query| {
            about_days(path, query).then_some(Err(RequestFailure::Invalid(422)))
        });
        let (spec, account) = (&streams::TIME_ENTRIES, context.settings.account);
        Table::create(Arc::clone(&context.store), spec, account, now(&world)).await.unwrap();
        let synced = sync(&context, None).await.unwrap();
        let error = failure(&synced, REPORT);
        assert!(error.contains("time_entries could not be read"), "{error}");
    });
}

#[test]
fn without_a_table_only_the_reports_fail_and_the_next_run_asks_again() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["clients", REPORT]);
        let fails = Arc::new(Mutex::new(true));
        let switch = Arc::clone(&fails);
        let (context, odd) = odd(&world, move |path, query| {
            let fails = about_days(path, query) && *switch.lock().unwrap();
            (fails && path == "/time_entries").then_some(Err(RequestFailure::Invalid(422)))
        });
        let synced = sync(&context, None).await.unwrap();
        assert_eq!(synced.failures().len(), 1);
        let error = failure(&synced, REPORT);
        assert!(error.contains("`time_report_team` cannot be read whole"), "{error}");
        assert!(error.contains("time_entries could not be read"), "{error}");
        assert!(matches!(report(&synced, "clients").outcome, RunOutcome::Complete));
        assert_eq!(months(&odd, REPORT_PATH).len(), 3, "the recent ones are read all the same");
        let about = |one: &&String| one.starts_with("/time_entries?") && one.ends_with("=50");
        let times = odd.asked.lock().unwrap().iter().filter(about).count();
        assert_eq!(times, 1, "once for each command, however many runs there are");

        *fails.lock().unwrap() = false;
        world.sleep(1).await;
        let synced = sync(&context, None).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        assert_eq!(rows(&world, REPORT).await, truth(&world, REPORT));
    });
}

#[test]
fn an_extent_that_was_read_before_counts_while_it_cannot_be_read_again() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &[REPORT]).await;
        let before = rows(&world, REPORT).await;
        world.sleep(30).await;
        let (context, odd) = odd(&world, |path, query| {
            about_days(path, query).then_some(Err(RequestFailure::Invalid(422)))
        });
        let synced = sync(&context, Some(Pass::Full)).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        assert_eq!(rows(&world, REPORT).await, before);
        assert!(months(&odd, REPORT_PATH).len() > 3);
    });
}

#[test]
fn entries_far_from_today_are_named_and_have_windows_of_their_own() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &[REPORT]);
        let (context, odd) = odd(&world, |path, query| {
            if path != "/time_entries" || !about_days(path, query) {
                return None;
            }
            let (from, to) = (value(query, "from"), value(query, "to"));
            let far = [(7, "9999-12-31"), (6, "2206-01-05"), (5, "0206-03-01")];
            let within =
                |day: &str| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to);
            let mut found: Vec<Value> = far
                .iter()
                .filter(|(_, day)| within(day))
                .map(|(id, day)| json!({ "id": id, "spent_date": day }))
                .collect();
            if from.is_some() && to.is_some() {
                found.clear();
            }
            let total = found.len();
            Some(Ok(json!({ "time_entries": found, "total_entries": total, "next_page": null })))
        });
        let synced = sync(&context, None).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        let asked = months(&odd, REPORT_PATH);
        for far in ["0206-03", "2206-01", "9999-12"] {
            assert!(asked.iter().any(|month| month == far), "{far}: {asked:?}");
        }
        assert!(asked.len() < 40, "{asked:?}");
        let account =
            records::account(&*context.state, context.settings.account, &context.present()).await;
        let extent = account.unwrap().value.extent.unwrap();
        let named: BTreeSet<(Date, Option<i64>)> =
            extent.outliers.iter().map(|Outlier { day, id, .. }| (*day, *id)).collect();
        let day = |text: &str| text.parse::<Date>().unwrap();
        let wanted = [
            (day("0206-03-01"), Some(5)),
            (day("2206-01-05"), Some(6)),
            (day("9999-12-31"), Some(7)),
        ];
        assert_eq!(named, BTreeSet::from(wanted));
    });
}

/// A full sync of expenses and their report, with an expense of the year 9999 that the questions about
/// days do not show although they count it; `in_table`: after the table of expenses has it.
async fn hides_an_expense_of_the_year_9999(in_table: bool) -> (World, Synced) {
    let streams = ["clients", "users", "expenses", "expense_report_team"];
    let mut world = World::new(&AccountScale::tiny(), 7);
    only(&mut world, &streams);
    let redate = Mutation::Redate {
        stream: "expenses".to_owned(),
        id: None,
        day: Some("9999-01-01".to_owned()),
    };
    world.account.lock().unwrap().apply(now(&world), &redate).unwrap();
    if in_table {
        only(&mut world, &streams[..3]);
        sync(&world.process(None), None).await.unwrap();
        only(&mut world, &streams);
        world.sleep(30).await;
    }
    let (context, _) = odd(&world, |path, query| {
        let open = about_days(path, query) && query.len() == 2;
        let hidden = json!({ "expenses": [], "total_entries": 1, "next_page": null });
        (open && path == "/expenses").then_some(Ok(hidden))
    });
    let synced = sync(&context, Some(Pass::Full)).await.unwrap();
    (world, synced)
}

#[test]
fn a_far_entry_that_contradictory_answers_hide_is_known_from_its_table() {
    story(async {
        let (world, synced) = hides_an_expense_of_the_year_9999(true).await;
        assert_eq!(synced.failures(), Vec::<String>::new());
        let rows = rows(&world, "expense_report_team").await;
        assert!(rows.keys().any(|key| key.starts_with("9999-01-01|")), "{rows:?}");
        assert_eq!(rows, truth(&world, "expense_report_team"));
        // The log tells the farthest day of a file: another one may be hidden behind it.
        let warning = report(&synced, "expense_report_team").warning.clone().unwrap();
        assert!(
            warning.contains("the table `expenses`, which may lack days far from today"),
            "{warning}"
        );
    });
}

#[test]
fn without_a_table_contradictory_answers_about_far_days_are_told_of_the_report() {
    story(async {
        let (_, synced) = hides_an_expense_of_the_year_9999(false).await;
        assert_eq!(synced.failures(), Vec::<String>::new());
        let warning = report(&synced, "expense_report_team").warning.clone().unwrap();
        assert!(warning.contains("contradict themselves"), "{warning}");
    });
}

/// A Harvest that asks to wait for an hour from the `after`-th request on.
fn asks_to_wait(world: &World, after: usize) -> (Context, Arc<Odd>) {
    let count = Mutex::new(0_usize);
    let hour = Some(SignedDuration::from_hours(1));
    odd(world, move |_, _| {
        let mut count = count.lock().unwrap();
        *count += 1;
        (*count > after).then_some(Err(RequestFailure::RateLimited { retry_after: hour }))
    })
}

#[test]
fn whoever_is_asked_to_wait_for_an_hour_says_so_at_once() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let (context, _) = asks_to_wait(&world, 0);
        for times in 0..2 {
            let began = now(&world);
            let error = orchestrator::prepare(&context).await.unwrap_err();
            let RunError::Waits { waiting, .. } = &error else { panic!("{error}") };
            assert!(between(began, now(&world)) < SignedDuration::from_secs(20), "{times}");
            assert!(between(began, waiting.until) > SignedDuration::from_mins(59), "{times}");
            let said = error.to_string();
            assert!(said.contains("Harvest asked to wait until 2026-"), "{said}");
        }
    });
}

#[test]
fn a_run_that_may_not_commit_before_an_hour_stops_and_reads_again_then() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["clients"]);
        orchestrator::prepare(&world.process(None)).await.unwrap();
        // The page of clients comes; the question for the person before its commit is refused.
        let (context, _) = asks_to_wait(&world, 1);
        let event = runtime::invoke::WorkerEvent {
            stream: "clients".to_owned(),
            pass: Pass::Full,
            tick: None,
            accept_deletes: false,
        };
        let began = now(&world);
        let run = worker::work(&context, &event, None).await.unwrap();
        assert!(matches!(run.outcome, RunOutcome::Yielded(YieldReason::Budget(_))), "{run:?}");
        assert!(between(began, now(&world)) < SignedDuration::from_secs(20));
        assert_eq!(rows(&world, "clients").await.len(), 0);
        world.sleep(2).await;
        let synced = sync(&world.process(None), None).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        assert_eq!(rows(&world, "clients").await, truth(&world, "clients"));
    });
}

#[test]
fn a_tick_of_the_schedule_waits_without_failing() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        world.sleep(2).await;
        let (context, asked) = asks_to_wait(&world, 0);
        let invoker = Arc::new(runtime::invoke::MemoryInvoker::default());
        let orchestrator = orchestrator(context, invoker);
        let began = now(&world);
        let answer = orchestrator.answer(json!({})).await.unwrap();
        assert_eq!(answer.outcome, TickEnd::Waiting);
        assert!(answer.waits_until.is_some_and(|until| until > began), "{answer:?}");
        let said = answer.message.as_deref().unwrap();
        assert!(said.contains("Harvest asked to wait until"), "{said}");
        e2e::json::check("orchestrator", &serde_json::to_value(&answer).unwrap());
        assert!(between(began, now(&world)) < SignedDuration::from_secs(20));
        let before = asked.asked.lock().unwrap().len();
        let again = orchestrator.answer(json!({})).await.unwrap();
        assert_eq!(again.waits_until, answer.waits_until);
        assert_eq!(asked.asked.lock().unwrap().len(), before, "nothing is asked meanwhile");
    });
}

#[test]
fn a_tick_with_nothing_to_do_writes_nothing_but_until_when() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        quiet(&world, None).await;
        let invoker = Arc::new(runtime::invoke::MemoryInvoker::default());
        let context = world.process(None);
        let orchestrator = orchestrator(context.clone(), invoker);
        let items = async || {
            let items = context.state.list(context.settings.account, "").await.unwrap();
            items.into_iter().map(|(key, item)| (key, item.rev)).collect::<Vec<_>>()
        };
        let before = items().await;
        let answer = orchestrator.answer(json!({})).await.unwrap();
        assert_eq!((answer.outcome, answer.due.len()), (TickEnd::Planned, 0));
        let found = items().await;
        let written: Vec<_> = found.iter().filter(|item| !before.contains(item)).collect();
        assert_eq!(
            written.iter().map(|(key, _)| key.sort.as_str()).collect::<Vec<_>>(),
            ["orchestrator"]
        );
        // The next ones read that alone.
        world.clock_sleep(SignedDuration::from_mins(1)).await;
        let answer = orchestrator.answer(json!({})).await.unwrap();
        assert_eq!((answer.outcome, answer.due.len()), (TickEnd::Quiet, 0));
        assert!(answer.waits_until.is_some_and(|until| until > now(&world)));
        e2e::json::check("orchestrator", &serde_json::to_value(&answer).unwrap());
        assert_eq!(items().await, found);
        // A request is carried out all the same.
        let asked = json!({ "now": true, "streams": ["clients"] });
        let answer = orchestrator.answer(asked).await.unwrap();
        assert_eq!((answer.outcome, answer.due.len()), (TickEnd::Planned, 1));
        quiet(&world, None).await;
        let before = items().await;
        // With something to do it takes the lease.
        world.sleep(2).await;
        let answer = orchestrator.answer(json!({})).await.unwrap();
        assert_eq!((answer.outcome, answer.due.len()), (TickEnd::Planned, 1));
        assert_ne!(items().await, before);
    });
}

#[test]
fn odd_answers_about_person_and_company_stop_no_stream() {
    story(async {
        let mut world = World::new(&AccountScale::tiny(), 7);
        only(&mut world, &["clients", "invoices", "estimates"]);
        let (context, _) = odd(&world, |path, _| match path {
            "/users/me" => Some(Ok(json!({
                "id": "11.0", "first_name": 5, "last_name": null,
                "access_roles": [null, "administrator"], "email": {},
            }))),
            "/company" => Some(Ok(json!({
                "name": 7, "full_domain": "example.harvestapp.com", "clock": [1],
                "estimate_feature": "false", "invoice_feature": null, "expense_feature": true,
            }))),
            _ => None,
        });
        let synced = sync(&context, None).await.unwrap();
        assert_eq!(synced.failures(), Vec::<String>::new());
        let ran: BTreeSet<&str> = synced.reports.iter().map(|report| report.stream).collect();
        assert_eq!(ran, BTreeSet::from(["clients", "invoices"]));
        let account =
            records::account(&*context.state, context.settings.account, &context.present()).await;
        let account = account.unwrap().value;
        assert_eq!((account.person_id, account.person.as_str()), (Some(11), "5"));
        assert_eq!(account.doubts.len(), 1, "{:?}", account.doubts);
        assert!(account.doubts[0].contains("invoice_feature"), "{:?}", account.doubts);
    });
}

#[test]
fn unknown_roles_write_nothing_over_rows_of_known_ones() {
    story(async {
        let world = loaded(&AccountScale::tiny(), &["clients"]).await;
        let before = rows(&world, "clients").await;
        world.mutate(3, 60);
        let (context, _) = odd(&world, |path, _| {
            (path == "/users/me").then(|| Ok(json!({ "id": 1, "access_roles": {"a": 1} })))
        });
        let synced = sync(&context, Some(Pass::Full)).await.unwrap();
        let error = report(&synced, "clients").error();
        assert!(matches!(error, Some(RunError::RolesLost { .. })), "{error:?}");
        assert_eq!(rows(&world, "clients").await, before);
    });
}
