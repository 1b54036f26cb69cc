//! Answers that Harvest should not give: they move no cursor, and the other streams go on.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use e2e::scene::{Scene, Standing, in_parallel};
use sim::{AccountScale, FaultChoice, FaultEffect};

/// A server that counts connections and reads no request.
struct Stranger {
    origin: String,
    knocks: Arc<AtomicU64>,
}

impl Stranger {
    #[expect(clippy::disallowed_methods, reason = "a server of the test alone")]
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let knocks = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&knocks);
        std::thread::spawn(move || {
            for knock in listener.incoming() {
                drop(knock);
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { origin, knocks }
    }
}

fn status(status: u16, retry_after: Option<&str>) -> FaultEffect {
    FaultEffect::Status { status, retry_after: retry_after.map(str::to_owned), html: status >= 500 }
}

/// An answer of one stream, the error type of its failure, and what its message says.
type Trouble = (&'static str, &'static str, FaultEffect, &'static str, &'static [&'static str]);

/// None of these streams is read for the sake of another.
fn troubles(stranger: &Stranger) -> Vec<Trouble> {
    let page = "/v2/contacts?*cursor=";
    let not_json: &[&str] = &["not the JSON", "nothing was taken", "login page"];
    let lost: &[&str] = &["run again later: what was read is kept"];
    vec![
        ("clients", "/v2/clients?", FaultEffect::HtmlPage, "HarvestFailed", not_json),
        ("tasks", "/v2/tasks?", FaultEffect::TruncatedJson, "PageUnusable", &["/tasks", "nothing"]),
        ("projects", "/v2/projects?", FaultEffect::WrongContentType, "HarvestFailed", not_json),
        ("roles", "/v2/roles", FaultEffect::NotJson, "PageUnusable", &["/roles", "nothing of it"]),
        ("expense_categories", "/v2/expense_cat", FaultEffect::CutBody, "HarvestFailed", lost),
        ("task_assignments", "/v2/task_assignments?", status(500, None), "HarvestFailed", lost),
        ("invoice_item_categories", "/v2/invoice_item", FaultEffect::Drop, "HarvestFailed", &[]),
        (
            "estimate_item_categories",
            "/v2/estimate_item",
            FaultEffect::Redirect(format!("{}/v2/login", stranger.origin)),
            "HarvestFailed",
            &["302", "not followed", "base URL"],
        ),
        // The second page of three.
        ("contacts", page, FaultEffect::HtmlPage, "HarvestFailed", not_json),
        (
            "time_report_tasks",
            "/time/tasks",
            FaultEffect::TruncatedJson,
            "PageUnusable",
            &["nothing"],
        ),
        ("project_budget_report", "/project_budget", status(422, None), "HarvestFailed", &["422"]),
    ]
}

fn spoil(scene: &Scene, troubles: &[Trouble]) {
    for (_, path, effect, _, _) in troubles {
        scene.fault(path, FaultChoice::Always, effect.clone());
    }
}

/// Checks that a sync fails in exactly these streams, with the right message for each.
fn fails(scene: &Scene, troubles: &[Trouble]) {
    let names: Vec<&str> = troubles.iter().map(|trouble| trouble.0).collect();
    let ended = scene.sync().with(1).only_failed(&names);
    let failures = ended.failures();
    for (stream, _, _, wanted, words) in troubles {
        let (kind, message) = &failures[*stream];
        assert_eq!(kind, wanted, "{stream}: {message}");
        for word in [&[*stream], *words].concat() {
            assert!(message.contains(word), "{stream}: {word:?} is missing in {message}");
        }
    }
}

fn standings(scene: &Scene, troubles: &[Trouble]) -> Vec<Standing> {
    troubles.iter().map(|trouble| scene.standing(trouble.0)).collect()
}

fn three_pages_of_contacts() -> AccountScale {
    AccountScale { contacts: 4100, ..AccountScale::tiny() }
}

#[test]
fn unusable_answers_move_nothing_and_stop_nobody_else() {
    let later = |fresh: &bool| {
        let stranger = Stranger::new();
        let scene = Scene::of(&three_pages_of_contacts(), 21, Duration::ZERO);
        let mut troubles = troubles(&stranger);
        if *fresh {
            spoil(&scene, &troubles);
            fails(&scene, &troubles);
            scene.is_sound(&scene.lake());
        } else {
            scene.sync().with(0);
            scene.mutate(22);
            // One page holds all changes.
            troubles.retain(|trouble| trouble.0 != "contacts");
            let before = standings(&scene, &troubles);
            spoil(&scene, &troubles);
            fails(&scene, &troubles);
            assert_eq!(standings(&scene, &troubles), before);
        }
        assert_eq!(stranger.knocks.load(Ordering::SeqCst), 0);
        scene.clear_faults();
        scene.heals();
    };
    in_parallel(&[("first sync", true), ("later sync", false)], later);
}

#[test]
fn the_token_never_follows_a_link_or_a_redirect_elsewhere() {
    let stranger = Stranger::new();
    let scene = Scene::of(&three_pages_of_contacts(), 23, Duration::ZERO);
    scene.fault(
        "/v2/contacts?",
        FaultChoice::Always,
        FaultEffect::ForeignNext(stranger.origin.clone()),
    );
    let redirect = FaultEffect::Redirect(format!("{}/v2/tasks", stranger.origin));
    scene.fault("/v2/tasks?", FaultChoice::Always, redirect);
    let ended = scene.sync().with(1).only_failed(&["contacts", "tasks"]);
    let ended = ended.says(&["leads out of the base URL", "not followed"]);
    drop(ended);
    scene.is_sound(&scene.lake());
    scene.clear_faults();
    // The same from the first request on: not even the person of the token is asked for there.
    let redirect = FaultEffect::Redirect(format!("{}/v2/users/me", stranger.origin));
    scene.fault("/v2/users/me", FaultChoice::Always, redirect);
    scene.sync().with(1).says(&["302", "check the base URL"]);
    scene.clear_faults();
    scene.heals();
    assert_eq!(stranger.knocks.load(Ordering::SeqCst), 0);
}

#[test]
fn passing_trouble_is_waited_out() {
    let cases = [
        ("429 with Retry-After", (status(429, Some("1")), FaultChoice::Every(40))),
        ("429 without", (status(429, None), FaultChoice::Every(7))),
        ("429 with nonsense", (status(429, Some("soon")), FaultChoice::Every(7))),
        ("429 at first", (status(429, None), FaultChoice::First(12))),
        ("500", (status(500, None), FaultChoice::Every(9))),
        ("cut", (FaultEffect::CutBody, FaultChoice::Every(9))),
        ("not JSON", (FaultEffect::NotJson, FaultChoice::Every(23))),
    ];
    in_parallel(&cases, |(effect, select)| {
        let scene = Scene::new(24);
        scene.fault("", *select, effect.clone());
        let ended = scene.sync().with(0);
        assert_eq!(ended.json()["complete"], true, "{}", ended.said());
        scene.clear_faults();
        scene.heals_fully();
    });
}

#[test]
fn a_limit_that_never_ends_fails_its_stream_and_no_other() {
    let scene = Scene::new(25);
    scene.fault("/v2/clients?", FaultChoice::Always, status(429, None));
    let ended = scene.sync().with(1).only_failed(&["clients"]);
    ended.says(&["429", "budget percent"]);
    scene.is_sound(&scene.lake());
    scene.clear_faults();
    scene.heals();
}
