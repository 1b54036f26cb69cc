//! Record of each invocation: its end, and its requests that no saved position counts yet.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use engine::item::StreamItem;
use engine::pass::Pass;
use engine::room::WorkerSize;
use engine::time::{SignedDuration, Timestamp, between};
use runtime::clock::Clock;

use lives::world::SimClock;

/// Name of the end of a run that completed its pass.
pub(super) const COMPLETE: &str = "complete";

/// Name of the end of a run that stopped before its deadline.
pub(super) const STOPPED: &str = "stopped";

/// End of an invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Returned, with the outcome of the run.
    Returned(String),
    /// Killed at random.
    Killed,
    /// Killed at the deadline.
    TimedOut,
}

/// One invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Stream and pass; `None` for a tick of the orchestrator.
    pub work: Option<(String, Pass)>,
    /// Size of the worker.
    pub size: WorkerSize,
    /// Beginning.
    pub began: Timestamp,
    /// Time and kind of the end; `None` while it runs.
    pub ended: Option<(Timestamp, End)>,
    /// Number of requests sent.
    pub requests: u64,
    /// Number of requests for the person of the token or for the modules.
    pub about_the_account: u64,
    /// Number of requests that no saved position counted at the end; lost if the invocation was
    /// killed.
    pub unsaved: u64,
    /// Processor time.
    pub processor: Duration,
    /// Most bytes of collected rows on disk.
    pub spilled: u64,
    /// Length of the longest flush, from the first merged row to the stored position.
    pub flush: SignedDuration,
    /// Number of commits, if the invocation returned.
    pub commits: u64,
    /// Time at which the last page was read.
    pub last_page: Option<Timestamp>,
    flushes_since: Option<Timestamp>,
    /// Requests that no saved position counts, and the times of their answers.
    open: BTreeMap<u64, Option<Timestamp>>,
    /// Beginning of the pass before, according to the first item that was stored.
    last_begun: Option<Timestamp>,
    /// Whether the item was stored.
    has_stored: bool,
}

impl Invocation {
    /// Length; `None` while the invocation runs.
    #[must_use]
    pub fn length(&self) -> Option<SignedDuration> {
        self.ended.as_ref().map(|(at, _)| between(self.began, *at))
    }
}

impl Invocation {
    /// Time from the last page to the end, if the invocation stopped before its deadline.
    #[must_use]
    pub fn wrap_up(&self) -> Option<SignedDuration> {
        let (at, end) = self.ended.as_ref()?;
        let stopped = *end == End::Returned(STOPPED.to_owned());
        self.last_page.filter(|_| stopped).map(|page| between(page, *at))
    }
}

/// Records of all invocations, in the order of their beginning.
#[derive(Debug)]
pub struct Journal {
    clock: SimClock,
    invocations: Mutex<Vec<Invocation>>,
    loaded: Mutex<BTreeMap<String, Timestamp>>,
}

impl Journal {
    pub(super) fn new(clock: SimClock) -> Self {
        Self { clock, invocations: Mutex::default(), loaded: Mutex::default() }
    }

    /// Adds an invocation that begins; returns its number.
    pub(super) fn begin(&self, work: Option<(String, Pass)>) -> usize {
        let mut all = self.invocations.lock().expect("no panic");
        all.push(Invocation {
            work,
            size: WorkerSize::Large,
            began: self.clock.now(),
            ended: None,
            requests: 0,
            about_the_account: 0,
            unsaved: 0,
            processor: Duration::ZERO,
            spilled: 0,
            flush: SignedDuration::ZERO,
            commits: 0,
            last_page: None,
            flushes_since: None,
            open: BTreeMap::new(),
            last_begun: None,
            has_stored: false,
        });
        all.len() - 1
    }

    /// Changes the record of invocation `number`.
    pub(super) fn note(&self, number: usize, note: impl FnOnce(&mut Invocation)) {
        if let Some(one) = self.invocations.lock().expect("no panic").get_mut(number) {
            note(one);
        }
    }

    pub(super) fn end(&self, number: usize, end: End, processor: Duration) {
        let now = self.clock.now();
        self.note(number, |one| {
            if let Some((stream, Pass::Full)) = &one.work
                && end == End::Returned(COMPLETE.to_owned())
            {
                let mut loaded = self.loaded.lock().expect("no panic");
                loaded.entry(stream.clone()).or_insert(now);
            }
            one.ended = Some((now, end));
            one.processor = processor;
            one.unsaved = u64::try_from(std::mem::take(&mut one.open).len()).unwrap_or(u64::MAX);
        });
    }

    /// Notes that a page was read.
    pub(super) fn reads(&self, number: usize) {
        let now = self.clock.now();
        self.note(number, |one| one.last_page = Some(now));
    }

    /// Notes that a flush begins, with `spilled` bytes on disk.
    pub(super) fn flushes(&self, number: usize, spilled: u64) {
        let now = self.clock.now();
        self.note(number, |one| {
            one.spilled = one.spilled.max(spilled);
            one.flushes_since = Some(now);
        });
    }

    /// Notes that a flush is committed.
    pub(super) fn flushed(&self, number: usize) {
        let now = self.clock.now();
        self.note(number, |one| {
            let took = one.flushes_since.take().map(|since| between(since, now));
            one.flush = one.flush.max(took.unwrap_or_default());
        });
    }

    /// Notes that a request is sent; returns its number.
    pub(super) fn sent(&self, number: usize, path: &str) -> u64 {
        let mut sent = 0;
        self.note(number, |one| {
            one.requests += 1;
            sent = one.requests;
            if path == "/users/me" || path == "/company" {
                one.about_the_account += 1;
            } else {
                one.open.insert(sent, None);
            }
        });
        sent
    }

    pub(super) fn answered(&self, number: usize, sent: u64) {
        let now = self.clock.now();
        self.note(number, |one| {
            if let Some(answered) = one.open.get_mut(&sent) {
                *answered = Some(now);
            }
        });
    }

    /// Notes that the item of the stream was stored: its position counts the requests that were
    /// answered before it was saved.
    pub(super) fn stored(&self, number: usize, body: &str) {
        let Ok(item) = serde_json::from_str::<StreamItem>(body) else {
            return;
        };
        self.note(number, |one| {
            let Some((_, pass)) = &one.work else { return };
            let last = item.position.pass(*pass).last_begun;
            if !one.has_stored {
                (one.has_stored, one.last_begun) = (true, last);
            }
            let before = one.last_begun;
            match &item.position.pass(*pass).unfinished {
                // `last_begun` has changed, so the pass is complete.
                None if before != last => one.open.clear(),
                None => {}
                Some(unfinished) => {
                    let saved = unfinished.tried_at;
                    one.open.retain(|_, answered| answered.is_none_or(|at| at > saved));
                }
            }
        });
    }

    /// Time of the first complete full pass of each stream.
    #[must_use]
    pub fn loaded(&self) -> BTreeMap<String, Timestamp> {
        self.loaded.lock().expect("no panic").clone()
    }

    /// Whether any invocation runs.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.invocations.lock().expect("no panic").iter().any(|one| one.ended.is_none())
    }

    /// Returns all invocations so far, in the order of their beginning.
    #[must_use]
    pub fn all(&self) -> Vec<Invocation> {
        self.invocations.lock().expect("no panic").clone()
    }
}
