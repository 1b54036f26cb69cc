//! One request: its permit, its sending, its answer decoded.

use core::pin::Pin;
use core::task::{Context as Poller, Poll, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use decode::{DecodedPage, Decoder, PageError};
use engine::pass::{AnswerPurpose, PageRequest};
use engine::retry::RequestFailure;
use engine::spec::{RateClass, StreamSpec};
use engine::time::{SignedDuration, Timestamp, between};
use harvest_api::{ApiAnswer, ApiError};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::context::Context;
use crate::gate::NoPermit;
use crate::request::{SentRequest, send};

/// Outcome of a request.
#[derive(Debug)]
pub(super) enum RequestOutcome {
    Page(Box<ReceivedPage>),
    Failed(RequestError),
    ComeBack(Timestamp),
    State(state::StateError),
    Died(String),
}

/// A page, and how it came.
#[derive(Debug)]
pub(super) struct ReceivedPage {
    pub(super) page: DecodedPage,
    /// Time at Harvest when it answered.
    pub(super) date: Option<Timestamp>,
    /// Time from the request to its answer.
    pub(super) took: SignedDuration,
    /// Size of the decompressed answer, in bytes.
    pub(super) body_bytes: usize,
}

/// Cause of a failed request, kept until it is turned into an error of the run.
#[derive(Debug)]
pub(super) enum RequestError {
    Api(Box<ApiError>),
    Page(PageError),
}

impl RequestError {
    /// Returns the kind of failure for a request that was to read `reads`.
    pub(super) fn failure(&self, purpose: AnswerPurpose) -> RequestFailure {
        match self {
            // Only Harvest's own 404 proves that a record is gone, not that of a proxy before it.
            Self::Api(error)
                if matches!(
                    purpose,
                    AnswerPurpose::Existence(_) | AnswerPurpose::Record | AnswerPurpose::Along
                ) && *error.failure() == RequestFailure::NotFound
                    && !error.is_from_harvest() =>
            {
                RequestFailure::Unexpected(404)
            }
            Self::Api(error) => error.failure().clone(),
            Self::Page(PageError::TooLarge { .. }) => RequestFailure::TooLarge,
            Self::Page(_) => RequestFailure::Malformed,
        }
    }
}

/// A request that is under way. Dropping it aborts the request.
pub(super) struct RequestFlight {
    request: PageRequest,
    clock: Arc<dyn Clock>,
    not_before: Option<Timestamp>,
    sent: Arc<AtomicBool>,
    sending: JoinHandle<(Timestamp, RequestOutcome)>,
}

impl RequestFlight {
    /// The question that the request asks.
    pub(super) const fn request(&self) -> &PageRequest {
        &self.request
    }

    /// Whether the request waits for a permit. A request that waits to be tried again does not.
    pub(super) fn waits_for_permit(&self, now: Timestamp) -> bool {
        !self.is_sent() && self.not_before.is_none_or(|at| at <= now)
    }

    /// Whether the request has used its permit, so that dropping it would waste that.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Future for RequestFlight {
    type Output = (PageRequest, Timestamp, RequestOutcome);

    fn poll(mut self: Pin<&mut Self>, context: &mut Poller<'_>) -> Poll<Self::Output> {
        let ended = ready!(Pin::new(&mut self.sending).poll(context));
        let (requested_at, sent) = ended
            .unwrap_or_else(|error| (self.clock.now(), RequestOutcome::Died(error.to_string())));
        Poll::Ready((self.request.clone(), requested_at, sent))
    }
}

impl Drop for RequestFlight {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

/// Sends the requests of one reading: waits for their permits and decodes their answers.
#[derive(Clone)]
pub(super) struct RequestSender {
    pub(super) context: Context,
    pub(super) decoder: Arc<Decoder>,
    pub(super) spec: &'static StreamSpec,
    /// Furthest time in the future that a permit may be due, from now.
    pub(super) horizon: SignedDuration,
    /// Notified when a request has its permit and leaves.
    pub(super) left: Arc<Notify>,
    /// Start of the reading. No answer counts as older, even if the clock is put back meanwhile:
    /// rows would lose against those of the table, and the pass would count as complete.
    pub(super) since: Timestamp,
    /// Latest readings of rows in each file of the table, in order. Those rows were read before any
    /// answer of this run, whatever our clock says.
    pub(super) held: Arc<[Timestamp]>,
}

impl RequestSender {
    /// Time at which the rows of an answer to a request of `requested_at` count as read. Rows of the
    /// table that were read in the future by all that is known now tell nothing.
    fn read_at(&self, requested_at: Timestamp) -> Timestamp {
        let present = self.context.present();
        let newest = self.held.iter().rfind(|at| !present.is_future(**at));
        newest.map_or(requested_at, |newest| requested_at.max(*newest))
    }

    /// Spawns the request, so that it leaves when its permit is due even while the driver flushes,
    /// which may take minutes. `not_before`: end of the pause before a request is tried again.
    pub(super) fn fly(&self, request: PageRequest, not_before: Option<Timestamp>) -> RequestFlight {
        let clock = Arc::clone(&self.context.clock);
        let sent = Arc::new(AtomicBool::new(false));
        let (sender, asked, leaves) = (self.clone(), request.clone(), Arc::clone(&sent));
        let sending = tokio::spawn(async move {
            if let Some(at) = not_before {
                sender.context.clock.sleep_until(at).await;
            }
            sender.send(&asked, &leaves).await
        });
        RequestFlight { request, clock, not_before, sent, sending }
    }

    async fn send(
        &self,
        request: &PageRequest,
        leaves: &AtomicBool,
    ) -> (Timestamp, RequestOutcome) {
        let clock = &self.context.clock;
        let on_leave = || {
            leaves.store(true, Ordering::Relaxed);
            self.left.notify_one();
        };
        let class = self.class(request.purpose);
        let sent = send(&self.context, class, self.horizon, &request.target, on_leave).await;
        let SentRequest { requested_at, answer } = match sent {
            Ok(sent) => sent,
            Err(NoPermit::ComeBack(at)) => return (clock.now(), RequestOutcome::ComeBack(at)),
            Err(NoPermit::State(error)) => return (clock.now(), RequestOutcome::State(error)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return (requested_at, RequestOutcome::Failed(RequestError::Api(Box::new(error))));
            }
        };
        let requested_at = requested_at.max(self.since);
        let (decoder, purpose) = (Arc::clone(&self.decoder), request.purpose);
        let account = self.context.settings.account;
        let took = between(requested_at, clock.now());
        let (date, body_bytes) = (answer.date, answer.body.len());
        let read_at = self.read_at(requested_at);
        let ApiAnswer { body, room, .. } = answer;
        let page = delta::offload::offload(move || {
            let page = decoder.decode(purpose, account, read_at, body);
            drop(room);
            page
        });
        let outcome = match page.await {
            Ok(Ok(page)) => {
                RequestOutcome::Page(Box::new(ReceivedPage { page, date, took, body_bytes }))
            }
            Ok(Err(error)) => RequestOutcome::Failed(RequestError::Page(error)),
            Err(join) => RequestOutcome::Died(join.to_string()),
        };
        (requested_at, outcome)
    }

    /// Rate class of a request: parents and single records are no reports, whatever the stream is.
    const fn class(&self, purpose: AnswerPurpose) -> RateClass {
        match purpose {
            AnswerPurpose::Records(_) | AnswerPurpose::Count => self.spec.rate_class,
            AnswerPurpose::Parents
            | AnswerPurpose::Existence(_)
            | AnswerPurpose::Record
            | AnswerPurpose::Along => RateClass::General,
        }
    }
}
