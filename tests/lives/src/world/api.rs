//! API client of the fake account, with a latency, which notes requests that are sent too early.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use engine::pass::RequestTarget;
use engine::retry::RequestFailure;
use engine::time::{SignedDuration, Timestamp, plus};
use harvest_api::{ApiAnswer, ApiError, HarvestApi, ScriptedApi};
use runtime::clock::Clock as _;

use super::World;
use super::clock::SimClock;
use super::conduct::Conduct;
use crate::storm::Fate;

/// API client of the fake account, with a latency.
#[derive(Debug)]
pub(super) struct FakeApi {
    inner: ScriptedApi,
    clock: SimClock,
    latency: SignedDuration,
    dead: Arc<AtomicBool>,
    fate: Arc<Fate>,
    began: Timestamp,
    /// Whether nothing goes wrong with the process or its clock.
    is_sound: bool,
    /// Pauses that Harvest has asked this process for.
    pauses: Mutex<Pauses>,
    /// The newest ones that it has asked sound processes for.
    all_pauses: Arc<Mutex<Pauses>>,
    hasty: Arc<AtomicU64>,
}

/// Pause that an answer has asked a process for.
#[derive(Clone, Debug)]
pub struct AskedPause {
    asked: Timestamp,
    until: Timestamp,
    /// Whether the process has died since.
    dead: Arc<AtomicBool>,
}

/// Pauses of requests for reports, and of all others.
pub type Pauses = BTreeMap<bool, AskedPause>;

/// Time in which requests that were about to be sent may follow a 429.
const ABOUT_TO_BE_SENT: SignedDuration = SignedDuration::from_secs(1);

impl FakeApi {
    /// Whether a request of this process that is sent now is too early: after an answer to itself,
    /// or after one to another process that has told the budget before this one began.
    fn is_hasty(&self, is_report: bool) -> bool {
        let sent = self.clock.now();
        let pause = |pauses: &Mutex<Pauses>| {
            let pause = pauses.lock().expect("no panic").get(&is_report).cloned();
            pause.filter(|pause| sent < pause.until)
        };
        let own =
            pause(&self.pauses).is_some_and(|pause| plus(pause.asked, ABOUT_TO_BE_SENT) < sent);
        let others = pause(&self.all_pauses).is_some_and(|pause| {
            let told = !pause.dead.load(Ordering::SeqCst);
            told && self.is_sound && plus(pause.asked, ABOUT_TO_BE_SENT) < self.began
        });
        own || others
    }
}

#[async_trait]
impl HarvestApi for FakeApi {
    async fn get(&self, target: &RequestTarget) -> Result<ApiAnswer, ApiError> {
        let is_report = match target {
            RequestTarget::Path { path, .. } => path.starts_with("/reports"),
            RequestTarget::Link(link) => link.contains("/reports/"),
        };
        self.hasty.fetch_add(u64::from(self.is_hasty(is_report)), Ordering::SeqCst);
        self.clock.sleep_until(plus(self.clock.now(), self.latency)).await;
        if self.dead.load(Ordering::SeqCst) {
            return Err(ApiError::new(RequestFailure::Unreachable, "a dead process sends nothing"));
        }
        let answer = self.inner.get(target).await;
        if let Err(error) = &answer
            && let RequestFailure::RateLimited { retry_after: Some(wait) } = error.failure()
        {
            let (asked, dead) = (self.clock.now(), Arc::clone(&self.dead));
            let pause = AskedPause { asked, until: plus(asked, *wait), dead };
            if self.is_sound {
                self.all_pauses.lock().expect("no panic").insert(is_report, pause.clone());
            }
            self.pauses.lock().expect("no panic").insert(is_report, pause);
        }
        self.fate.thaw().await;
        answer
    }
}

impl World {
    pub(super) fn api(&self, dead: Arc<AtomicBool>, fate: Arc<Fate>, conduct: &Conduct) -> FakeApi {
        FakeApi {
            inner: ScriptedApi::new(
                "https://api.harvestapp.com/v2".parse().expect("a base URL"),
                self.script(conduct.token),
            ),
            began: self.clock.now(),
            is_sound: conduct.is_sound(),
            all_pauses: Arc::clone(&self.pauses),
            clock: self.clock,
            latency: self.latency,
            dead,
            fate,
            pauses: Mutex::default(),
            hasty: Arc::clone(&self.hasty),
        }
    }
}
