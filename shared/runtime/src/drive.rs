//! Driver of a reading: sends the requests that the reading asks for, and gives it the answers.

mod failed;
mod look;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;

use decode::{Decoder, MemberDeviations};
use engine::budget::{HORIZON_FULL, HORIZON_INCREMENTAL};
use engine::memory::UNDER_WAY;
use engine::pass::{
    AnswerPurpose, MissingScope, PageRequest, Pass, Reading, ReadingStep, RequestTarget, Unit,
};
use engine::quarantine::AnswerCounts;
use engine::retry::RequestAttempts;
use engine::run_record::RunTraffic;
use engine::spec::StreamSpec;
use engine::time::{SignedDuration, Timestamp, plus};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

use crate::context::Context;
use crate::error::RunError;
use crate::hold::RunBuffer;
use crate::progress::RunMoment;
use request::{ReceivedPage, RequestError, RequestFlight, RequestOutcome, RequestSender};

/// Counts of a run while it reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunTally {
    pub(crate) traffic: RunTraffic,
    pub(crate) observed: MemberDeviations,
    pub(crate) answers: AnswerCounts,
}

/// Longest time that [`Driver::advance`] waits for an answer before it returns, so that the caller
/// can flush and look at its deadline: a permit may take long where many are asked for.
const UPKEEP: SignedDuration = SignedDuration::from_secs(20);

/// Result of [`Driver::advance`]: what its caller has to do next.
#[derive(Debug)]
pub(crate) enum DriverStep {
    /// An answer was taken in, or [`UPKEEP`] has passed: the caller may flush and look at the
    /// clock.
    Progress,
    /// The reading needs the units that the table holds.
    NeedsHeld,
    /// The reading needs the rows of the table within this scope that no page had.
    NeedsMissing(MissingScope),
    /// The budget has no permit before this instant, and no request is under way.
    Waits(Timestamp),
    /// No request is under way any more after [`Driver::stop`].
    Stopped,
    /// Everything is read.
    Done,
}

/// Reading of one run, with its requests under way.
pub(crate) struct Driver {
    context: Context,
    spec: &'static StreamSpec,
    sender: RequestSender,
    pub(crate) reading: Reading,
    pass: Pass,
    flights: FuturesUnordered<RequestFlight>,
    attempts: BTreeMap<String, (RequestAttempts, Timestamp)>,
    /// First failure after which a request was given up and the reading went on with others.
    gave_up: Option<(RequestError, RequestTarget)>,
    waits: Option<Timestamp>,
    stopping: bool,
    /// Largest number of requests that wait for a permit at once.
    waiting: usize,
    /// Largest number of requests under way at once; lower where answers are large.
    most: usize,
    largest_body: usize,
    /// Longest time that an answer took; earlier values fade with each answer.
    latency: SignedDuration,
    pub(crate) tally: RunTally,
    /// The server's `Date` in the first answer, and when its request was sent.
    pub(crate) first_answer: Option<(Option<Timestamp>, Timestamp)>,
    /// Arrival of the last answer.
    pub(crate) last_answer: Option<Timestamp>,
}

impl Driver {
    pub(crate) fn new(
        context: &Context,
        spec: &'static StreamSpec,
        decoder: Decoder,
        pass: Pass,
        mut reading: Reading,
    ) -> Self {
        let (most, waiting) = (reading.width(), context.settings.waiting(spec.rate_class));
        reading.set_width(most.min(waiting));
        Self {
            context: context.clone(),
            spec,
            sender: RequestSender {
                context: context.clone(),
                decoder: Arc::new(decoder),
                spec,
                horizon: match pass {
                    Pass::Incremental => HORIZON_INCREMENTAL,
                    Pass::Full => HORIZON_FULL,
                },
                left: Arc::default(),
                since: context.clock.now(),
                held: Arc::default(),
            },
            reading,
            pass,
            flights: FuturesUnordered::new(),
            attempts: BTreeMap::new(),
            gave_up: None,
            waits: None,
            stopping: false,
            waiting,
            most,
            largest_body: 0,
            latency: SignedDuration::ZERO,
            tally: RunTally::default(),
            first_answer: None,
            last_answer: None,
        }
    }

    /// Lets no row of an answer count as read before one of these instants, unless that lies in the
    /// future.
    pub(crate) fn read_after(&mut self, held: impl Iterator<Item = Timestamp>) {
        let mut held: Vec<Timestamp> = held.collect();
        held.sort_unstable();
        self.sender.held = held.into();
    }

    /// Whether any record or part of the reading has come.
    pub(crate) fn has_read(&self) -> bool {
        let (read, _) = self.reading.progress();
        self.tally.traffic.records > 0 || read > 0
    }

    /// Stops starting requests, and drops those that have no permit yet: another run sends them.
    pub(crate) fn stop(&mut self) {
        self.stopping = true;
        let now = self.context.clock.now();
        for flight in core::mem::take(&mut self.flights) {
            if flight.is_sent() {
                self.flights.push(flight);
            } else {
                self.reading.on_unsent(flight.request().id, now);
            }
        }
    }

    /// Sends requests and takes in answers until the caller has to do something.
    pub(crate) async fn advance(&mut self, hold: &mut RunBuffer) -> Result<DriverStep, RunError> {
        let upkeep = plus(self.context.clock.now(), UPKEEP);
        let next = loop {
            while !self.stopping && self.waits.is_none() && self.unsent() < self.waiting {
                match self.reading.next_step() {
                    ReadingStep::Fetch(request) => self.start(request),
                    ReadingStep::Held => return Ok(DriverStep::NeedsHeld),
                    ReadingStep::Missing(scope) => return Ok(DriverStep::NeedsMissing(scope)),
                    ReadingStep::Wait => break,
                    ReadingStep::Stop(stopped) => return Err(self.ended(stopped)),
                    ReadingStep::Done => return Ok(DriverStep::Done),
                }
            }
            tokio::select! {
                biased;
                next = self.flights.next() => break next,
                () = self.sender.left.notified() => {}
                () = self.context.clock.sleep_until(upkeep) => return Ok(DriverStep::Progress),
            }
        };
        let Some((request, requested_at, sent)) = next else {
            return match self.waits.take() {
                Some(at) => Ok(DriverStep::Waits(at)),
                None if self.stopping => Ok(DriverStep::Stopped),
                None => Err(RunError::Defect {
                    stream: self.spec.name,
                    what: "the reading waits for answers, but none is under way".to_owned(),
                }),
            };
        };
        self.take(&request, requested_at, sent, hold)?;
        Ok(DriverStep::Progress)
    }

    /// Number of requests that wait for a permit. It is kept low, so that small streams get their
    /// turn.
    fn unsent(&self) -> usize {
        let now = self.context.clock.now();
        self.flights.iter().filter(|flight| flight.waits_for_permit(now)).count()
    }

    fn start(&mut self, request: PageRequest) {
        let not_before = self.attempts.get(&name(&request.target)).map(|(_, at)| *at);
        self.flights.push(self.sender.fly(request, not_before));
    }

    fn take(
        &mut self,
        request: &PageRequest,
        requested_at: Timestamp,
        sent: RequestOutcome,
        hold: &mut RunBuffer,
    ) -> Result<(), RunError> {
        match sent {
            RequestOutcome::ComeBack(at) => {
                self.reading.on_unsent(request.id, requested_at);
                self.waits = Some(self.waits.map_or(at, |before| before.min(at)));
                self.context.progress.on(self.spec.name, self.pass, &RunMoment::Waiting);
                Ok(())
            }
            RequestOutcome::State(source) => {
                Err(RunError::State { stream: self.spec.name, source })
            }
            RequestOutcome::Died(what) => {
                let what = format!("decoding a page ended early: {what}");
                Err(RunError::Defect { stream: self.spec.name, what })
            }
            RequestOutcome::Page(page) => {
                self.last_answer = Some(self.context.clock.now());
                let traffic = &mut self.tally.traffic;
                traffic.requests = traffic.requests.saturating_add(1);
                traffic.bytes = traffic.bytes.saturating_add(page.body_bytes as u64);
                self.first_answer.get_or_insert((page.date, requested_at));
                self.attempts.remove(&name(&request.target));
                self.on_page(request, requested_at, *page, hold)
            }
            RequestOutcome::Failed(trouble) => {
                let traffic = &mut self.tally.traffic;
                traffic.requests = traffic.requests.saturating_add(1);
                traffic.failed = traffic.failed.saturating_add(1);
                self.on_trouble(request, requested_at, trouble, hold)
            }
        }
    }

    fn on_page(
        &mut self,
        request: &PageRequest,
        requested_at: Timestamp,
        received: ReceivedPage,
        hold: &mut RunBuffer,
    ) -> Result<(), RunError> {
        let ReceivedPage { mut page, took, body_bytes, .. } = received;
        let records = match request.purpose {
            AnswerPurpose::Records(_) | AnswerPurpose::Record => page.facts.records(),
            AnswerPurpose::Parents
            | AnswerPurpose::Count
            | AnswerPurpose::Along
            | AnswerPurpose::Existence(_) => 0,
        };
        self.tally.traffic.records = self.tally.traffic.records.saturating_add(records);
        self.tally.observed.add(core::mem::take(&mut page.observed));
        self.tally.answers.count(request.purpose, &page.facts);
        if self.reading.watches() {
            hold.saw(&page.facts.keys);
        }
        let effects = self.reading.on_page(request.id, requested_at, &page.facts);
        self.latency = took.max(self.latency.saturating_mul(7) / 8);
        self.bound_width(body_bytes);
        let whole = request.purpose == AnswerPurpose::Records(Unit::Stream);
        let total = page.facts.total_entries.filter(|_| whole);
        hold.apply(effects, Some(page))?;
        let moment = RunMoment::Page { records, units: self.reading.progress(), total };
        self.context.progress.on(self.spec.name, self.pass, &moment);
        Ok(())
    }

    /// Sets the number of requests under way at once: enough to use the budget, fewer where answers
    /// are too large for memory. More than needed would read a list in many places at once, and its
    /// partitions would be written again and again.
    fn bound_width(&mut self, body_bytes: usize) {
        if body_bytes > self.largest_body {
            self.largest_body = body_bytes;
            // A decoded page that waits for the driver takes less than its body.
            let fit = UNDER_WAY.checked_div(body_bytes).unwrap_or(usize::MAX).max(2);
            self.most = self.most.min(fit);
        }
        let limit = self.context.settings.limit(self.spec.rate_class);
        self.reading.set_width(limit.under_way(self.latency, self.waiting).min(self.most));
    }
}

/// Text that identifies a target.
fn name(target: &RequestTarget) -> String {
    match target {
        RequestTarget::Link(url) => url.clone(),
        RequestTarget::Path { path, query } => {
            let query: Vec<String> =
                query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if query.is_empty() { path.clone() } else { format!("{path}?{}", query.join("&")) }
        }
    }
}
