//! What became of each invocation, and what it sent that no saved position counts yet.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use engine::item::StreamItem;
use engine::pass::Pass;
use engine::time::{SignedDuration, Timestamp, between};
use runtime::clock::Clock;

use crate::world::SimClock;

/// What the end of a run is called that completed its pass.
pub(super) const COMPLETE: &str = "complete";

/// What the end of a run is called that stopped before its deadline.
pub(super) const STOPPED: &str = "stopped in time";

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It returned; how its run went.
    Returned(String),
    /// It was killed by chance.
    Killed,
    /// It was killed at its deadline.
    TimedOut,
}

/// One invocation.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The stream and its pass; `None`: a tick of the orchestrator.
    pub work: Option<(String, Pass)>,
    /// When it began.
    pub began: Timestamp,
    /// When and how it ended; `None`: it is under way.
    pub ended: Option<(Timestamp, End)>,
    /// Requests sent.
    pub requests: u64,
    /// Of these, asking who the token is or which modules are on.
    pub about_the_account: u64,
    /// Requests that no saved position counts when it ended: lost, where it was killed.
    pub unsaved: u64,
    /// Processor time.
    pub processor: Duration,
    /// The most bytes of collected rows on disk.
    pub spilled: u64,
    /// The longest of its flushes, from the first merged row to the stored position.
    pub flush: SignedDuration,
    /// Commits made, where it returned.
    pub commits: u64,
    /// When its last page was in.
    pub last_page: Option<Timestamp>,
    flushes_since: Option<Timestamp>,
    /// Requests that no saved position counts, and when they were answered.
    open: BTreeMap<u64, Option<Timestamp>>,
    /// When the pass before began, as the item said at first.
    last_begun: Option<Timestamp>,
    /// Whether the item was stored at all.
    has_stored: bool,
}

impl Invocation {
    /// How long it lasted; `None`: it is under way.
    #[must_use]
    pub fn length(&self) -> Option<SignedDuration> {
        self.ended.as_ref().map(|(at, _)| between(self.began, *at))
    }
}

impl Invocation {
    /// From its last page to its end, where it stopped in time.
    #[must_use]
    pub fn wrap_up(&self) -> Option<SignedDuration> {
        let (at, end) = self.ended.as_ref()?;
        let stopped = *end == End::Returned(STOPPED.to_owned());
        self.last_page.filter(|_| stopped).map(|page| between(page, *at))
    }
}

/// All invocations in the order of their beginning.
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

    /// Notes the beginning of an invocation; returns its number.
    pub(super) fn begin(&self, work: Option<(String, Pass)>) -> usize {
        let mut all = self.invocations.lock().expect("no panic");
        all.push(Invocation {
            work,
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

    /// Changes what is known of invocation `number`.
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

    /// A page is in.
    pub(super) fn reads(&self, number: usize) {
        let now = self.clock.now();
        self.note(number, |one| one.last_page = Some(now));
    }

    /// A flush begins, with so many bytes on disk.
    pub(super) fn flushes(&self, number: usize, spilled: u64) {
        let now = self.clock.now();
        self.note(number, |one| {
            one.spilled = one.spilled.max(spilled);
            one.flushes_since = Some(now);
        });
    }

    /// What it flushed is committed.
    pub(super) fn flushed(&self, number: usize) {
        let now = self.clock.now();
        self.note(number, |one| {
            let took = one.flushes_since.take().map(|since| between(since, now));
            one.flush = one.flush.max(took.unwrap_or_default());
        });
    }

    /// A request leaves; returns its number.
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

    /// The item of its stream was stored: what was answered before its position was saved is
    /// counted there.
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
                // Another than before: the pass is complete.
                None if before != last => one.open.clear(),
                None => {}
                Some(unfinished) => {
                    let saved = unfinished.tried_at;
                    one.open.retain(|_, answered| answered.is_none_or(|at| at > saved));
                }
            }
        });
    }

    /// When a full pass of each stream was complete for the first time.
    #[must_use]
    pub fn loaded(&self) -> BTreeMap<String, Timestamp> {
        self.loaded.lock().expect("no panic").clone()
    }

    /// Whether any invocation is under way.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.invocations.lock().expect("no panic").iter().any(|one| one.ended.is_none())
    }

    /// All invocations so far, in the order of their beginning.
    #[must_use]
    pub fn all(&self) -> Vec<Invocation> {
        self.invocations.lock().expect("no panic").clone()
    }
}
