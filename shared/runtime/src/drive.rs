//! Sends what a reading asks for and hands it the answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::budget::{HORIZON_FULL, HORIZON_INCREMENTAL};
use engine::pass::{
    AfterFailure, Ask, Next, PageFacts, Parent, ParentFound, Pass, Reading, Reads, Stopped, Target,
    Unit,
};
use engine::retry::{Attempts, Decision, Failure, Reach};
use engine::spec::{Kind, RateClass, StreamSpec};
use engine::time::{SignedDuration, Timestamp, plus, utc_day};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use harvest_api::ApiError;
use lake::decode::{DecodedPage, Decoder, PageError, ReadAt};

use crate::context::Context;
use crate::error::RunError;
use crate::gate::NoPermit;
use crate::hold::{Hold, PageRows};
use crate::progress::Moment;

/// What a run counts while it reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) requests: u64,
    pub(crate) records: u64,
    pub(crate) misfits: BTreeMap<String, u64>,
    pub(crate) unknown: BTreeMap<String, u64>,
}

/// An answer, decoded away from the thread that sends.
#[derive(Debug)]
struct Page {
    facts: PageFacts,
    rows: Option<PageRows>,
    misfits: BTreeMap<String, u64>,
    unknown: BTreeMap<String, u64>,
    date: Option<Timestamp>,
}

#[derive(Debug)]
enum Sent {
    Page(Box<Page>),
    Failed(Trouble),
    ComeBack(Timestamp),
    State(state::StateError),
    Died(String),
}

/// What a failure is made of, until somebody reports it.
#[derive(Debug)]
enum Trouble {
    Api(Box<ApiError>),
    Page(PageError),
}

impl Trouble {
    fn failure(&self) -> Failure {
        match self {
            Self::Api(error) => error.failure().clone(),
            Self::Page(_) => Failure::Malformed,
        }
    }
}

type Flight = BoxFuture<'static, (Ask, Timestamp, Sent)>;

/// What the driver wants its caller to do.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something was taken in: a moment to flush, to renew the lease, to look at the clock.
    Progress,
    /// The reading wants to know which units the table holds.
    NeedsHeld,
    /// The budget has nothing before then; nothing is under way any more.
    Waits(Timestamp),
    /// Nothing is under way any more, as was asked by [`Driver::stop`].
    Stopped,
    /// Everything is read.
    Done,
}

/// One run's reading.
pub(crate) struct Driver {
    context: Context,
    spec: &'static StreamSpec,
    decoder: Arc<Decoder>,
    horizon: SignedDuration,
    pub(crate) reading: Reading,
    pass: Pass,
    flights: FuturesUnordered<Flight>,
    attempts: BTreeMap<String, (Attempts, Timestamp)>,
    waits: Option<Timestamp>,
    stopping: bool,
    pub(crate) tally: Tally,
    /// The server's `Date`, and when it was asked, of the first answer.
    pub(crate) first_answer: Option<(Option<Timestamp>, Timestamp)>,
}

impl Driver {
    pub(crate) fn new(
        context: &Context,
        spec: &'static StreamSpec,
        pass: Pass,
        reading: Reading,
    ) -> Self {
        Self {
            context: context.clone(),
            spec,
            decoder: Arc::new(Decoder::new(spec)),
            horizon: match pass {
                Pass::Incremental => HORIZON_INCREMENTAL,
                Pass::Full => HORIZON_FULL,
            },
            reading,
            pass,
            flights: FuturesUnordered::new(),
            attempts: BTreeMap::new(),
            waits: None,
            stopping: false,
            tally: Tally::default(),
            first_answer: None,
        }
    }

    /// Starts nothing new any more.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    /// Goes on until there is something for the caller to do.
    pub(crate) async fn advance(&mut self, hold: &mut Hold) -> Result<Event, RunError> {
        while !self.stopping && self.waits.is_none() {
            match self.reading.next_step() {
                Next::Ask(ask) => self.start(ask),
                Next::Held => return Ok(Event::NeedsHeld),
                Next::Wait => break,
                Next::Done => return Ok(Event::Done),
            }
        }
        let Some((ask, requested_at, sent)) = self.flights.next().await else {
            return match self.waits.take() {
                Some(at) => Ok(Event::Waits(at)),
                None if self.stopping => Ok(Event::Stopped),
                None => Err(RunError::Defect {
                    stream: self.spec.name,
                    what: "the reading waits for answers, but none is under way".to_owned(),
                }),
            };
        };
        self.take(&ask, requested_at, sent, hold)?;
        Ok(Event::Progress)
    }

    fn start(&mut self, ask: Ask) {
        let not_before = self.attempts.get(&name(&ask.target)).map(|(_, at)| *at);
        let class = match ask.reads {
            Reads::Records(_) | Reads::Count => self.spec.rate_class,
            Reads::Parents | Reads::Existence(_) => RateClass::General,
        };
        let flight = Request {
            context: self.context.clone(),
            decoder: Arc::clone(&self.decoder),
            spec: self.spec,
            horizon: self.horizon,
            class,
            not_before,
            ask,
        };
        self.flights.push(Box::pin(flight.fly()));
    }

    fn take(
        &mut self,
        ask: &Ask,
        requested_at: Timestamp,
        sent: Sent,
        hold: &mut Hold,
    ) -> Result<(), RunError> {
        match sent {
            Sent::ComeBack(at) => {
                self.reading.on_unsent(ask.id, requested_at);
                self.waits = Some(self.waits.map_or(at, |before| before.min(at)));
                self.context.progress.on(self.spec.name, self.pass, &Moment::Waiting);
                Ok(())
            }
            Sent::State(source) => Err(RunError::State { stream: self.spec.name, source }),
            Sent::Died(what) => {
                let what = format!("decoding a page ended early: {what}");
                Err(RunError::Defect { stream: self.spec.name, what })
            }
            Sent::Page(page) => {
                self.tally.requests = self.tally.requests.saturating_add(1);
                self.first_answer.get_or_insert((page.date, requested_at));
                self.attempts.remove(&name(&ask.target));
                self.on_page(ask, requested_at, *page, hold)
            }
            Sent::Failed(trouble) => {
                self.tally.requests = self.tally.requests.saturating_add(1);
                self.on_trouble(ask, requested_at, trouble, hold)
            }
        }
    }

    fn on_page(
        &mut self,
        ask: &Ask,
        requested_at: Timestamp,
        page: Page,
        hold: &mut Hold,
    ) -> Result<(), RunError> {
        let records = page.facts.records();
        if page.rows.is_some() {
            self.tally.records = self.tally.records.saturating_add(records);
        }
        add(&mut self.tally.misfits, page.misfits);
        add(&mut self.tally.unknown, page.unknown);
        let effects = self.reading.on_page(ask.id, requested_at, &page.facts);
        let own = page.rows.is_some();
        hold.apply(effects, page.rows)?;
        let moment = Moment::Page {
            records: if own { records } else { 0 },
            units: self.reading.progress(),
            total: page.facts.total_entries.filter(|_| own),
        };
        self.context.progress.on(self.spec.name, self.pass, &moment);
        Ok(())
    }

    fn on_trouble(
        &mut self,
        ask: &Ask,
        requested_at: Timestamp,
        trouble: Trouble,
        hold: &mut Hold,
    ) -> Result<(), RunError> {
        let failure = trouble.failure();
        let now = self.context.clock.now();
        let target = name(&ask.target);
        let (attempts, not_before) =
            self.attempts.entry(target).or_insert((Attempts::default(), now));
        let last = match attempts.on_failure(&failure, self.context.random.next()) {
            Decision::Again { after } => {
                *not_before = plus(now, after);
                false
            }
            Decision::GiveUp => true,
        };
        tracing::debug!(stream = self.spec.name, last, ?failure, "request failed");
        if failure.reach() == Reach::StopAccount {
            return Err(self.error(trouble, &ask.target));
        }
        match self.reading.on_failure(ask.id, requested_at, &failure, last) {
            AfterFailure::GoOn(effects) => hold.apply(effects, None),
            AfterFailure::Stop(stopped) => Err(self.stopped(stopped, trouble, &ask.target)),
        }
    }

    fn stopped(&self, stopped: Stopped, trouble: Trouble, target: &Target) -> RunError {
        if stopped.failure == trouble.failure() {
            return self.error(trouble, target);
        }
        RunError::Stopped { stream: self.spec.name, what: stopped.what, failure: stopped.failure }
    }

    fn error(&self, trouble: Trouble, target: &Target) -> RunError {
        let stream = self.spec.name;
        match trouble {
            Trouble::Api(source) => from_api(stream, self.context.settings.account.0, source),
            Trouble::Page(source) => {
                RunError::Page { stream, path: name(target), source: Box::new(source) }
            }
        }
    }
}

/// The error of a failed request, by what it means.
pub(crate) fn from_api(stream: &'static str, account: i64, source: Box<ApiError>) -> RunError {
    match source.failure() {
        Failure::Unauthorized => RunError::Credentials { account, source },
        Failure::Forbidden => RunError::Refused { stream, source },
        Failure::TimedOut
        | Failure::Server(_)
        | Failure::RateLimited { .. }
        | Failure::Malformed
        | Failure::NotFound
        | Failure::Invalid(_)
        | Failure::Unreachable
        | Failure::Unexpected(_)
        | Failure::ForeignLink => RunError::Api { stream, source },
    }
}

/// Text that tells targets apart.
fn name(target: &Target) -> String {
    match target {
        Target::Link(url) => url.clone(),
        Target::Path { path, query } => {
            let query: Vec<String> =
                query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if query.is_empty() { path.clone() } else { format!("{path}?{}", query.join("&")) }
        }
    }
}

fn add(sums: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    for (name, count) in more {
        let sum = sums.entry(name).or_default();
        *sum = sum.saturating_add(count);
    }
}

/// One request on its way: waits its turn, is sent once, its answer decoded.
struct Request {
    context: Context,
    decoder: Arc<Decoder>,
    spec: &'static StreamSpec,
    horizon: SignedDuration,
    class: RateClass,
    not_before: Option<Timestamp>,
    ask: Ask,
}

impl Request {
    async fn fly(self) -> (Ask, Timestamp, Sent) {
        let (requested_at, sent) = self.send().await;
        (self.ask, requested_at, sent)
    }

    async fn send(&self) -> (Timestamp, Sent) {
        let Context { clock, gate, api, .. } = &self.context;
        if let Some(at) = self.not_before {
            clock.sleep_until(at).await;
        }
        match gate.permit(self.class, self.horizon).await {
            Ok(()) => {}
            Err(NoPermit::ComeBack(at)) => return (clock.now(), Sent::ComeBack(at)),
            Err(NoPermit::State(error)) => return (clock.now(), Sent::State(error)),
        }
        let requested_at = clock.now();
        let answer = match api.get(&self.ask.target).await {
            Ok(answer) => answer,
            Err(error) => {
                if let Failure::RateLimited { retry_after } = error.failure()
                    && let Err(error) = gate.block(self.class, *retry_after).await
                {
                    return (requested_at, Sent::State(error));
                }
                return (requested_at, Sent::Failed(Trouble::Api(Box::new(error))));
            }
        };
        let decoder = Arc::clone(&self.decoder);
        let (spec, reads) = (self.spec, self.ask.reads);
        let account = self.context.settings.account;
        let date = answer.date;
        let page = tokio::task::spawn_blocking(move || {
            let at = ReadAt {
                account,
                synced_at: requested_at,
                parent: match reads {
                    Reads::Records(Unit::Parent(parent)) => Some(lake_parent(parent)),
                    Reads::Records(Unit::Stream | Unit::Window(_))
                    | Reads::Parents
                    | Reads::Count
                    | Reads::Existence(_) => None,
                },
                period: match reads {
                    Reads::Records(Unit::Window(period)) => Some(period),
                    Reads::Records(Unit::Stream | Unit::Parent(_))
                    | Reads::Parents
                    | Reads::Count
                    | Reads::Existence(_) => None,
                },
            };
            decode(&decoder, spec, reads, &at, answer.body)
        })
        .await;
        let sent = match page {
            Ok(Ok(mut page)) => {
                page.date = date;
                Sent::Page(Box::new(page))
            }
            Ok(Err(error)) => Sent::Failed(Trouble::Page(error)),
            Err(join) => Sent::Died(join.to_string()),
        };
        (requested_at, sent)
    }
}

fn lake_parent(parent: Parent) -> lake::decode::Parent {
    lake::decode::Parent { id: parent.id, created_year: parent.created_year }
}

fn decode(
    decoder: &Decoder,
    spec: &'static StreamSpec,
    reads: Reads,
    at: &ReadAt,
    body: String,
) -> Result<Page, PageError> {
    let bare = |facts| Page {
        facts,
        rows: None,
        misfits: BTreeMap::new(),
        unknown: BTreeMap::new(),
        date: None,
    };
    match reads {
        Reads::Records(_) => {
            let DecodedPage {
                rows,
                keys,
                dates,
                total_entries,
                next,
                quarantined,
                misfits,
                unknown,
            } = decoder.page(&body, at)?;
            let facts = PageFacts {
                total_entries,
                next,
                keys,
                dates,
                quarantined: quarantined.len() as u64,
                parents: Vec::new(),
            };
            let body = Hold::keeps_bodies(spec).then_some(body);
            let rows = Some(PageRows { rows, quarantined, body });
            Ok(Page { facts, rows, misfits, unknown, date: None })
        }
        Reads::Parents => {
            let Kind::PerParent(parent) = &spec.kind else {
                return Ok(bare(PageFacts::default()));
            };
            let page = lake::decode::parents(&body, parent.trigger, parent.parent_id)?;
            let mut facts = PageFacts {
                total_entries: page.total_entries,
                next: page.next,
                quarantined: page.quarantined.len() as u64,
                ..PageFacts::default()
            };
            for record in page.parents {
                facts.keys.push(record.key);
                facts.dates.push(record.date);
                facts.parents.push(ParentFound {
                    parent: Parent {
                        id: record.parent.id,
                        created_year: record.parent.created_year,
                    },
                    roles: record.access_roles,
                });
            }
            Ok(bare(facts))
        }
        Reads::Count => {
            let total_entries = lake::decode::count(&body)?;
            Ok(bare(PageFacts { total_entries, ..PageFacts::default() }))
        }
        Reads::Existence(parent) => {
            let found = ParentFound { parent: existing(parent, &body), roles: None };
            Ok(bare(PageFacts { parents: vec![found], ..PageFacts::default() }))
        }
    }
}

/// The parent with the year of its `created_at`, from its own record.
fn existing(parent: Parent, body: &str) -> Parent {
    let record: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let created = record.get("created_at").and_then(serde_json::Value::as_str);
    let created = created.and_then(|text| text.parse::<Timestamp>().ok());
    let created_year = created.map(|at| i64::from(utc_day(at).year()));
    Parent { id: parent.id, created_year }
}
