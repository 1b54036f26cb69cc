//! News about trouble on somebody's machine: a command and a webhook hear once of each trouble and
//! once of its end.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use deployment::config::HookOccasion;
use deployment::hooks::{PATIENCE, WebhookAnnouncer};
use e2e::http::{self, Answered};
use e2e::scene::{Ended, Scene, finish};
use runtime::announce::conformance::{self, SECRET};
use serde_json::{Value, json};
use sim::{FaultChoice, FaultEffect};

/// Server that keeps the bodies that are posted to it.
struct Channel {
    url: String,
    heard: Arc<Mutex<Vec<Value>>>,
    /// Whether the next request is refused.
    refuses: Arc<AtomicBool>,
}

impl Channel {
    async fn open() -> Self {
        let (heard, refuses) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<AtomicBool>::default());
        let listener = http::listen().await;
        let url =
            format!("http://{}/services/{SECRET}?key={SECRET}", listener.local_addr().unwrap());
        let (bodies, says) = (Arc::clone(&heard), Arc::clone(&refuses));
        http::serve(listener, move |asked| {
            let (bodies, says) = (Arc::clone(&bodies), Arc::clone(&says));
            async move {
                assert_eq!(asked.method, "POST");
                assert_eq!(asked.header("content-type"), Some("application/json"));
                if says.swap(false, Ordering::Relaxed) {
                    return Answered::new(403, &json!(format!("no {SECRET}")));
                }
                bodies.lock().unwrap().push(serde_json::from_slice(&asked.body).unwrap());
                Answered::new(200, &json!("ok"))
            }
        });
        Self { url, heard, refuses }
    }

    fn take(&self) -> Vec<Value> {
        core::mem::take(&mut self.heard.lock().unwrap())
    }
}

#[tokio::test]
async fn a_webhook_conforms() {
    let channel = Channel::open().await;
    let url = channel.url.parse().unwrap();
    let webhook = WebhookAnnouncer::new(HookOccasion::Failure, url, PATIENCE);
    let refuse = async || channel.refuses.store(true, Ordering::Relaxed);
    conformance::check(&webhook, async || channel.take(), refuse).await;
}

/// Person with a schedule: commands that append what they hear to files.
struct Person {
    scene: Scene,
    heard: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Person {
    fn new(seed: u64) -> Self {
        let scene = Scene::new(seed);
        let heard = scene.folder().join("heard");
        let line = |occasion: &str| {
            format!("(printf '{occasion} '; cat; echo) >> '{}'; env > '{0}.env'", heard.display())
        };
        let variables = vec![
            ("HARVEST_ON_FAILURE", line("failure")),
            ("HARVEST_ON_RECOVERY", line("recovery")),
        ];
        Self { scene, heard, variables }
    }

    fn run(&self, line: &str) -> Ended {
        let mut command = self.scene.command(line);
        command.env("HARVEST_STREAMS", "clients,tasks");
        command.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        finish(command.spawn().unwrap()).answers(line)
    }

    /// Takes what was heard since the last call: the occasion, and the names that are told of.
    fn told(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(&self.heard).unwrap_or_default();
        fs::remove_file(&self.heard).ok();
        let told = text.lines().map(|line| {
            let (occasion, document) = line.split_once(' ').unwrap();
            let document: Value = serde_json::from_str(document).unwrap();
            e2e::json::check("trouble", &document);
            let names = |member: &str| document[member].as_array().unwrap().clone();
            let names = names("began").into_iter().chain(names("ended"));
            let names: Vec<String> = names.map(|name| name.as_str().unwrap().to_owned()).collect();
            (occasion.to_owned(), names.join("+"))
        });
        told.collect()
    }

    fn breaks(&self, path: &str, status: u16) {
        let effect = FaultEffect::Status { status, retry_after: None, html: false };
        self.scene.fault(path, FaultChoice::Always, effect);
    }
}

fn call(occasion: &str, names: &str) -> Vec<(String, String)> {
    vec![(occasion.to_owned(), names.to_owned())]
}

#[test]
fn a_command_hears_once_of_each_trouble_and_once_of_its_end() {
    let person = Person::new(91);
    person.run("sync --json").with(0);
    assert_eq!(person.told(), [], "all is well");

    person.breaks("/clients", 403);
    let failed = person.run("sync --pass full --json").with(1).json();
    assert_eq!(failed["failures"][0]["runbook"], "docs/runbook.md#a-stream-that-harvest-refuses");
    assert_eq!(person.told(), call("failure", "clients"));
    let inherited = fs::read_to_string(person.heard.with_extension("env")).unwrap();
    assert!(inherited.contains("\nHARVEST_LAKE_STREAMS=clients\n"), "{inherited}");
    assert!(inherited.contains("HARVEST_LAKE_EVENT=failure\n"), "{inherited}");
    assert!(!inherited.contains(sim::ADMINISTRATOR_TOKEN), "{inherited}");
    assert!(!inherited.contains("HARVEST_ON_"), "{inherited}");
    person.run("sync --pass full --quiet").with(1);
    // The sync of another stream says nothing about this one.
    person.run("sync tasks --quiet").with(0);
    assert_eq!(person.told(), []);

    person.scene.clear_faults();
    person.run("sync --pass full --quiet").with(0);
    assert_eq!(person.told(), call("recovery", "clients"));
    person.run("sync --quiet").with(0);
    assert_eq!(person.told(), []);
}

#[test]
fn a_sync_that_cannot_begin_is_told_of_once() {
    let mut person = Person::new(92);
    person.run("sync --json").with(0);
    for (status, name, code) in [(401, "token", 3), (404, "token", 3), (422, "sync", 1)] {
        person.breaks("/users/me", status);
        person.run("sync --json").with(code);
        assert_eq!(person.told(), call("failure", name), "{status}");
        person.run("sync --quiet").with(code);
        assert_eq!(person.told(), [], "{status}");
        person.scene.clear_faults();
        person.run("sync --quiet").with(0);
        assert_eq!(person.told(), call("recovery", name), "{status}");
    }

    // The file is there, and no folder.
    let lake = person.scene.lake();
    fs::rename(&lake, lake.with_extension("away")).unwrap();
    fs::write(&lake, "").unwrap();
    person.run("sync --json").with(2);
    assert_eq!(person.told(), call("failure", "sync"), "nothing can be noted");
    // A command that fails changes no exit code, and what it did not hear is told again.
    let working = person.variables[0].1.clone();
    person.variables[0].1 = "exit 7".to_owned();
    fs::remove_file(&lake).unwrap();
    fs::rename(lake.with_extension("away"), &lake).unwrap();
    person.breaks("/clients", 403);
    let told = person.run("sync --pass full --quiet").with(1);
    told.says(&["nobody was told of the failure of clients", "exit status: 7", "check --notify"]);
    person.variables[0].1 = working;
    person.run("sync --pass full --quiet").with(1);
    assert_eq!(person.told(), call("failure", "clients"));
}

#[test]
fn a_webhook_in_the_file_of_secrets_hears_of_it_and_is_not_shown() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let channel = runtime.block_on(Channel::open());
    let person = Person::new(93);
    let settings = person.scene.folder().join("harvest-lake.toml");
    let secrets = format!("HARVEST_ON_FAILURE='{0}'\nHARVEST_ON_RECOVERY='{0}'\n", channel.url);
    fs::write(&settings, "streams = \"clients\"\n").unwrap();
    private(&person.scene.folder().join(".env"), &secrets);
    let run = |line: &str| {
        let mut command = person.scene.command(line);
        let ended = finish(command.env("HARVEST_CONFIG", &settings).spawn().unwrap()).answers(line);
        assert!(!ended.said().contains(SECRET), "{}", ended.said());
        ended
    };
    let tried = run("check --notify --json").with(0).json();
    let host = channel.url.split("/services").next().unwrap();
    let took = |setting: &str| json!({ "setting": setting, "receiver": host, "error": null });
    let both = json!([took("on_failure"), took("on_recovery")]);
    assert_eq!(tried["notified"], both);
    assert_eq!(channel.take().len(), 2);

    person.breaks("/clients", 500);
    channel.refuses.store(true, Ordering::Relaxed);
    run("sync --log trace").with(1).says(&["answered 403", host]);
    assert_eq!(channel.take(), Vec::<Value>::new());
    run("sync --quiet").with(1);
    let heard = channel.take();
    assert_eq!(heard.len(), 1, "{heard:?}");
    let text = heard[0]["text"].as_str().unwrap();
    let beginning = format!("harvest-lake, account 1000001 ({})", person.scene.lake().display());
    assert!(text.starts_with(&beginning), "{text}");
    assert!(text.contains("; clients fails: "), "{text}");
    let place = "see docs/runbook.md#harvest-cannot-be-read (`clients` could not be read: GET";
    assert!(text.contains(place), "{text}");
    person.scene.clear_faults();
    run("sync").with(0);
    assert_eq!(channel.take()[0]["ended"], json!(["clients"]));

    channel.refuses.store(true, Ordering::Relaxed);
    run("check --notify").with(1).says(&["of `on_failure` answered 403", "on_recovery: "]);
}

#[test]
fn receivers_that_cannot_be_called_are_told_at_once() {
    let scene = Scene::new(94);
    scene.run("check --notify --json").with(2).says(&["--on-failure", "HARVEST_ON_RECOVERY"]);
    for wrong in ["slack://s3cret", "https://s3cret:port/"] {
        let mut command = scene.command("sync --on-failure");
        let ended = finish(command.arg(wrong).spawn().unwrap()).with(2);
        ended.says(&["`--on-failure` (`HARVEST_ON_FAILURE`)"]);
    }
    assert!(!scene.lake().exists());
}

fn private(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(file, text).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
}
