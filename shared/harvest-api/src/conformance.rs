//! Requirements on every implementation of [`HarvestApi`], as assertions.
//!
//! A test gives the suite an implementation and the means to set what its server answers. So tests
//! that use the scripted implementation see the same failures as a run against Harvest.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test suite, public so that other packages can run it"
)]

use engine::pass::RequestTarget;
use engine::retry::RequestFailure;
use engine::time::{SignedDuration, Timestamp};

use crate::{ApiAnswer, ApiError, HarvestApi, ServerReply};

/// An implementation together with the server that it talks to.
pub trait ApiHarness: Send + Sync {
    /// Implementation under test.
    fn api(&self) -> &dyn HarvestApi;

    /// Base URL of the implementation, without a slash at the end.
    fn base(&self) -> String;

    /// Sets the answer to the next request.
    fn answer_with(&self, reply: ServerReply);

    /// Path below the base URL and query (as sent or re-encoded) of each request so far.
    fn arrived(&self) -> Vec<String>;
}

/// Runs the whole suite on one stage. Panics if the implementation does not conform.
pub async fn check(stage: &dyn ApiHarness) {
    a_page_comes_as_it_was_sent(stage).await;
    a_date_that_cannot_be_read_is_none(stage).await;
    each_status_has_its_failure(stage).await;
    a_rate_limit_says_how_long(stage).await;
    what_is_no_json_is_malformed(stage).await;
    errors_tell_who_answered(stage).await;
    queries_are_encoded(stage).await;
    links_within_the_origin_are_sent_as_they_are(stage).await;
    links_to_elsewhere_are_not_sent(stage).await;
}

/// Checks that body and date of a page are returned unchanged.
pub async fn a_page_comes_as_it_was_sent(stage: &dyn ApiHarness) {
    let at: Timestamp = "2026-11-23T06:15:01Z".parse().expect("an instant");
    let body = "{\"clients\":[{\"name\":\"Žižek & Søn\",\"x\":12345678901234.5678}]} \n";
    let answer = ask(stage, ServerReply::json(body).dated(at)).await.expect("an answer");
    assert_eq!((answer.body.as_str(), answer.date), (body, Some(at)));
    let answer =
        ask(stage, ServerReply::json("")).await.expect("an empty body is judged by the decoder");
    assert_eq!(answer.body, "");
}

/// Checks that a missing or invalid `Date` is no error.
pub async fn a_date_that_cannot_be_read_is_none(stage: &dyn ApiHarness) {
    let mut odd = ServerReply::json("{}");
    odd.date = Some("yesterday".to_owned());
    assert_eq!(ask(stage, odd).await.expect("an answer").date, None);
}

/// Checks the error of each status, with bodies in HTML and JSON, cut and empty ones included: the
/// status alone decides. 520 and 529 are statuses of proxies, not of HTTP's own list.
pub async fn each_status_has_its_failure(stage: &dyn ApiHarness) {
    let table = [
        (400, RequestFailure::Invalid(400)),
        (401, RequestFailure::Unauthorized),
        (403, RequestFailure::Forbidden),
        (404, RequestFailure::NotFound),
        (422, RequestFailure::Invalid(422)),
        (429, RequestFailure::RateLimited { retry_after: None }),
        (500, RequestFailure::Server(500)),
        (502, RequestFailure::Server(502)),
        (503, RequestFailure::Server(503)),
        (520, RequestFailure::Server(520)),
        (529, RequestFailure::Server(529)),
        (201, RequestFailure::Unexpected(201)),
        (301, RequestFailure::Unexpected(301)),
        (302, RequestFailure::Unexpected(302)),
        (410, RequestFailure::Unexpected(410)),
    ];
    for (status, failure) in table {
        for (kind, body) in [
            ("text/html", "<html><h1>Oops</h1></html>"),
            ("application/json", "{\"message\":\"no\"}"),
            ("application/json", "{\"message\":"),
            ("text/html; charset=utf-8", ""),
        ] {
            let error = refusal(stage, ServerReply::status(status, kind, body)).await;
            assert_eq!(error.failure(), &failure, "{status} {kind} {body}");
        }
    }
}

/// Checks both forms of `Retry-After`.
pub async fn a_rate_limit_says_how_long(stage: &dyn ApiHarness) {
    let limited = || ServerReply::status(429, "text/html", "<h1>Throttled</h1>");
    let at: Timestamp = "2026-11-23T06:15:00Z".parse().expect("an instant");
    let table = [
        (limited().retry_after("15"), Some(15)),
        (limited().retry_after("Mon, 23 Nov 2026 06:16:00 GMT").dated(at), Some(60)),
        (limited().retry_after("soon"), None),
    ];
    for (reply, secs) in table {
        let retry_after = secs.map(SignedDuration::from_secs);
        let error = refusal(stage, reply).await;
        assert_eq!(error.failure(), &RequestFailure::RateLimited { retry_after });
    }
}

/// Checks that status 200 without JSON is an error. Taken for an empty page, it would look as if
/// all records were gone.
pub async fn what_is_no_json_is_malformed(stage: &dyn ApiHarness) {
    let mut untyped = ServerReply::json("{}");
    untyped.content_type = None;
    for reply in [
        ServerReply::status(200, "text/html", "<html>please log in</html>"),
        ServerReply::status(200, "text/plain", "{\"clients\":[]}"),
        ServerReply::json(vec![b'"', 0xff, 0xfe, b'"']),
        untyped,
    ] {
        assert_eq!(refusal(stage, reply).await.failure(), &RequestFailure::Malformed);
    }
}

/// Checks that Harvest's own 404 differs from that of a server in front of it, and that Harvest's
/// message is returned.
pub async fn errors_tell_who_answered(stage: &dyn ApiHarness) {
    let json = "{\"status\":404,\"error\":\"Not Found\"}";
    let own =
        refusal(stage, ServerReply::status(404, "application/json; charset=utf-8", json)).await;
    assert!(own.is_from_harvest());
    assert!(own.to_string().contains("Not Found"), "{own}");
    let other = refusal(stage, ServerReply::status(404, "text/html", "<h1>Nope</h1>")).await;
    assert!(!other.is_from_harvest());
    assert!(!other.to_string().contains("Nope"), "{other}");
    assert!(other.to_string().contains("/clients"), "{other}");
}

/// Checks that query values arrive unchanged.
pub async fn queries_are_encoded(stage: &dyn ApiHarness) {
    let query = [("updated_since", "2026-11-23T06:15:00Z"), ("a b", "1&2=3+4#5")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    stage.answer_with(ServerReply::json("{}"));
    let target = RequestTarget::Path { path: "/time_entries".to_owned(), query };
    stage.api().get(&target).await.expect("an answer");
    assert_eq!(
        stage.arrived().last().map(String::as_str),
        Some("/time_entries?updated_since=2026-11-23T06%3A15%3A00Z&a+b=1%262%3D3%2B4%235")
    );
}

/// Checks that a link within the origin is followed, even if its path is not below the base URL.
pub async fn links_within_the_origin_are_sent_as_they_are(stage: &dyn ApiHarness) {
    let link = format!("{}/clients?cursor=eyJhIjoxfQ%3D%3D&per_page=2000", stage.base());
    stage.answer_with(ServerReply::json("{}"));
    stage.api().get(&RequestTarget::Link(link)).await.expect("an answer");
    let last = stage.arrived().last().cloned();
    assert_eq!(last.as_deref(), Some("/clients?cursor=eyJhIjoxfQ%3D%3D&per_page=2000"));
}

/// Checks that a link to another host, port or scheme is refused without a request.
pub async fn links_to_elsewhere_are_not_sent(stage: &dyn ApiHarness) {
    let before = stage.arrived().len();
    let base = stage.base();
    let (scheme, rest) = base.split_once("://").expect("a base URL with a scheme");
    let other_scheme = if scheme == "http" { "https" } else { "http" };
    for link in [
        "https://evil.example/v2/clients?cursor=1".to_owned(),
        "http://127.0.0.1:1/v2/clients".to_owned(),
        format!("{other_scheme}://{rest}/clients"),
        format!("{scheme}://user@{rest}/clients"),
        "/clients?cursor=1".to_owned(),
        String::new(),
    ] {
        match stage.api().get(&RequestTarget::Link(link.clone())).await {
            Err(error) => assert_eq!(error.failure(), &RequestFailure::ForeignLink, "{link}"),
            Ok(answer) => panic!("{link} was followed: {answer:?}"),
        }
    }
    assert_eq!(stage.arrived().len(), before, "nothing was sent");
}

/// Sends a request that the server answers with `reply`.
async fn ask(stage: &dyn ApiHarness, reply: ServerReply) -> Result<ApiAnswer, ApiError> {
    stage.answer_with(reply);
    let query = vec![("per_page".to_owned(), "2000".to_owned())];
    stage.api().get(&RequestTarget::Path { path: "/clients".to_owned(), query }).await
}

/// Sends a request that must fail with `reply`, and returns the error.
async fn refusal(stage: &dyn ApiHarness, reply: ServerReply) -> ApiError {
    let shown = format!("{reply:?}");
    match ask(stage, reply).await {
        Err(error) => error,
        Ok(answer) => panic!("{shown} became {answer:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::ScriptedApi;

    struct InMemory {
        api: ScriptedApi,
        next: Arc<Mutex<Option<ServerReply>>>,
    }

    impl ApiHarness for InMemory {
        fn api(&self) -> &dyn HarvestApi {
            &self.api
        }

        fn base(&self) -> String {
            crate::BaseUrl::HARVEST.to_owned()
        }

        fn answer_with(&self, reply: ServerReply) {
            *self.next.lock().unwrap() = Some(reply);
        }

        fn arrived(&self) -> Vec<String> {
            let encode = |asked: &crate::ScriptedRequest| {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                format!("{}?{}", asked.path, query.extend_pairs(&asked.query).finish())
            };
            self.api.requests().iter().map(encode).collect()
        }
    }

    #[tokio::test]
    async fn the_scripted_implementation_conforms() {
        let next: Arc<Mutex<Option<ServerReply>>> = Arc::default();
        let script = Arc::clone(&next);
        let base = crate::BaseUrl::HARVEST.parse().unwrap();
        let answer =
            move |_: &crate::ScriptedRequest| script.lock().unwrap().take().unwrap().into();
        let api = ScriptedApi::new(base, answer);
        check(&InMemory { api, next }).await;
    }
}
