//! Answers of the account to the requests of a process.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use engine::retry::RequestFailure;
use engine::time::{SignedDuration, plus};
use harvest_api::{ScriptedReply, ServerReply};
use runtime::clock::Clock as _;
use sim::ServerRequest;

use super::World;

impl World {
    /// Returns the answers of the account to requests with `token`.
    pub fn script(
        &self,
        token: &str,
    ) -> impl Fn(&harvest_api::ScriptedRequest) -> ScriptedReply + Send + Sync + 'static {
        let token = token.to_owned();
        let (live, date_ahead) = (Arc::clone(&self.live), Arc::clone(&self.date_ahead));
        let (account, clock) = (Arc::clone(&self.account), self.clock);
        let number = self.settings.account.0.to_string();
        let patience = Arc::clone(&self.patience);
        move |asked: &harvest_api::ScriptedRequest| {
            let mut request = ServerRequest::new("GET", "https://api.harvestapp.com", "/v2")
                .header("user-agent", "harvest-lake tests")
                .header("authorization", &format!("Bearer {token}"))
                .header("harvest-account-id", &number);
            request.path = format!("/v2{}", asked.path);
            request.query.clone_from(&asked.query);
            // No panic here: runs take it for the failure of one answer, and would ask again
            // without end.
            let spend = |left: u64| left.checked_sub(1);
            if patience.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend).is_err() {
                return ScriptedReply::Break(RequestFailure::Unreachable);
            }
            let mut account = account.lock().expect("no panic");
            if let Some(live) = &mut *live.lock().expect("no panic") {
                live.requests += 1;
                if live.requests % live.every == 0 {
                    account.mutate(clock.now(), live.seed.wrapping_add(live.requests), 1);
                }
            }
            let response = account.handle(clock.now(), &request);
            if response.delivery.breach != sim::DeliveryFault::None {
                return ScriptedReply::Break(RequestFailure::TimedOut);
            }
            ScriptedReply::Reply(ServerReply {
                status: response.status,
                content_type: response.header_value("content-type").map(str::to_owned),
                date: response.header_value("date").map(|date| shifted(date, &date_ahead)),
                retry_after: response.header_value("retry-after").map(str::to_owned),
                body: response.body.to_vec(),
            })
        }
    }
}

/// Returns an HTTP date moved by `ahead`.
fn shifted(date: &str, ahead: &Mutex<SignedDuration>) -> String {
    let ahead = *ahead.lock().expect("no panic");
    if ahead.is_zero() {
        return date.to_owned();
    }
    let at = jiff::fmt::rfc2822::parse(date).expect("an HTTP date").timestamp();
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&plus(at, ahead))
        .expect("printable")
}
