mod server;

use engine::ids::AccountId;
use engine::time::SignedDuration;

use self::server::{Act, Server};
use super::*;
use crate::Token;
use crate::conformance::{ApiHarness, check};

const SECRET: &str = "4321.pt.very-secret";

fn quick() -> TransferLimits {
    TransferLimits {
        connect: Duration::from_secs(5),
        silence: Duration::from_millis(150),
        total: Duration::from_secs(5),
        largest_body: 100_000,
    }
}

fn credentials() -> ApiCredentials {
    ApiCredentials { account: AccountId(12345), token: TokenCell::new(Token::new(SECRET).unwrap()) }
}

fn api_at(base: &str, tuning: TransferLimits) -> ReqwestApi {
    ReqwestApi::new(base.parse().unwrap(), &credentials(), "ops@example.com", tuning).unwrap()
}

fn clients() -> RequestTarget {
    RequestTarget::Path { path: "/clients".to_owned(), query: vec![("page".into(), "2".into())] }
}

/// Error as in a log.
fn chain(error: &ApiError) -> String {
    let text = format!("{error} {error:?}");
    assert!(std::error::Error::source(error).is_none(), "the text is whole");
    assert!(!text.contains(SECRET), "the token shows: {text}");
    text
}

async fn failure_of(act: Act, tuning: TransferLimits) -> (RequestFailure, String) {
    let server = Server::start().await;
    server.next(act);
    let error = api_at(&server.base(), tuning).get(&clients()).await.unwrap_err();
    (error.failure().clone(), chain(&error))
}

struct OverHttp {
    api: ReqwestApi,
    server: Server,
}

impl ApiHarness for OverHttp {
    fn api(&self) -> &dyn HarvestApi {
        &self.api
    }

    fn base(&self) -> String {
        self.server.base()
    }

    fn answer_with(&self, reply: ServerReply) {
        self.server.next(Act::Reply(reply));
    }

    fn arrived(&self) -> Vec<String> {
        let below = |target: &String| target.strip_prefix("/v2").unwrap().to_owned();
        self.server.seen().iter().map(|request| below(&request.target)).collect()
    }
}

#[tokio::test]
async fn the_real_implementation_conforms() {
    let server = Server::start().await;
    let api = api_at(&server.base(), quick());
    check(&OverHttp { api, server }).await;
}

#[tokio::test]
async fn each_request_carries_the_three_headers() {
    let server = Server::start().await;
    server.next(Act::Reply(ServerReply::json("{}")));
    api_at(&server.base(), quick()).get(&clients()).await.unwrap();
    let seen = server.seen();
    let header = |name: &str| seen[0].headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(seen[0].method, "GET");
    assert_eq!(seen[0].target, "/v2/clients?page=2");
    assert_eq!(header("authorization"), Some("Bearer 4321.pt.very-secret"));
    assert_eq!(header("harvest-account-id"), Some("12345"));
    let agent = format!("harvest-lake/{} (ops@example.com)", env!("CARGO_PKG_VERSION"));
    assert_eq!(header("user-agent"), Some(agent.as_str()));
    assert_eq!(header("accept"), Some("application/json"));
    assert_eq!(header("accept-encoding"), Some("gzip"));
}

#[tokio::test]
async fn a_compressed_answer_is_expanded() {
    let server = Server::start().await;
    let body = "{\"clients\":[]}".repeat(500);
    server.next(Act::Gzip { body: body.clone(), cut: 0 });
    let answer = api_at(&server.base(), quick()).get(&clients()).await.unwrap();
    assert_eq!(answer.body, body);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_worth_a_retry() {
    let body = "{\"clients\":[]}".repeat(500);
    for act in [
        Act::Cut { promised: 1_000, sent: "{\"clients\":[".to_owned() },
        Act::CutChunks { sent: "{\"clients\":[".to_owned() },
        Act::Gzip { body, cut: 10 },
        Act::HangUp,
    ] {
        let shown = format!("{act:?}");
        let (failure, text) = failure_of(act, quick()).await;
        assert_eq!(failure, RequestFailure::TimedOut, "{shown}: {text}");
    }
}

#[tokio::test]
async fn silence_ends_in_a_time_out() {
    for act in [Act::Silence, Act::SilentBody { sent: "{\"clients\":[".to_owned() }] {
        let (failure, text) = failure_of(act, quick()).await;
        assert_eq!(failure, RequestFailure::TimedOut);
        assert!(text.contains("GET /v2/clients?page=2"), "{text}");
    }
}

#[tokio::test]
async fn a_trickle_ends_with_the_total_time() {
    let tuning = TransferLimits { total: Duration::from_millis(200), ..quick() };
    let (failure, _) = failure_of(Act::Trickle, tuning).await;
    assert_eq!(failure, RequestFailure::TimedOut);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start().await;
    let server = Server::start().await;
    server.next(Act::Redirect(elsewhere.base()));
    let error = api_at(&server.base(), quick()).get(&clients()).await.unwrap_err();
    assert_eq!(error.failure(), &RequestFailure::Unexpected(302));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn no_token_goes_to_a_foreign_link() {
    let elsewhere = Server::start().await;
    let server = Server::start().await;
    let api = api_at(&server.base(), quick());
    let error =
        api.get(&RequestTarget::Link(format!("{}/clients", elsewhere.base()))).await.unwrap_err();
    assert_eq!(error.failure(), &RequestFailure::ForeignLink);
    assert!(elsewhere.seen().is_empty() && server.seen().is_empty());
}

#[tokio::test]
async fn links_may_leave_the_path_of_the_base_url() {
    let server = Server::start().await;
    server.next(Act::Reply(ServerReply::json("{}")));
    let link = server.base().replace("/v2", "/api/v2/clients?cursor=abc");
    api_at(&server.base(), quick()).get(&RequestTarget::Link(link)).await.unwrap();
    assert_eq!(server.seen()[0].target, "/api/v2/clients?cursor=abc");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let large = vec![b' '; 100_001];
    for act in [
        Act::Reply(ServerReply::json(large.clone())),
        Act::Gzip { body: String::from_utf8(large).unwrap(), cut: 0 },
    ] {
        let (failure, text) = failure_of(act, quick()).await;
        assert_eq!(failure, RequestFailure::TooLarge);
        assert!(text.contains("larger than"), "{text}");
    }
    let server = Server::start().await;
    server.next(Act::Reply(ServerReply::json(vec![b' '; 100_000])));
    assert!(api_at(&server.base(), quick()).get(&clients()).await.is_ok());
}

#[tokio::test]
async fn a_large_or_broken_refusal_is_still_its_status() {
    for act in [
        Act::Reply(ServerReply::status(503, "text/html", vec![b'x'; 1_000_000])),
        Act::Reply(ServerReply::status(503, "application/json", vec![b'x'; 1_000_000])),
    ] {
        assert_eq!(failure_of(act, quick()).await.0, RequestFailure::Server(503));
    }
}

#[tokio::test]
async fn a_token_that_the_server_repeats_does_not_show() {
    let body = format!("{{\"message\":\"bad token {SECRET}\"}}");
    let (failure, text) =
        failure_of(Act::Reply(ServerReply::status(401, "application/json", body)), quick()).await;
    assert_eq!(failure, RequestFailure::Unauthorized);
    assert!(text.contains("bad token …"), "{text}");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let api = api_at(&format!("http://127.0.0.1:{port}/v2"), quick());
    let error = api.get(&clients()).await.unwrap_err();
    assert_eq!(error.failure(), &RequestFailure::Unreachable);
    assert!(chain(&error).contains(&format!("127.0.0.1:{port}")));
}

#[tokio::test]
async fn a_server_without_tls_is_unreachable_over_https() {
    let server = Server::start().await;
    let api = api_at(&server.base().replace("http://", "https://"), quick());
    let error = api.get(&clients()).await.unwrap_err();
    assert_eq!(error.failure(), &RequestFailure::Unreachable);
    chain(&error);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::start().await;
    let api = api_at(&server.base(), quick());
    for status in [200, 404, 429, 200] {
        server.next(Act::Reply(ServerReply::status(status, "text/html", "<h1>x</h1>")));
        assert!(api.get(&clients()).await.is_err());
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_answer_has_room_until_it_is_dropped_and_a_refusal_needs_none() {
    let server = Server::start().await;
    let api = api_at(&server.base(), quick());
    let mut held = Vec::new();
    for free in (0..DECODED_AT_ONCE).rev() {
        server.next(Act::Reply(ServerReply::json("{}")));
        held.push(api.get(&clients()).await.unwrap());
        assert_eq!(api.room.available_permits(), free);
    }
    server.next(Act::Reply(ServerReply::status(404, "text/html", "<h1>x</h1>")));
    assert!(api.get(&clients()).await.is_err());
    server.next(Act::Reply(ServerReply::json("{}")));
    let target = clients();
    let waits = api.get(&target);
    held.pop();
    drop(waits.await.unwrap());
    assert_eq!(api.room.available_permits(), 1);
}

#[tokio::test]
async fn after_a_standstill_nothing_is_sent_over_the_connections_of_before() {
    for told in [false, true] {
        let server = Server::start().await;
        let api = api_at(&server.base(), quick());
        let answer = || server.next(Act::Reply(ServerReply::json("{}")));
        answer();
        assert!(api.get(&clients()).await.is_ok());
        server.forget_connections();
        answer();
        if told {
            api.forget_connections();
            assert!(api.get(&clients()).await.is_ok());
            // New connections are kept again from here on.
            answer();
            assert!(api.get(&clients()).await.is_ok());
            assert_eq!(server.connections(), 2);
        } else {
            let lost = api.get(&clients()).await.unwrap_err();
            assert_eq!(lost.failure(), &RequestFailure::TimedOut);
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let server = Server::start().await;
    let api = api_at(&server.base(), quick());
    server.next(Act::HangUp);
    assert!(api.get(&clients()).await.is_err());
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let with_contact = |contact: &str| {
        ReqwestApi::new(
            BaseUrl::HARVEST.parse().unwrap(),
            &credentials(),
            contact,
            TransferLimits::default(),
        )
    };
    assert!(with_contact("https://example.com/about").is_ok());
    for contact in ["", "a\r\nX-Evil: 1", "jürgen@example.com"] {
        let error = with_contact(contact).unwrap_err();
        assert!(matches!(error, SetupError::Contact(_)), "{error}");
        assert!(!error.to_string().contains('\n'));
    }
    let shown = format!("{:?}", with_contact("x@example.com").unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn defaults_allow_a_slow_page() {
    let tuning = TransferLimits::default();
    assert!(tuning.connect < tuning.silence && tuning.silence < tuning.total);
    let total = SignedDuration::try_from(tuning.total).unwrap();
    assert!(total < SignedDuration::from_mins(5));
}
