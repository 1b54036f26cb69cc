//! A deployment: both functions under the stand-in for Lambda, with emulators of S3, `DynamoDB`,
//! secrets, queue and event bus, and the fake Harvest behind HTTP.

mod deploy;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws::DynamoStore;
use delta::store::ObjectStore;
use engine::ids::AccountId;
use serde_json::{Value, json};
use sim::{AccountScale, RunningFace};
use state::{PutOutcome, StateStore as _, WriteCondition};

use crate::emulators::lasting::LastingEmulator;
use crate::emulators::{self, Emulator};
use crate::lambda::{Function, Lambda, Unreliable};
use crate::proxy::Proxy;
use crate::scene::{mutate_settled, now};
use lives::oracle::{After, Oracle};

/// A tick of the schedule, as the scheduler sends it.
pub const TICK: &str = include_str!("../../events/orchestrator-tick.json");
/// Number of ticks after which a test fails because the deployment does not come to rest.
const MOST_TICKS: u32 = 200;
/// Ticks that stand for two minutes of the schedule.
const TICKS_OF_TWO_MINUTES: u32 = 40;

/// Properties of the deployment.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Size of the account.
    pub scale: AccountScale,
    /// Seed of the account.
    pub seed: u64,
    /// Faults of the Lambda service.
    pub conduct: Unreliable,
    /// First value of the secret.
    pub secret: Option<String>,
    /// Time after which a worker is killed.
    pub timeout: Duration,
    /// Faults of S3 and `DynamoDB`: seed, and percentage of the requests that fail. If given,
    /// Harvest is behind a proxy, too, which lets no request fail.
    pub faults: Option<(u64, u32)>,
    /// S3 and `DynamoDB` of this deployment alone, if not those of all tests.
    pub stores: Option<[Arc<LastingEmulator>; 2]>,
    /// More variables of both functions.
    pub variables: Vec<(&'static str, String)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            scale: AccountScale::tiny(),
            seed: 7,
            conduct: Unreliable::default(),
            secret: Some(secret(sim::ADMINISTRATOR_TOKEN)),
            timeout: Duration::from_mins(15),
            faults: None,
            stores: None,
            variables: Vec::new(),
        }
    }
}

/// Value of the secret for this token.
#[must_use]
pub fn secret(token: &str) -> String {
    json!({ "access_token": token }).to_string()
}

/// The deployment.
#[derive(Debug)]
pub struct Cloud {
    /// The account.
    pub served: RunningFace,
    /// The service.
    pub lambda: Lambda,
    /// The lake.
    pub store: Arc<dyn ObjectStore>,
    /// Place of the lake: `s3://bucket/prefix`.
    pub lake: String,
    /// Place of the state: `dynamodb://table`.
    pub state: String,
    /// Variables with which a process finds the emulators.
    pub environment: Vec<(String, String)>,
    /// Proxies between the functions and S3, `DynamoDB` and Harvest.
    pub proxies: Vec<Proxy>,
    /// File that the functions log to.
    pub log: PathBuf,
    dynamodb: Emulator,
    secret: String,
    failures: String,
    news: String,
    folder: tempfile::TempDir,
}

impl Cloud {
    /// Returns the hosted worker, for tests that run its program in another way.
    #[must_use]
    pub fn worker(&self) -> &Function {
        self.lambda.function("worker")
    }

    /// Runs one tick, and all workers that it invokes.
    ///
    /// # Errors
    /// Returns the error of the orchestrator.
    pub async fn tick(&self) -> Result<Value, Value> {
        let event = serde_json::from_str(TICK).expect("JSON");
        let answer = self.lambda.call("orchestrator", event).await;
        self.lambda.quiet().await;
        answer
    }

    /// Makes random changes of the account.
    pub fn mutate(&self, seed: u64, steps: u64) {
        self.served.with(|account| mutate_settled(account, seed, steps));
    }

    /// Ticks until no stream is due and no worker runs; returns the number of ticks.
    pub async fn rest(&self) -> u32 {
        for ticks in 1..MOST_TICKS {
            if ticks % TICKS_OF_TWO_MINUTES == 0 {
                // An invocation that was lost is waited for so long in vain.
                self.forget_invocations().await;
            }
            let Ok(answer) = self.tick().await else { continue };
            let is_empty = |member: &str| answer[member].as_array().is_some_and(Vec::is_empty);
            if is_empty("due") && is_empty("running") {
                return ticks;
            }
        }
        let said = self.said();
        let last: Vec<&str> = said.lines().rev().take(5).collect();
        panic!("no rest after {MOST_TICKS} ticks; the log ends with {last:#?}");
    }

    /// Ticks until all tables are exact, without waiting for back-offs and for the leases of dead runs.
    ///
    /// # Panics
    /// Panics after four minutes; `circumstances` are part of the message.
    #[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
    pub async fn rest_exact(&self, circumstances: &str) {
        let rested = tokio::time::timeout(Duration::from_mins(4), async {
            loop {
                self.forget_failures().await;
                self.expire_leases().await;
                self.tick().await.ok();
                if self.oracle().differences(After::FullPasses).await.is_empty() {
                    break;
                }
            }
        });
        if rested.await.is_err() {
            let wrong = self.oracle().differences(After::FullPasses).await;
            let attempts = self.lambda.attempts();
            let failed: Vec<_> = attempts.iter().filter(|one| one.answer.is_err()).collect();
            let last = attempts.iter().rev().find(|one| one.function == "orchestrator");
            panic!("{circumstances}: {wrong:?}\nfailed: {failed:?}\nlast: {last:?}");
        }
    }

    /// Returns the log of the functions.
    #[must_use]
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Changes the value of the secret.
    pub async fn put_secret(&self, text: &str) {
        let secrets = emulators::moto().await.aws().await.secrets().await;
        let put = secrets.put_secret_value().secret_id(&self.secret).secret_string(text);
        put.send().await.expect("a secret that takes a value");
    }

    /// Returns the messages in the failure queue.
    pub async fn failures(&self) -> Vec<Value> {
        received(&self.failures).await
    }

    /// Returns the events from the event bus.
    pub async fn news(&self) -> Vec<Value> {
        received(&self.news).await
    }

    /// Ends the leases of killed functions, so that a test need not wait two minutes.
    pub async fn expire_leases(&self) {
        self.edit(|body| {
            if let Some(lease) = body.get_mut("lease").filter(|lease| lease["released"] == false) {
                lease["until"] = json!("2000-01-01T00:00:00Z");
            }
            if let Some(invoked) = body.get_mut("invoked") {
                *invoked = json!({});
            }
        })
        .await;
    }

    /// Forgets the invocations that the orchestrator waits for, as it does by itself after two minutes.
    async fn forget_invocations(&self) {
        self.edit(|body| {
            if let Some(invoked) = body.get_mut("invoked") {
                *invoked = json!({});
            }
        })
        .await;
    }

    /// Forgets the failures of all streams, so that a test need not wait for their back-off.
    pub async fn forget_failures(&self) {
        self.edit(|body| {
            if let Some(health) = body.get_mut("health") {
                health["last_error"] = Value::Null;
            }
        })
        .await;
    }

    async fn edit(&self, change: impl Fn(&mut Value)) {
        let table = self.state.trim_start_matches("dynamodb://");
        let client = self.dynamodb.aws().await.dynamodb().await;
        let state = DynamoStore::new(client, table, || 0);
        let account = AccountId(self.served.with(|account| account.account_id()));
        for (key, item) in state.list(account, "").await.expect("a listing") {
            let old: Value = serde_json::from_str(&item.body).expect("JSON");
            let mut body = old.clone();
            change(&mut body);
            if body != old {
                let put =
                    state.put(&key, WriteCondition::Rev(item.rev), &body.to_string(), None).await;
                assert!(
                    matches!(put, Ok(PutOutcome::Stored(_))),
                    "{key:?} is written by somebody else"
                );
            }
        }
    }

    /// Returns an oracle for the tables.
    #[must_use]
    pub fn oracle(&self) -> Oracle<'_> {
        let id = AccountId(self.served.with(|account| account.account_id()));
        let store = Arc::clone(&self.store);
        Oracle {
            account: &self.served.account,
            id,
            now: now(),
            store,
            settings: None,
            memory: Arc::default(),
        }
    }

    /// Copies the lake into a folder, for readers that know no S3.
    pub async fn copy(&self) -> PathBuf {
        let folder = self.folder.path().join("lake");
        std::fs::remove_dir_all(&folder).ok();
        for object in self.store.list("tables/", None).await.expect("a listing") {
            let path = folder.join(&object.key);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
            let bytes = self.store.get(&object.key).await.expect("readable").expect("there");
            std::fs::write(path, bytes).expect("a file");
        }
        folder
    }
}

async fn received(queue: &str) -> Vec<Value> {
    let sqs = aws_sdk_sqs::Client::new(emulators::moto().await.aws().await.config().await);
    let mut found = Vec::new();
    loop {
        let got = sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await;
        let messages = got.expect("an answer").messages.unwrap_or_default();
        if messages.is_empty() {
            return found;
        }
        for message in messages {
            found.push(serde_json::from_str(message.body().expect("a body")).expect("JSON"));
            let receipt = message.receipt_handle().expect("a receipt");
            let delete = sqs.delete_message().queue_url(queue).receipt_handle(receipt).send().await;
            delete.expect("deleted");
        }
    }
}
