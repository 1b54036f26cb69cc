//! One story per kind of `lives::mishap`. The story of a kind that is switched off is skipped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use delta::store::FaultyStore;
use engine::fault::CallFault;
use engine::pass::Pass;
use engine::time::SignedDuration;
use lives::foreign::Visitor;
use lives::mishap::Mishap;
use lives::oracle::After;
use lives::story::{
    apply, asked, calm, delete, fault, loaded, only, quiet, report, rows, status, story, truth,
};
use lives::trial::goes_without_links;
use lives::world::{Conduct, Jump, World, now, sync};
use runtime::RunError;
use sim::{AccountScale, Contradiction, FaultChoice, FaultEffect, Mutation, Spelling};

/// Tells the story where its kind is on.
fn of(mishap: Mishap, future: impl Future<Output = ()>) {
    if mishap.is_on() {
        story(future);
    }
}

/// A list: its stream, the pattern of its requests, records of a page, and whether it is numbered.
const LISTS: [(&str, &str, usize, bool); 6] = [
    ("clients", "/v2/clients?", 2, false),
    ("time_entries", "/v2/time_entries?", 40, true),
    ("invoices", "/v2/invoices?", 4, true),
    ("invoice_payments", "/payments?", 1, false),
    ("time_report_projects", "/v2/reports/time/projects?", 2, true),
    ("project_budget_report", "/v2/reports/project_budget?", 2, true),
];

/// Checks the result of a list that always contradicts itself, and that it heals.
async fn lasts(mishap: Mishap, stream: &str, path: &str, cap: usize, effect: &FaultEffect) {
    let what = format!("{stream}: {effect:?}");
    let world = loaded(&AccountScale::tiny(), &[stream]).await;
    apply(&world, &Mutation::Create { stream: "clients".to_owned() });
    apply(&world, &Mutation::Create { stream: "time_entries".to_owned() });
    world.sleep(1).await;
    let (before, cursor) = (rows(&world, stream).await, world.item(stream).await.position.cursor);
    world.account.lock().unwrap().set_page_cap(path, cap);
    world.expect_at_most(3000);
    fault(&world, path, FaultChoice::Always, effect.clone());
    let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
    assert!(!world.is_out_of_patience(), "{what}");
    let spoilt = world.account.lock().unwrap().spoilt().iter().sum::<u64>();
    let said = report(&synced, stream);
    let parked = stream == "invoice_payments" && said.parked > 0;
    let exact = said.error().is_none() && goes_without_links(mishap, stream);
    assert!(said.error().is_some() || parked || exact, "{what}: {said:?}");
    assert!(spoilt > 0 || exact, "{what}");
    if exact {
        assert_eq!(rows(&world, stream).await, truth(&world, stream), "{what}");
    }
    let (after, real) = (rows(&world, stream).await, truth(&world, stream));
    let lost = before.keys().filter(|key| real.contains_key(*key) && !after.contains_key(*key));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new(), "{what}");
    assert!(exact || world.item(stream).await.position.cursor == cursor, "{what}");
    calm(&world);
    world.sleep(1).await;
    quiet(&world, None).await;
    quiet(&world, Some(Pass::Full)).await;
    let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
    assert_eq!(wrong, Vec::<String>::new(), "{what}");
}

/// Checks that a list that contradicts itself once has no effect.
async fn once(stream: &str, path: &str, cap: usize, effect: &FaultEffect) {
    let world = loaded(&AccountScale::tiny(), &[stream]).await;
    world.account.lock().unwrap().set_page_cap(path, cap);
    fault(&world, path, FaultChoice::Nth(2), effect.clone());
    quiet(&world, Some(Pass::Full)).await;
    assert_eq!(rows(&world, stream).await, truth(&world, stream), "{stream}: {effect:?}");
}

fn contradicts(mishap: Mishap, effects: &[FaultEffect]) {
    of(mishap, async {
        for effect in effects {
            for (stream, path, cap, numbered) in LISTS {
                if mishap == Mishap::IgnoredPages && !(numbered && path.contains("reports")) {
                    continue;
                }
                // One record has no second one to be in the place of.
                let cap = if mishap == Mishap::DoubledRecords { cap.max(2) } else { cap };
                lasts(mishap, stream, path, cap, effect).await;
                once(stream, path, cap, effect).await;
            }
        }
    });
}

#[test]
fn a_total_that_is_too_small_is_a_failure_as_long_as_it_lasts() {
    contradicts(
        Mishap::SmallTotals,
        &[FaultEffect::WrongTotal(-1), FaultEffect::WrongTotal(-10_000)],
    );
}

#[test]
fn a_total_that_is_too_large_is_a_failure_as_long_as_it_lasts() {
    contradicts(Mishap::LargeTotals, &[FaultEffect::WrongTotal(1), FaultEffect::WrongTotal(500)]);
}

#[test]
fn a_total_that_counts_the_page_alone_hides_nothing() {
    contradicts(Mishap::TotalsOfPage, &[FaultEffect::Contradiction(Contradiction::TotalOfPage)]);
}

#[test]
fn a_list_that_ends_before_its_total_deletes_nothing() {
    let ends = [1, 3].map(|short| FaultEffect::Contradiction(Contradiction::EndsEarly(short)));
    contradicts(Mishap::EarlyEnds, &ends);
}

#[test]
fn a_wild_total_does_not_make_a_short_list_one_that_changed() {
    of(Mishap::EarlyEnds, async {
        for answer in 1..=6 {
            let mut world = World::new(&AccountScale::tiny(), 7);
            only(&mut world, &["clients"]);
            let path = "/v2/clients?";
            world.account.lock().unwrap().set_page_cap(path, 2);
            fault(&world, path, FaultChoice::Nth(answer), FaultEffect::WrongTotal(500));
            let ends = FaultEffect::Contradiction(Contradiction::EndsEarly(3));
            fault(&world, path, FaultChoice::Always, ends);
            let synced = sync(&world.process(None), None).await.unwrap();
            let error = report(&synced, "clients").error();
            assert!(matches!(error, Some(RunError::Contradictory { .. })), "{answer}: {error:?}");
            calm(&world);
            world.sleep(1).await;
            quiet(&world, None).await;
            assert_eq!(rows(&world, "clients").await, truth(&world, "clients"), "{answer}");
        }
    });
}

#[test]
fn a_record_that_comes_twice_in_the_place_of_another_deletes_nothing() {
    contradicts(Mishap::DoubledRecords, &[FaultEffect::Contradiction(Contradiction::Doubled)]);
}

#[test]
fn a_page_that_has_more_behind_it_and_no_link_there_is_not_the_last() {
    let links = [
        Contradiction::NoLinks,
        Contradiction::NullLinks,
        Contradiction::EmptyLinks,
        Contradiction::EmptyNext,
    ];
    contradicts(Mishap::BrokenLinks, &links.map(FaultEffect::Contradiction));
}

#[test]
fn links_in_a_circle_end_the_reading() {
    let circles = [Contradiction::Circle, Contradiction::OwnPage].map(FaultEffect::Contradiction);
    contradicts(Mishap::Circles, &circles);
}

#[test]
fn empty_pages_with_ever_new_links_end_the_reading() {
    contradicts(Mishap::EmptyPages, &[FaultEffect::Contradiction(Contradiction::EmptyPages)]);
}

#[test]
fn a_report_that_ignores_its_page_ends_the_reading() {
    contradicts(Mishap::IgnoredPages, &[FaultEffect::Contradiction(Contradiction::PageIgnored)]);
}

/// Loads by a process with a wrong clock, and checks the next load by one with a right clock.
async fn after_a_wrong_clock(conduct: Conduct) {
    let streams = ["clients", "time_entries", "invoice_payments", "time_report_clients"];
    let mut world = World::new(&AccountScale::tiny(), 7);
    only(&mut world, &streams);
    let synced = sync(&world.process_with(conduct), None).await.unwrap();
    assert_eq!(synced.failures(), Vec::<String>::new(), "{conduct:?}");
    world.sleep(1).await;
    apply(&world, &Mutation::Create { stream: "clients".to_owned() });
    let renamed = Mutation::Update { stream: "clients".to_owned(), id: None };
    apply(&world, &renamed);
    let entry = apply(&world, &Mutation::Create { stream: "time_entries".to_owned() });
    world.sleep(1).await;
    quiet(&world, None).await;
    for stream in ["clients", "time_entries"] {
        let wrong = world.oracle().differences_of(stream, After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "{conduct:?}");
    }
    apply(&world, &delete("time_entries", entry));
    world.sleep(1).await;
    quiet(&world, None).await;
    quiet(&world, Some(Pass::Full)).await;
    for stream in streams {
        let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "{conduct:?}");
    }
}

const MINUTES: [i64; 4] = [4, 60, 26 * 60, 30 * 24 * 60];

#[test]
fn what_a_clock_that_was_ahead_left_counts_as_nothing() {
    of(Mishap::ClockAhead, async {
        for minutes in MINUTES {
            let ahead = SignedDuration::from_mins(minutes);
            after_a_wrong_clock(Conduct { ahead, ..Conduct::default() }).await;
        }
    });
}

#[test]
fn a_clock_that_was_behind_loses_nothing() {
    of(Mishap::ClockBehind, async {
        for minutes in MINUTES {
            let ahead = SignedDuration::from_mins(-minutes);
            after_a_wrong_clock(Conduct { ahead, ..Conduct::default() }).await;
        }
    });
}

#[test]
fn a_clock_that_jumps_while_it_is_read_by_loses_nothing() {
    of(Mishap::ClockJump, async {
        for minutes in MINUTES.into_iter().flat_map(|minutes| [minutes, -minutes]) {
            let (after, by) = (SignedDuration::from_secs(2), SignedDuration::from_mins(minutes));
            let jump = Some(Jump { after, by });
            after_a_wrong_clock(Conduct { jump, ..Conduct::default() }).await;
        }
    });
}

/// Pays an invoice that is not paid yet, another than `but`.
fn pay(world: &World, but: Option<i64>) -> i64 {
    let spec = streams::find("invoices").unwrap();
    let invoices = world.oracle().true_versions(spec).into_keys();
    let invoices = invoices.filter(|id| Some(*id) != but);
    let mut account = world.account.lock().unwrap();
    let mut paid = invoices.filter_map(|id| {
        account.apply(now(world), &Mutation::AddPayment { id: Some(id) }).ok().map(|_| id)
    });
    paid.next().unwrap()
}

const VISITED: [&str; 4] = ["clients", "time_entries", "invoice_payments", "time_report_clients"];

#[derive(Clone, Copy, Debug)]
enum Visit {
    Compact,
    Delete(usize),
    Restore(u64),
}

/// Checks the next run after another engine's commit. It restores the rows of a listing; those of
/// other streams come back with a sweep at the latest.
async fn visited(visit: Visit) {
    for stream in VISITED {
        let what = format!("{stream}: {visit:?}");
        let mut world = World::new(&AccountScale::tiny(), 7);
        world.settings.tidy_at_once = false;
        only(&mut world, &[stream]);
        quiet(&world, None).await;
        for _ in 0..3 {
            world.sleep(1).await;
            apply(&world, &Mutation::Create { stream: "clients".to_owned() });
            apply(&world, &Mutation::Create { stream: "time_entries".to_owned() });
            pay(&world, None);
            quiet(&world, None).await;
        }
        world.sleep(1).await;
        let visitor = Visitor::of(&world, streams::find(stream).unwrap()).await.unwrap();
        let done = match visit {
            Visit::Compact => visitor.compact().await,
            Visit::Delete(step) => visitor.delete_every(step).await,
            Visit::Restore(back) => visitor.restore(back).await,
        };
        assert!(done, "{what}");
        world.sleep(1).await;
        quiet(&world, None).await;
        let wrong = world.oracle().differences_of(stream, After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "{what}");
        world.sleep(1).await;
        quiet(&world, Some(Pass::Full)).await;
        let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_table_that_somebody_compacted_goes_on() {
    of(Mishap::Compaction, visited(Visit::Compact));
}

#[test]
fn rows_that_somebody_deleted_are_back_with_the_next_run() {
    of(Mishap::ForeignDelete, async {
        for step in [1, 2, 7] {
            visited(Visit::Delete(step)).await;
        }
    });
}

#[test]
fn a_table_that_somebody_restored_is_up_to_date_with_the_next_run() {
    of(Mishap::ForeignRestore, async {
        for back in [1, 2] {
            visited(Visit::Restore(back)).await;
        }
    });
}

#[test]
fn a_refused_parent_keeps_its_children_and_holds_up_no_others() {
    of(Mishap::RefusedParent, async {
        for (code, pass) in
            [(403, None), (403, Some(Pass::Full)), (404, None), (422, None), (500, None)]
        {
            let world = loaded(&AccountScale::tiny(), &["invoice_payments"]).await;
            let refused = pay(&world, None);
            pay(&world, Some(refused));
            let path = format!("/v2/invoices/{refused}/payments");
            fault(&world, &path, FaultChoice::Always, status(code, false));
            let before = rows(&world, "invoice_payments").await;
            world.sleep(1).await;
            let synced = sync(&world.process(None), pass).await.unwrap();
            let said = report(&synced, "invoice_payments");
            assert!(said.parked > 0 || said.error().is_some(), "{code}: {said:?}");
            let payments = streams::find("invoice_payments").unwrap();
            let (after, real) =
                (rows(&world, "invoice_payments").await, truth(&world, "invoice_payments"));
            let own = world.oracle().true_children(payments, refused);
            for (key, row) in real.iter().filter(|(key, _)| !own.contains(*key)) {
                assert_eq!(after.get(key), Some(row), "{code}: {key}");
            }
            assert!(before.keys().all(|key| after.contains_key(key)), "{code}");
            calm(&world);
            world.sleep(1).await;
            quiet(&world, None).await;
            assert_eq!(rows(&world, "invoice_payments").await, real, "{code}");
        }
    });
}

#[test]
fn a_refused_window_holds_up_no_others() {
    of(Mishap::RefusedWindow, async {
        for code in [403, 404, 422, 500] {
            let world = loaded(&AccountScale::tiny(), &["time_report_clients"]).await;
            let before = rows(&world, "time_report_clients").await;
            let months: Vec<_> = world.oracle().months().into_iter().collect();
            let refused = months[months.len() - 2].start;
            for _ in 0..30 {
                apply(&world, &Mutation::Update { stream: "time_entries".to_owned(), id: None });
            }
            let path = format!("/v2/reports/time/clients?from={refused}");
            fault(&world, &path, FaultChoice::Always, status(code, false));
            let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
            let said = report(&synced, "time_report_clients");
            let silent = said.error().is_none() && said.warning.is_none() && said.parked == 0;
            assert!(!silent, "{code}: {said:?}");
            let (after, real) =
                (rows(&world, "time_report_clients").await, truth(&world, "time_report_clients"));
            let own = |key: &&String| key.starts_with(&refused.to_string());
            for key in real.keys().filter(|key| !own(key)) {
                assert_eq!(after.get(key), real.get(key), "{code}: {key}");
            }
            assert!(before.keys().filter(own).all(|key| after.contains_key(key)), "{code}");
            calm(&world);
            world.sleep(1).await;
            quiet(&world, Some(Pass::Full)).await;
            assert_eq!(rows(&world, "time_report_clients").await, real, "{code}");
        }
    });
}

#[test]
fn values_in_another_spelling_are_the_same_values() {
    of(Mishap::Spelling, async {
        let world = World::new(&AccountScale::tiny(), 7);
        world.account.lock().unwrap().set_spelling(Spelling { records: 100, account: false });
        quiet(&world, None).await;
        let wrong = world.oracle().differences(After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
        world.mutate(3, 30);
        world.stop_timers();
        world.sleep(1).await;
        quiet(&world, None).await;
        quiet(&world, Some(Pass::Full)).await;
        let wrong = world.oracle().differences(After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn the_account_may_be_spelt_otherwise() {
    of(Mishap::AccountSpelling, async {
        let world = World::new(&AccountScale::tiny(), 7);
        world.account.lock().unwrap().set_spelling(Spelling { records: 0, account: true });
        quiet(&world, None).await;
        let wrong = world.oracle().differences(After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn a_mistyped_day_costs_a_few_windows() {
    of(Mishap::MistypedDays, async {
        for day in ["0001-01-01", "0206-03-10", "2206-03-10", "9999-12-31"] {
            let streams =
                ["time_entries", "expenses", "invoices", "time_report_team", "uninvoiced_report"];
            for of in ["time_entries", "expenses", "invoices"] {
                let mut world = World::new(&AccountScale::tiny(), 7);
                only(&mut world, &streams);
                let (stream, day) = (of.to_owned(), Some(day.to_owned()));
                apply(&world, &Mutation::Redate { stream, id: None, day: day.clone() });
                world.expect_at_most(3000);
                quiet(&world, None).await;
                world.sleep(1).await;
                quiet(&world, Some(Pass::Full)).await;
                let windows =
                    asked(&world, "/reports/time/team") + asked(&world, "/reports/uninvoiced");
                assert!(windows < 200, "{of} of {day:?}: {windows}");
                for stream in streams {
                    let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
                    assert_eq!(wrong, Vec::<String>::new(), "{of} of {day:?}");
                }
            }
        }
    });
}

#[test]
fn an_entry_without_a_usable_day_keeps_no_other_from_being_deleted() {
    of(Mishap::UnusableDays, async {
        for stream in ["time_entries", "expenses"] {
            let world = loaded(&AccountScale::tiny(), &[stream]).await;
            let spec = streams::find(stream).unwrap();
            let ids: Vec<i64> = world.oracle().true_versions(spec).into_keys().collect();
            // One after the other, so that each way of being unusable has its turn.
            for odd in &ids[..5] {
                let undated =
                    Mutation::Redate { stream: stream.to_owned(), id: Some(*odd), day: None };
                apply(&world, &undated);
            }
            apply(&world, &delete(stream, ids[9]));
            world.sleep(1).await;
            quiet(&world, None).await;
            let wrong = world.oracle().differences_of(stream, After::IncrementalPasses).await;
            assert_eq!(wrong, Vec::<String>::new());
            quiet(&world, Some(Pass::Full)).await;
            let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
            assert_eq!(wrong, Vec::<String>::new());
        }
    });
}

/// A first load of reports, and of a stream beside them, while the questions after the first and
/// last day go wrong. What the reports lack they say; the other stream is none the worse.
async fn extent(list: &str, effect: FaultEffect) {
    let what = format!("{list}: {effect:?}");
    let streams = ["clients", "time_report_clients", "expense_report_team", "uninvoiced_report"];
    let mut world = World::new(&AccountScale::tiny(), 7);
    only(&mut world, &streams);
    // No stream reads these lists here: only those questions do.
    fault(&world, &format!("/v2/{list}?"), FaultChoice::Always, effect);
    let synced = sync(&world.process(None), None).await;
    let synced = synced.map_err(|error| format!("{what}: {}", error.chain())).unwrap();
    assert!(world.account.lock().unwrap().spoilt().iter().sum::<u64>() > 0, "{what}");
    assert!(report(&synced, "clients").error().is_none(), "{what}");
    for stream in streams {
        if report(&synced, stream).error().is_none() {
            let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
            assert_eq!(wrong, Vec::<String>::new(), "{what}");
        }
    }
    calm(&world);
    world.sleep(1).await;
    quiet(&world, Some(Pass::Full)).await;
    for stream in streams {
        let wrong = world.oracle().differences_of(stream, After::FullPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "{what}");
    }
}

const EXTENT: [&str; 3] = ["time_entries", "expenses", "invoices"];

#[test]
fn a_count_that_is_off_cuts_no_month_off_the_reports() {
    story(async {
        for list in EXTENT {
            for by in [1, -1, -150, 10_000] {
                extent(list, FaultEffect::WrongTotal(by)).await;
            }
        }
    });
}

#[test]
fn a_list_of_days_that_is_refused_stops_no_other_stream() {
    story(async {
        for list in EXTENT {
            for code in [404, 422, 500, 504] {
                extent(list, status(code, false)).await;
            }
        }
    });
}

#[test]
fn a_report_whose_later_pages_are_refused_keeps_its_rows() {
    of(Mishap::DeepPages, async {
        for status in [404, 422, 500, 504] {
            let effect = FaultEffect::Contradiction(Contradiction::TooDeep { beyond: 1, status });
            for (stream, path, cap, _) in
                LISTS.into_iter().filter(|list| list.1.contains("reports"))
            {
                lasts(Mishap::DeepPages, stream, path, cap, &effect).await;
            }
        }
    });
}

#[test]
fn parents_that_could_not_be_read_are_remembered_while_the_lake_cannot_tell_which() {
    story(async {
        let scale = AccountScale { invoices: 150, ..AccountScale::tiny() };
        let world = loaded(&scale, &["invoice_payments"]).await;
        world.sleep(1).await;
        let paid = pay(&world, None);
        fault(&world, "/payments?", FaultChoice::Always, status(422, false));
        let synced = sync(&world.process(None), Some(Pass::Full)).await.unwrap();
        assert!(report(&synced, "invoice_payments").parked > 100);
        calm(&world);
        world.sleep(1).await;
        let parked = world.item("invoice_payments").await.position.parked;
        let named = parked.object().expect("too many for the item");
        let mut context = world.process(None);
        let failing = FaultyStore::new(Arc::clone(&context.store), move |call| {
            if call.key == named { CallFault::Before } else { CallFault::None }
        });
        context.store = Arc::new(failing);
        let synced = sync(&context, None).await.unwrap();
        let error = report(&synced, "invoice_payments").error();
        assert!(matches!(error, Some(RunError::Store { .. })), "{error:?}");
        assert_eq!(world.item("invoice_payments").await.position.parked, parked);
        world.sleep(30).await;
        quiet(&world, None).await;
        let wrong =
            world.oracle().differences_of("invoice_payments", After::IncrementalPasses).await;
        assert_eq!(wrong, Vec::<String>::new(), "invoice {paid}");
    });
}
