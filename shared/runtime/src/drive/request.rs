//! One request: its permit, its sending, its answer decoded.

use core::pin::Pin;
use core::task::{Context as Poller, Poll, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use decode::{Decoder, PageError};
use engine::pass::{AnswerPurpose, Ask};
use engine::retry::RequestFailure;
use engine::spec::{RateClass, StreamSpec};
use engine::time::{SignedDuration, Timestamp, between};
use harvest_api::ApiError;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::page::{DecodedAnswer, decode};
use crate::clock::Clock;
use crate::context::Context;
use crate::gate::NoPermit;
use crate::request::{SentRequest, send};

/// Outcome of a request.
#[derive(Debug)]
pub(super) enum RequestOutcome {
    Page(Box<DecodedAnswer>),
    Failed(RequestError),
    ComeBack(Timestamp),
    State(state::StateError),
    Died(String),
}

/// Cause of a failed request, kept until it is turned into an error of the run.
#[derive(Debug)]
pub(super) enum RequestError {
    Api(Box<ApiError>),
    Page(PageError),
}

impl RequestError {
    /// Returns the kind of failure for a request that was to read `reads`.
    pub(super) fn failure(&self, reads: AnswerPurpose) -> RequestFailure {
        match self {
            // Only Harvest's own 404 proves that a record is gone, not that of a proxy before it.
            Self::Api(error)
                if matches!(
                    reads,
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
    ask: Ask,
    clock: Arc<dyn Clock>,
    not_before: Option<Timestamp>,
    sent: Arc<AtomicBool>,
    sending: JoinHandle<(Timestamp, RequestOutcome)>,
}

impl RequestFlight {
    /// The question that the request asks.
    pub(super) const fn ask(&self) -> &Ask {
        &self.ask
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
    type Output = (Ask, Timestamp, RequestOutcome);

    fn poll(mut self: Pin<&mut Self>, context: &mut Poller<'_>) -> Poll<Self::Output> {
        let ended = ready!(Pin::new(&mut self.sending).poll(context));
        let (requested_at, sent) = ended
            .unwrap_or_else(|error| (self.clock.now(), RequestOutcome::Died(error.to_string())));
        Poll::Ready((self.ask.clone(), requested_at, sent))
    }
}

impl Drop for RequestFlight {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

/// A request with all that is needed to wait for its permit, send it and decode the answer.
pub(super) struct PageRequest {
    pub(super) context: Context,
    pub(super) decoder: Arc<Decoder>,
    pub(super) spec: &'static StreamSpec,
    pub(super) horizon: SignedDuration,
    pub(super) class: RateClass,
    pub(super) not_before: Option<Timestamp>,
    pub(super) ask: Ask,
    /// Notified when the request leaves.
    pub(super) left: Arc<Notify>,
}

impl PageRequest {
    /// Spawns the request, so that it leaves when its permit is due even while the driver flushes,
    /// which may take minutes.
    pub(super) fn fly(self) -> RequestFlight {
        let (ask, clock) = (self.ask.clone(), Arc::clone(&self.context.clock));
        let not_before = self.not_before;
        let sent = Arc::new(AtomicBool::new(false));
        let leaves = Arc::clone(&sent);
        let sending = tokio::spawn(async move { self.send(&leaves).await });
        RequestFlight { ask, clock, not_before, sent, sending }
    }

    async fn send(&self, leaves: &AtomicBool) -> (Timestamp, RequestOutcome) {
        let clock = &self.context.clock;
        if let Some(at) = self.not_before {
            clock.sleep_until(at).await;
        }
        let on_leave = || {
            leaves.store(true, Ordering::Relaxed);
            self.left.notify_one();
        };
        let sent = send(&self.context, self.class, self.horizon, &self.ask.target, on_leave).await;
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
        let decoder = Arc::clone(&self.decoder);
        let (spec, reads) = (self.spec, self.ask.reads);
        let account = self.context.settings.account;
        let took = between(requested_at, clock.now());
        let (date, body_bytes) = (answer.date, answer.body.len());
        let page = delta::offload::offload(move || {
            decode(&decoder, spec, reads, account, requested_at, answer.body)
        })
        .await;
        let sent = match page {
            Ok(Ok(mut page)) => {
                (page.date, page.took, page.body_bytes) = (date, took, body_bytes);
                RequestOutcome::Page(Box::new(page))
            }
            Ok(Err(error)) => RequestOutcome::Failed(RequestError::Page(error)),
            Err(join) => RequestOutcome::Died(join.to_string()),
        };
        (requested_at, sent)
    }
}
