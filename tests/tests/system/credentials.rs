//! Tokens that change, are refused, or are not there yet.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws::{ParameterVault, SecretsManagerVault};
use deployment::login::LoginVault;
use e2e::emulators;
use engine::fault::CallFault;
use engine::pass::RequestTarget;
use engine::retry::RequestFailure;
use engine::time::{SignedDuration, plus};
use harvest_api::{ApiAnswer, ApiError, HarvestApi, Token, TokenCell, TokenEndpoint, TokenGrant};
use lives::world::{World, in_simulated_time, sync};
use runtime::clock::SystemClock;
use runtime::credentials::{
    LoadedSecret, MemoryVault, SecretContent, SecretCredentials, TokenKeeper, Vault, refresh_if_due,
};
use runtime::{Context, RunError, records};
use sim::AccountScale;

/// A Harvest that accepts one token, whatever the fake behind it accepts.
#[derive(Debug)]
struct Picky {
    inner: Arc<dyn HarvestApi>,
    shown: TokenCell,
    taken: TokenCell,
    refusals: Mutex<u32>,
}

#[async_trait]
impl HarvestApi for Picky {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        if self.shown.get().is_none() || self.shown.get() != self.taken.get() {
            *self.refusals.lock().unwrap() += 1;
            return Err(ApiError::new(RequestFailure::Unauthorized, "GET /somewhere"));
        }
        self.inner.get(target).await
    }
}

/// Makes numbered tokens; each refresh token is good for one.
#[derive(Debug, Default)]
struct Mint(Mutex<u32>);

#[async_trait]
impl TokenEndpoint for Mint {
    async fn refresh(&self, id: &str, secret: &str, refresh: &str) -> Result<TokenGrant, ApiError> {
        let mut made = self.0.lock().unwrap();
        if (id, secret, refresh) != ("id", "shh", format!("refresh-{made}").as_str()) {
            return Err(ApiError::new(RequestFailure::Unauthorized, "POST"));
        }
        *made += 1;
        Ok(TokenGrant {
            access_token: format!("access-{made}"),
            refresh_token: Some(format!("refresh-{made}")),
            expires_in_seconds: 3600,
        })
    }
}

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

fn personal(text: &str) -> String {
    format!("{{\"access_token\": \"{text}\"}}")
}

/// A process with `vault`, at a Harvest that accepts the token in `taken`.
fn process(world: &World, vault: &Arc<MemoryVault>, taken: &TokenCell) -> (Context, Arc<Picky>) {
    let context = world.process(None);
    let endpoint: Arc<dyn TokenEndpoint> = Arc::new(Mint::default());
    let tokens = TokenKeeper::kept(Arc::<MemoryVault>::clone(vault), Some(endpoint));
    let picky = Arc::new(Picky {
        inner: Arc::clone(&context.api),
        shown: tokens.cell(),
        taken: taken.clone(),
        refusals: Mutex::default(),
    });
    let api = Arc::<Picky>::clone(&picky);
    (Context { api, tokens: Arc::new(tokens), ..context }, picky)
}

#[test]
fn a_token_that_was_replaced_in_the_secret_is_found_after_one_refusal() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 7);
        let (vault, taken) = (Arc::new(MemoryVault::default()), TokenCell::new(token("old")));
        vault.write(&personal("old")).await.unwrap();
        let (context, picky) = process(&world, &vault, &taken);
        let first = sync(&context, None).await.unwrap();
        assert_eq!(first.failures(), Vec::<String>::new());
        taken.set(Some(token("new")));
        vault.write(&personal("new")).await.unwrap();
        *picky.refusals.lock().unwrap() = 0;
        world.sleep(1).await;
        let second = sync(&context, None).await.unwrap();
        assert_eq!(second.failures(), Vec::<String>::new());
        assert_eq!(*picky.refusals.lock().unwrap(), 1);
    });
}

#[test]
fn a_token_that_stays_refused_is_sent_once_and_an_empty_secret_never() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 7);
        let (vault, taken) = (Arc::new(MemoryVault::default()), TokenCell::new(token("other")));
        let (context, picky) = process(&world, &vault, &taken);
        assert_eq!(context.tokens.load(&context).await.unwrap(), LoadedSecret::Empty);
        vault.write(&personal("wrong")).await.unwrap();
        assert!(matches!(
            context.tokens.load(&context).await.unwrap(),
            LoadedSecret::Ready(Some(_))
        ));
        let error = sync(&context, None).await.unwrap_err();
        assert!(matches!(error, RunError::Credentials { .. }), "{error}");
        assert_eq!(*picky.refusals.lock().unwrap(), 1);
        assert!(!format!("{context:?} {error} {error:?}").contains("wrong"));
    });
}

#[test]
fn a_worker_without_a_token_asks_nothing_and_pauses_nothing() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 7);
        let (vault, taken) = (Arc::new(MemoryVault::default()), TokenCell::new(token("other")));
        let (context, picky) = process(&world, &vault, &taken);
        let announcer = Arc::new(runtime::announce::NoAnnouncer);
        let worker = worker::Worker { context: context.clone(), announcer };
        let event = serde_json::json!({ "stream": "clients", "pass": "full" });
        let error = worker.answer(event, u64::MAX).await.unwrap_err();
        assert_eq!(error.error_type, "WaitingForCredentials");
        assert_eq!(*picky.refusals.lock().unwrap(), 0);
        let account = context.settings.account;
        let item = records::account(&*context.state, account, &context.present()).await.unwrap();
        assert!(item.value.refused.is_none());
    });
}

/// A failure that the state cannot hold must reach the failure queue.
#[test]
fn a_failure_that_is_not_recorded_fails_the_invocation() {
    in_simulated_time(async {
        // The last write of the item is the one with the failure: it is counted, then it fails.
        let puts = Arc::new(Mutex::new(0));
        let mut last = u32::MAX;
        for full in [false, true] {
            let world = World::new(&AccountScale::tiny(), 7);
            let (vault, taken) = (Arc::new(MemoryVault::default()), TokenCell::new(token("good")));
            vault.write(&personal("good")).await.unwrap();
            let (mut context, _) = process(&world, &vault, &taken);
            orchestrator::prepare(&context).await.unwrap();
            let effect = sim::FaultEffect::Status { status: 422, retry_after: None, html: false };
            let path = "/v2/clients".to_owned();
            let rule = sim::FaultRule { path, select: sim::FaultChoice::Always, effect };
            world.account.lock().unwrap().add_fault(rule);
            let item = records::stream_key(context.settings.account, "clients").sort;
            let (inner, counted) = (Arc::clone(&context.state), Arc::clone(&puts));
            context.state = Arc::new(state::FaultyState::new(inner, move |call| {
                if call.operation != state::StateOperation::Put || call.key != item {
                    return CallFault::None;
                }
                let mut puts = counted.lock().unwrap();
                *puts += 1;
                if *puts >= last { CallFault::Before } else { CallFault::None }
            }));
            let announcer = Arc::new(runtime::announce::NoAnnouncer);
            let event = serde_json::json!({ "stream": "clients", "pass": "full" });
            let answer = worker::Worker { context, announcer }.answer(event, u64::MAX).await;
            assert_eq!(answer.is_err(), full, "{answer:?}");
            let error_type = answer.err().map(|error| error.error_type);
            assert_ne!(error_type, Some("StateFailed"), "the failure of the run itself is told");
            last = core::mem::take(&mut *puts.lock().unwrap());
        }
    });
}

#[test]
fn an_access_token_is_renewed_in_time_and_its_successor_kept_before_it_is_used() {
    in_simulated_time(async {
        let world = World::new(&AccountScale::tiny(), 7);
        let (vault, taken) = (Arc::new(MemoryVault::default()), TokenCell::new(token("access-1")));
        let text = r#"{"client_id":"id","client_secret":"shh","refresh_token":"refresh-0","hash_key":"a key of many letters"}"#;
        vault.write(text).await.unwrap();
        let (context, _) = process(&world, &vault, &taken);
        context.tokens.load(&context).await.unwrap();
        refresh_if_due(&context).await.unwrap();
        assert_eq!(context.tokens.cell().get(), Some(token("access-1")));
        let stored = SecretContent::parse(&vault.read().await.unwrap().text).unwrap();
        let SecretCredentials::OAuth(kept) = stored.token else {
            panic!("the secret is an application's");
        };
        assert_eq!(kept.refresh_token, "refresh-1");
        // Other members of the secret stay.
        assert_eq!(kept.hash_key.as_deref(), Some("a key of many letters"));
        // Another process, such as a worker, finds it in the state and makes none.
        let (worker, _) = process(&world, &vault, &taken);
        worker.tokens.load(&worker).await.unwrap();
        assert_eq!(worker.tokens.cell().get(), Some(token("access-1")));
        // With more than 20 minutes left nothing is renewed; with less it is.
        refresh_if_due(&context).await.unwrap();
        assert_eq!(context.tokens.cell().get(), Some(token("access-1")));
        let later = plus(context.clock.now(), SignedDuration::from_mins(41));
        context.clock.sleep_until(later).await;
        refresh_if_due(&context).await.unwrap();
        assert_eq!(context.tokens.cell().get(), Some(token("access-2")));
        let item = records::account(&*context.state, context.settings.account, &context.present())
            .await
            .unwrap();
        assert!(!format!("{:?}", item.value).contains("access-2"));
    });
}

#[test]
fn what_is_no_secret_of_ours_is_refused_without_being_shown() {
    for text in ["hush", "{\"token\":\"hush\"}", "[\"hush\"]", "{\"access_token\":\"hu sh\"}"] {
        let error = SecretContent::parse(text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hu"), "{error:?}");
    }
    for text in ["", " ", "{}", "{\"access_token\":\"\"}"] {
        assert_eq!(SecretContent::parse(text).unwrap().token, SecretCredentials::Empty);
    }
}

async fn keeps_what_was_written(vault: &dyn Vault) {
    let first = vault.read().await.unwrap();
    assert_eq!(first.text, "");
    vault.write("{\"access_token\":\"a\"}").await.unwrap();
    let second = vault.read().await.unwrap();
    assert_eq!(second.text, "{\"access_token\":\"a\"}");
    vault.write("{}").await.unwrap();
    let third = vault.read().await.unwrap();
    assert_eq!(third.text, "{}");
    assert!(first.version != second.version && second.version != third.version);
    assert_eq!(vault.read().await.unwrap(), third);
}

#[tokio::test]
async fn vaults_keep_what_was_written() {
    keeps_what_was_written(&MemoryVault::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let (file, clock) = (folder.path().join("a/login.json"), Arc::new(SystemClock));
    keeps_what_was_written(&LoginVault::new(file, Arc::new(Mint::default()), clock)).await;
    let aws = emulators::moto().await.aws().await;
    let name = "/harvest-lake/written/token";
    keeps_what_was_written(&ParameterVault::new(aws.parameters().await, name)).await;
    let client = aws.secrets().await;
    // The secret has no value, as a template makes it.
    client.create_secret().name("empty").send().await.unwrap();
    keeps_what_was_written(&SecretsManagerVault::new(client.clone(), "empty")).await;
    let error = SecretsManagerVault::new(client, "nowhere").read().await.unwrap_err();
    assert!(error.to_string().contains("`nowhere`"), "{error}");
}
