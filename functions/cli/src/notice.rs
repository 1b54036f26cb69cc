//! News about trouble for the person whose schedule runs this command: calls of `on_failure` and
//! `on_recovery`.
//!
//! Each stream in trouble is told once, and once when it is out of it. Who was told of what is an item
//! of the state, so that the next sync knows. What could not be told is told by the next sync. A call
//! that fails is logged, and changes neither answer nor exit code.

use std::collections::BTreeMap;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, HookOccasion};
use deployment::hooks::announcer;
use engine::item::StreamItem;
use engine::plan::{StreamStanding, standing};
use engine::trouble::{
    StreamsInTrouble, ToldTrouble, TroubleBounds, TroubleNews, TroubleReason, in_trouble,
};
use runtime::announce::{Announcement, SyncFailure, TroublePlace, TroubleReport};
use runtime::clock::{Clock as _, SystemClock};
use runtime::records::{self, VersionedItem};
use serde::Serialize;
use state::{ItemKey, StateStore};

use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::TextStyle;
use crate::stored::{StateContents, state_if_any};
use crate::summary::SyncSummary;

/// Sort key of the item that says who was told of what.
const KEY: &str = "told";
/// Both occasions.
const OCCASIONS: [HookOccasion; 2] = [HookOccasion::Failure, HookOccasion::Recovery];

/// A receiver that a person has tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TriedReceiver {
    /// Name of its setting in the file of settings.
    setting: &'static str,
    /// Scheme and host of a URL, or the words for a command.
    receiver: String,
    /// Why it did not take the news; null if it did.
    error: Option<String>,
}

impl TriedReceiver {
    pub(crate) const fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Returns the line about it.
    pub(crate) fn line(&self, paint: TextStyle) -> String {
        match &self.error {
            None => format!("notice    {}: {} took the trial", self.setting, self.receiver),
            Some(error) => paint.bad(&format!("notice    ✗ {error}")),
        }
    }
}

/// Calls every receiver with news of nothing.
///
/// # Errors
/// Fails if there is no receiver. A failed call is part of the answer.
pub(crate) async fn trial(deployment: &DeploymentSettings) -> Result<Vec<TriedReceiver>, CliError> {
    let mut tried = Vec::new();
    for occasion in OCCASIONS {
        let Some(target) = deployment.hook(occasion) else { continue };
        let (account, lake) = (deployment.settings.account.0, deployment.lake.to_string());
        let place = TroublePlace::Lake(&lake);
        let news = Announcement::of_trial(account, place, &format!("`{}`", occasion.key()));
        let called = announcer(occasion, target).announce(&news).await;
        let error = called.err().map(|error| error.to_string());
        tried.push(TriedReceiver { setting: occasion.key(), receiver: target.to_string(), error });
    }
    if tried.is_empty() { Err(CliError::NoReceiver) } else { Ok(tried) }
}

/// Tells of streams that came into trouble, or are out of it, with this sync.
pub(crate) async fn tell(deployment: &DeploymentSettings, synced: &Result<SyncSummary, CliError>) {
    if OCCASIONS.iter().all(|occasion| deployment.hook(*occasion).is_none()) {
        return;
    }
    let end = SyncEnd::of(synced);
    let known = match KnownTrouble::read(deployment).await {
        Ok(known) => known,
        // Then nothing can be noted, either: each sync tells of it until the state can be read.
        Err(_) if end.blocked.is_some() => KnownTrouble::default(),
        Err(error) => {
            let error = error.chain();
            tracing::error!("whether streams are in trouble is not known, nobody is told: {error}");
            return;
        }
    };
    known.tell(deployment, &end).await;
}

/// End of a sync, as far as it concerns all streams.
struct SyncEnd {
    /// Reason for which no stream could run; `None`: streams ran.
    blocked: Option<TroubleReason>,
    /// Error and its code.
    failure: Option<(String, &'static str)>,
}

impl SyncEnd {
    fn of(synced: &Result<SyncSummary, CliError>) -> Self {
        let refused = |exit| exit == CliExit::CredentialsRefused;
        match synced {
            Ok(summary) if refused(summary.exit) => {
                let failure =
                    summary.failures.iter().find(|it| it.error_type == "CredentialsRefused");
                let failure = failure.map(|it| (it.error.clone(), it.error_type));
                Self { blocked: Some(TroubleReason::TokenRefused), failure }
            }
            Ok(_) => Self { blocked: None, failure: None },
            Err(error) => {
                let reason = if refused(error.exit()) {
                    TroubleReason::TokenRefused
                } else {
                    TroubleReason::NotRun
                };
                Self { blocked: Some(reason), failure: Some((error.chain(), error.error_type())) }
            }
        }
    }
}

/// Items of the streams, and the names of those of which people were told.
#[derive(Default)]
struct KnownTrouble {
    contents: StateContents,
    told: VersionedItem<ToldTrouble>,
    /// `None`: there is no state to note anything in.
    state: Option<Arc<dyn StateStore>>,
}

impl KnownTrouble {
    async fn read(deployment: &DeploymentSettings) -> Result<Self, CliError> {
        let Some(state) = state_if_any(deployment).await? else { return Ok(Self::default()) };
        let contents = StateContents::of(deployment).await?;
        let read = records::read(&*state, &key(deployment)).await;
        let told = read.map_err(|source| runtime::RunError::State { stream: KEY, source })?;
        Ok(Self { contents, told, state: Some(state) })
    }

    /// Streams in trouble. Those that the settings do not choose count as long as people believe that
    /// they are in trouble: the sync of a few streams says nothing about the others.
    fn streams(&self, deployment: &DeploymentSettings, end: &SyncEnd) -> StreamsInTrouble {
        let (settings, told) = (&deployment.settings, &self.told.value.told);
        let concerns = |name: &str| {
            let wanted = settings.includes(name) || told.contains(name);
            wanted && !settings.exclude.contains(name)
        };
        let account = &self.contents.account;
        let open = streams::STREAMS.into_iter().zip(&self.contents.items).filter(|(spec, _)| {
            concerns(spec.name) && standing(spec, account) == StreamStanding::Open
        });
        let bounds = TroubleBounds::of_command(settings.trouble_after);
        let open = open.map(|(spec, item)| (spec.name, item));
        in_trouble(open, end.blocked, told, (bounds, SystemClock.now()))
    }

    async fn tell(mut self, deployment: &DeploymentSettings, end: &SyncEnd) {
        let now = self.streams(deployment, end);
        let Some(news) = TroubleNews::of(&self.told.value.told, &now) else { return };
        let (bad, good) = news.apart();
        let mut told = Vec::new();
        for (occasion, news) in OCCASIONS.into_iter().zip([bad, good]) {
            let Some(news) = news else { continue };
            if self.call(deployment, occasion, (&now, &news), end).await {
                told.push(news);
            }
        }
        self.note(deployment, &told).await;
    }

    /// Calls the receiver, if there is one. Returns whether the news need not be told again.
    async fn call(
        &self,
        deployment: &DeploymentSettings,
        occasion: HookOccasion,
        (now, news): (&StreamsInTrouble, &TroubleNews),
        end: &SyncEnd,
    ) -> bool {
        let Some(target) = deployment.hook(occasion) else { return true };
        let names = streams::STREAMS.into_iter().map(|spec| spec.name);
        let items: BTreeMap<&'static str, StreamItem> =
            names.zip(self.contents.items.iter().cloned()).collect();
        let lake = deployment.lake.to_string();
        let failure = end.failure.as_ref();
        let news = Announcement::of_trouble(&TroubleReport {
            account: deployment.settings.account.0,
            place: TroublePlace::Lake(&lake),
            now,
            news,
            items: &items,
            failure: failure.map(|(error, error_type)| SyncFailure { error, error_type }),
        });
        let called = announcer(occasion, target).announce(&news).await;
        if let Err(error) = &called {
            let names = news.streams().join(", ");
            // Also with `--quiet`: nobody would know otherwise.
            tracing::error!(
                "nobody was told of the {} of {names}: {error}; the next sync tells it, and \
                 `harvest-lake check --notify` tries it now",
                occasion.name()
            );
        }
        called.is_ok()
    }

    /// Notes what was told. After another sync that was faster, it is added to that one's note.
    async fn note(&mut self, deployment: &DeploymentSettings, news: &[TroubleNews]) {
        let Some(state) = &self.state else { return };
        loop {
            let before = self.told.value.clone();
            for news in news {
                news.tell(&mut self.told.value.told);
            }
            if self.told.value == before {
                return;
            }
            match records::write(&**state, &key(deployment), &mut self.told).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!("the next sync tells of the same trouble again: {error}");
                    return;
                }
            }
        }
    }
}

fn key(deployment: &DeploymentSettings) -> ItemKey {
    ItemKey { account: deployment.settings.account, sort: KEY.to_owned() }
}
