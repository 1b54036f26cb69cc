//! Records and declarations that move apart, and a later release that brings them together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use engine::drift::DriftKind;
use engine::pass::Pass;
use engine::spec::{
    Listing, Module, Paging, PartitionSpec, StreamKind, StreamSpec, date, instant, int, money,
    object, objects, text,
};
use lives::oracle::After;
use lives::world::{Death, World, in_simulated_time, sync};
use runtime::operate::upgrade::{UpgradeCounts, upgrade};
use runtime::run::{RunOrder, RunReport, run};
use sim::AccountScale;

/// `invoices` as an earlier release with fewer members may have declared it.
static OLDER: StreamSpec = StreamSpec {
    name: "invoices",
    doc: "One invoice.",
    path: "/invoices",
    records_key: Some("invoices"),
    kind: StreamKind::Listing(Listing::new(
        Paging::DateKeyset { field: "issue_date", nullable: true },
        "/invoices/{id}",
    )),
    module: Some(Module::Invoice),
    partition: PartitionSpec::CreatedYear,
    fields: &[
        int("id").required(),
        object("client", &[int("id")]),
        objects("line_items", &[int("id"), text("kind"), money("amount")]),
        text("number"),
        money("amount"),
        date("issue_date"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};

/// A declaration with a member of another type than Harvest sends, and one that it never sends.
static MISTAKEN: StreamSpec = StreamSpec {
    name: "clients",
    doc: "One client.",
    path: "/clients",
    records_key: Some("clients"),
    kind: StreamKind::Listing(Listing::new(Paging::Cursor, "/clients/{id}")),
    fields: &[
        int("id").required(),
        int("name"),
        text("never_there"),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};

/// `invoices` as it is declared.
fn today() -> &'static StreamSpec {
    streams::find("invoices").unwrap()
}

async fn read(world: &World, spec: &'static StreamSpec, pass: Pass) -> RunReport {
    let context = world.process(None);
    let order = RunOrder { spec, pass, deadline: None, accept_deletes: false };
    let report = Box::pin(run(&context, order)).await;
    assert!(report.error().is_none(), "{report:?}");
    report
}

/// A lake with invoices that an older release wrote.
async fn older() -> World {
    let mut world = World::new(&AccountScale::tiny(), 5);
    world.settings.streams = Some([today().name.to_owned()].into());
    read(&world, &OLDER, Pass::Full).await;
    world.sleep(1).await;
    world
}

#[test]
fn what_records_hold_beyond_the_declaration_is_told_until_a_full_pass_ends_it() {
    in_simulated_time(async {
        let mut world = World::new(&AccountScale::tiny(), 5);
        world.settings.streams = Some([today().name.to_owned()].into());
        let report = read(&world, &OLDER, Pass::Full).await;
        let told = |what: DriftKind, member: &str| {
            let found = report.drift.iter().find(|it| (it.what, &*it.member) == (what, member));
            found.map(|finding| finding.times)
        };
        assert_eq!(told(DriftKind::New, "notes"), Some(report.records));
        assert_eq!(told(DriftKind::New, "client.name"), Some(report.records));
        assert!(told(DriftKind::New, "line_items[].description").unwrap() > report.records);
        let drift = world.item("invoices").await.health.drift;
        assert_eq!(drift.findings(), report.drift);

        // A run that reads no record keeps the finding; a full pass of today's release ends it.
        world.sleep(1).await;
        read(&world, &OLDER, Pass::Incremental).await;
        assert_eq!(
            world.item("invoices").await.health.drift.findings().len(),
            drift.findings().len()
        );
        world.sleep(1).await;
        let report = read(&world, today(), Pass::Full).await;
        assert_eq!(report.drift, []);
        assert_eq!(world.item("invoices").await.health.drift.findings(), []);
    });
}

#[test]
fn values_of_another_type_are_told_with_their_kind() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 5);
        let report = read(&world, &MISTAKEN, Pass::Full).await;
        let changed: Vec<_> = report.drift.iter().filter(|it| it.what != DriftKind::New).collect();
        let times = report.records;
        let sentence = format!(
            "`name` was text (such as \"a a\") in {times} records, which its column does not hold: it \
             is null there; kept in extra_json"
        );
        assert_eq!(changed.iter().map(|it| it.sentence()).collect::<Vec<_>>(), [sentence]);
    });
}

#[test]
fn a_full_pass_of_a_later_release_finds_no_row_changed() {
    in_simulated_time(async {
        let world = older().await;
        let report = read(&world, today(), Pass::Full).await;
        assert_eq!(report.counts.updated, 0, "{:?}", report.counts);
        assert_eq!(report.counts.unchanged, report.records);
        assert_eq!(world.oracle().differences_of("invoices", After::FullPasses).await, [""; 0]);
    });
}

#[test]
fn an_upgrade_rewrites_what_an_older_release_wrote_and_changes_no_row() {
    in_simulated_time(async {
        let world = older().await;
        let before = world.item("invoices").await;
        let context = world.process(None);
        let done = upgrade(&context, today()).await.unwrap().unwrap();
        assert!(done.files > 0 && done.changes > 0, "{done:?}");
        assert_eq!((done.files, done.commits), (done.of, 1));
        let after = world.item("invoices").await;
        assert_eq!((after.sequence, &after.position), (before.sequence, &before.position));
        // The columns that this release declares, then the files.
        assert_eq!(after.version, before.version + 2);
        assert!(after.lease.unwrap().released);
        assert_eq!(world.oracle().differences_of("invoices", After::FullPasses).await, [""; 0]);
        // A second upgrade finds nothing to do.
        let again = upgrade(&context, today()).await.unwrap().unwrap();
        assert_eq!(again, UpgradeCounts { of: done.of, ..UpgradeCounts::default() });
        world.sleep(1).await;
        let synced = sync(&context, None).await.unwrap();
        assert_eq!((synced.failures(), synced.commits()), (Vec::new(), 0));
    });
}

#[test]
fn an_upgrade_that_dies_anywhere_is_ended_by_the_next() {
    in_simulated_time(async {
        let (mut deaths, mut after_calls) = (0, 0);
        loop {
            let world = older().await;
            let effect = after_calls % 2 == 0;
            let context = world.process(Some(Death { after_calls, effect }));
            let done = upgrade(&context, today()).await;
            let died = !matches!(done, Ok(Ok(_)));
            deaths += u32::from(died);
            world.sleep(1).await;
            let context = world.process(None);
            let rest = upgrade(&context, today()).await.unwrap().unwrap();
            let again = upgrade(&context, today()).await.unwrap().unwrap();
            assert_eq!(
                (again.files, again.commits, again.changes),
                (0, 0, 0),
                "after {after_calls} calls"
            );
            let wrong = world.oracle().differences_of("invoices", After::FullPasses).await;
            assert_eq!(wrong, [""; 0], "after {after_calls} calls: {rest:?}");
            if !died {
                break;
            }
            after_calls += 1;
        }
        assert!(deaths > 8, "it died only {deaths} times");
    });
}
