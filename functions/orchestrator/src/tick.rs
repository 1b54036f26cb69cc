//! One tick: what it decides under the orchestrator's lease, and its answer.

use std::collections::{BTreeMap, BTreeSet};

use engine::account::{Admission, admission};
use engine::dispatch::{DispatchDecision, DispatchedStream, OrchestratorItem, running};
use engine::ids::Epoch;
use engine::item::{AccountItem, StreamItem};
use engine::lease::Lease;
use engine::ledger::filing_is_due;
use engine::plan::{DueRun, StreamStanding, order, standing};
use engine::run_record::FiledRuns;
use engine::time::{SignedDuration, Timestamp, between};
use runtime::announce::Announcer;
use runtime::credentials::{LoadedSecret, note_refusal, refresh_if_due};
use runtime::invoke::{Invoker, WorkerEvent};
use runtime::records::{self, VersionedItem};
use runtime::{Context, RunError};
use state::{ItemKey, StateError};

use crate::answer::{DueAnswer, TickAnswer, TickEnd};
use crate::ledger;
use crate::{StoredStreams, prepare, stored_streams, with_extent};

/// Age at which roles and modules are read again before workers are invoked: 5 minutes. At one
/// reading for each tick they would cost two requests a minute, most of them for nothing.
const BELIEVED: SignedDuration = SignedDuration::from_mins(5);

/// One tick. It holds the orchestrator's lease before it invokes workers or writes anything, so that
/// no two ticks do so at the same time.
pub(crate) struct OrchestratorTick<'o> {
    pub(crate) context: &'o Context,
    pub(crate) invoker: &'o dyn Invoker,
    pub(crate) announcer: &'o dyn Announcer,
    pub(crate) key: ItemKey,
    pub(crate) item: VersionedItem<OrchestratorItem>,
    /// Epoch of this tick's lease; `None` before it has one. Another epoch in the item tells that
    /// another tick took over.
    pub(crate) epoch: Option<Epoch>,
    pub(crate) now: Timestamp,
    /// Items as this tick last read them; `None`: it has read none.
    pub(crate) seen: Option<StoredStreams>,
}

impl OrchestratorTick<'_> {
    /// Plans the runs and invokes their workers; ends earlier where Harvest may not be asked.
    ///
    /// An early end tells of trouble and emits the metrics, too: a refused token is news.
    pub(crate) async fn plan(&mut self) -> Result<TickAnswer, RunError> {
        let context = self.context;
        self.item.value.quiet = None;
        let version = match context.tokens.load(context).await? {
            LoadedSecret::Empty => {
                tracing::info!("waiting for credentials: the secret holds no token yet");
                self.measure(&BTreeMap::new(), &AccountItem::default());
                return Ok(TickAnswer::without_plan(TickEnd::NoCredentials));
            }
            LoadedSecret::Ready(version) => version,
        };
        let state = &*context.state;
        let account = records::account(state, context.settings.account, &context.present()).await;
        let mut account = account.map_err(state_error)?.value;
        let admitted = admission(&account, version.as_ref(), self.now);
        if let Admission::Paused(until) = admitted {
            let items = self.items(&account).await?;
            self.watch(&items, &account).await;
            return Ok(TickAnswer {
                message: Some("Harvest refuses the token".to_owned()),
                waits_until: Some(until),
                ..TickAnswer::without_plan(TickEnd::Paused)
            });
        }
        // Before anything asks Harvest, and before workers are invoked, which only read the token.
        refresh_if_due(context).await?;
        let old = account.read_at.is_none_or(|at| between(at, self.now) >= BELIEVED);
        let mut items = self.items(&account).await?;
        let due = self.due(&items, &account);
        let wanted = !due.is_empty() || !account.tables_created;
        if (wanted && old) || admitted == Admission::Probe {
            // Only before a run, so that ticks without work send no requests.
            account = match prepare(context).await {
                Ok(account) => account,
                Err(error @ RunError::Credentials { .. }) => {
                    note_refusal(context, &error).await;
                    return Err(error);
                }
                Err(RunError::Waits { waiting, .. }) => {
                    // Workers would wait as well: they too ask for the person of the token before
                    // they commit.
                    tracing::info!("waiting: {waiting}");
                    self.watch(&items, &account).await;
                    return Ok(TickAnswer {
                        message: Some(waiting.to_string()),
                        waits_until: Some(waiting.until),
                        ..TickAnswer::without_plan(TickEnd::Waiting)
                    });
                }
                Err(error) => return Err(error),
            };
            items = self.items(&account).await?;
        }
        // Planned again: a module that was switched on adds streams, one that was switched off
        // takes some away.
        let mut due = self.due(&items, &account);
        let asked_at = self.item.value.asked.as_ref().map(|asked| asked.at);
        with_extent(context, &mut due, asked_at).await?;
        let answer = self.dispatch(&due, &items, &account).await?;
        self.watch(&items, &account).await;
        Ok(answer)
    }

    /// Reads the items of the streams.
    async fn items(
        &mut self,
        account: &AccountItem,
    ) -> Result<BTreeMap<&'static str, StreamItem>, RunError> {
        let stored = stored_streams(self.context, account).await?;
        let items = stored.items.clone();
        self.seen = Some(stored);
        Ok(items)
    }

    /// Files the runs that have ended since the last filing, if that is due by the items that this
    /// tick has read. Runs that end meanwhile are filed by a later tick.
    pub(crate) async fn file_runs(&self) {
        let Some(StoredStreams { items, filed }) = &self.seen else { return };
        if self.may_file(items, filed) {
            ledger::file(self.context, items).await;
        }
    }

    /// Whether runs are to be filed now.
    pub(crate) fn may_file(
        &self,
        items: &BTreeMap<&'static str, StreamItem>,
        filed: &FiledRuns,
    ) -> bool {
        filing_is_due(items, filed, self.now)
    }

    /// Returns the streams that may run in this account, with their items.
    pub(crate) fn open<'i>(
        &self,
        items: &'i BTreeMap<&'static str, StreamItem>,
        account: &AccountItem,
    ) -> Vec<(&'static engine::spec::StreamSpec, &'i StreamItem)> {
        let settings = &self.context.settings;
        let specs = streams::STREAMS.into_iter().filter(|spec| settings.includes(spec.name));
        let open = specs.filter(|spec| standing(spec, account) == StreamStanding::Open);
        open.filter_map(|spec| Some((spec, items.get(spec.name)?))).collect()
    }

    /// Returns the runs that are due as requested or as scheduled, most urgent first.
    pub(crate) fn due(
        &self,
        items: &BTreeMap<&'static str, StreamItem>,
        account: &AccountItem,
    ) -> Vec<DueRun> {
        let interval = self.context.settings.sync_interval;
        let mut due: Vec<DueRun> = self
            .open(items, account)
            .into_iter()
            .filter_map(|(spec, item)| {
                self.item.value.due(spec, item, interval, self.context.present())
            })
            .collect();
        order(&mut due);
        due
    }

    /// Invokes a worker for each stream of `due` that has room, and returns the answer of the tick.
    ///
    /// Streams without room are left to a later tick, in the order of their urgency by then.
    ///
    /// # Errors
    /// Fails if the item cannot be written: no worker is invoked then.
    async fn dispatch(
        &mut self,
        due: &[DueRun],
        items: &BTreeMap<&'static str, StreamItem>,
        account: &AccountItem,
    ) -> Result<TickAnswer, RunError> {
        let (now, room) = (self.now, self.context.settings.max_workers);
        let running = running(items, now);
        let dispatched = self.item.value.dispatch(due, items, room, now);
        // Saved before workers are invoked. A tick that dies here delays its streams by two
        // minutes; one that died after unsaved invocations could let later ticks invoke more than
        // there is room for.
        match self.save().await {
            Ok(true) => {}
            // The tick that took over invokes them.
            Ok(false) => return Ok(TickAnswer::without_plan(TickEnd::Busy)),
            Err(source) => {
                // The write may have taken effect all the same: `leave` takes it back.
                let ours = dispatched.iter().filter(|one| one.doing == DispatchDecision::Invoke);
                let names: Vec<&str> = ours.map(|one| one.due.spec.name).collect();
                self.item.value.invoked.retain(|name, _| !names.contains(&name.as_str()));
                return Err(state_error(source));
            }
        }
        let starting = dispatched.iter().map(|one| start(self.invoker, one, now));
        let told = futures::future::join_all(starting).await;
        // A failure concerns its stream only: it no longer counts as invoked, so that the next tick
        // invokes its worker again.
        for one in told.iter().filter(|one| one.error.is_some()) {
            self.item.value.invoked.remove(one.stream);
        }
        // After the invocations: streams that were invoked keep the request open. `leave` writes
        // the item with the result.
        let open = self.open(items, account);
        self.item.value.settle(open, self.context.present());
        Ok(self.planned(told, running, account))
    }

    /// Returns the answer of a tick with these decisions.
    pub(crate) fn planned(
        &self,
        due: Vec<DueAnswer>,
        running: BTreeSet<String>,
        account: &AccountItem,
    ) -> TickAnswer {
        let settings = &self.context.settings;
        let included = streams::STREAMS.iter().filter(|spec| settings.includes(spec.name));
        let skipped: Vec<&str> = included
            .filter(|spec| standing(spec, account) == StreamStanding::Skipped)
            .map(|spec| spec.name)
            .collect();
        let invoked = due.iter().filter(|one| one.doing == DispatchDecision::Invoke).count();
        let (due_streams, running_streams) = (due.len(), running.len());
        tracing::info!(
            invoked,
            due = due_streams,
            running = running_streams,
            skipped = skipped.len(),
            "tick complete"
        );
        let planned = TickAnswer::without_plan(TickEnd::Planned);
        TickAnswer { due, running, skipped, ..planned }
    }

    /// Returns the lease, so that the next tick need not wait for its end. A failure of the store
    /// is only logged, because the lease ends by itself, and the next tick makes the same decisions.
    pub(crate) async fn leave(&mut self) {
        self.item.value.lease = self.item.value.lease.as_ref().map(Lease::released);
        if let Err(error) = self.save().await {
            tracing::warn!(%error, "the orchestrator's item could not be written");
        }
    }

    /// Writes the item, unless another tick took over. Another writer with the same epoch has only
    /// added a request: the request is kept, and the rest of the item is written as this tick has
    /// it. Returns `false` if another tick took over.
    ///
    /// # Errors
    /// Fails if the state store fails.
    async fn save(&mut self) -> Result<bool, StateError> {
        while epoch(&self.item.value) == self.epoch {
            let ours = self.item.value.clone();
            if records::write(&*self.context.state, &self.key, &mut self.item).await? {
                return Ok(true);
            }
            if epoch(&self.item.value) == self.epoch {
                let asked = self.item.value.asked.clone();
                self.item.value = OrchestratorItem { asked, ..ours };
            }
        }
        Ok(false)
    }
}

/// Invokes the worker of one stream, if that was decided, and returns the answer about it.
async fn start(invoker: &dyn Invoker, one: &DispatchedStream, now: Timestamp) -> DueAnswer {
    let DispatchedStream { due, doing, size, accept_deletes } = *one;
    let stream = due.spec.name;
    let told = DueAnswer { stream, pass: due.pass, doing, error: None };
    if doing != DispatchDecision::Invoke {
        return told;
    }
    let tick = Some(now);
    let event = WorkerEvent { stream: stream.to_owned(), pass: due.pass, tick, accept_deletes };
    let Err(failed) = invoker.invoke(&event, size).await else { return told };
    let why = std::error::Error::source(&failed).map(ToString::to_string);
    let why = format!("{failed}: {}", why.unwrap_or_default());
    tracing::error!(stream, error = why, "worker not invoked; the next tick tries again");
    DueAnswer { error: Some(why), ..told }
}

/// Returns the epoch of the item's lease; `None`: no tick has ever run.
pub(crate) fn epoch(item: &OrchestratorItem) -> Option<Epoch> {
    item.lease.as_ref().map(|lease| lease.epoch)
}

pub(crate) fn state_error(source: StateError) -> RunError {
    RunError::State { stream: "orchestrator", source }
}
