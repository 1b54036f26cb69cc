//! Stands between an SDK and a server, and by a seeded plan throttles, fails, loses and delays.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::HeaderMap;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reqwest::Client;
use serde_json::json;

use crate::http;
use crate::lambda::pause;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 503 or 400, as the service says that it is busy; the server never hears of it.
    Throttled,
    /// 500; the server never hears of it.
    Failed,
    /// The connection breaks before the server hears of it.
    Refused,
    /// The server does what was asked, but nobody hears of that.
    Lost,
    /// The answer comes late.
    Slow,
}

/// A proxy, as long as this process lives.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where it listens.
    pub endpoint: String,
    happened: Arc<Mutex<Vec<Fault>>>,
    calls: Arc<Mutex<BTreeMap<String, u64>>>,
    connections: Arc<Mutex<Known>>,
}

/// Connections that the proxy knows of.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// So many there were.
    all: u64,
    /// The first so many lead nowhere any more.
    gone: u64,
    /// So many requests came over those.
    lost: u64,
}

impl Proxy {
    /// A proxy of `upstream` that lets `percent` of all requests go wrong.
    pub async fn start(upstream: &str, seed: u64, percent: u32) -> Self {
        let listener = http::listen().await;
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let happened = Arc::new(Mutex::new(Vec::new()));
        let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
        let client = client();
        let (upstream, log) = (upstream.to_owned(), Arc::clone(&happened));
        let calls = Arc::new(Mutex::new(BTreeMap::new()));
        let counts = Arc::clone(&calls);
        let connections = Arc::new(Mutex::new(Known::default()));
        let known = Arc::clone(&connections);
        http::serve(listener, move |asked| {
            let lost = {
                let mut known = known.lock().expect("no panic");
                known.all = known.all.max(asked.connection + 1);
                let lost = asked.connection < known.gone;
                known.lost += u64::from(lost);
                lost
            };
            *counts.lock().expect("no panic").entry(call(&asked)).or_insert(0) += 1;
            let (client, upstream) = (client.clone(), upstream.clone());
            let fault = {
                let mut dice = dice.lock().expect("no panic");
                let goes_wrong = dice.random_range(0..100) < percent;
                goes_wrong.then(|| FAULTS[dice.random_range(0..FAULTS.len())])
            };
            log.lock().expect("no panic").extend(fault);
            async move {
                if lost {
                    return std::future::pending().await;
                }
                answer(&client, &upstream, asked, fault).await
            }
        });
        Self { endpoint, happened, calls, connections }
    }

    /// How often each operation of `DynamoDB` was called for each kind of item.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().expect("no panic").clone()
    }

    /// Forgets all connections that there are without a word to those who have them: what comes over them is lost.
    /// Says how many there were.
    #[must_use]
    pub fn forget_connections(&self) -> u64 {
        let mut known = self.connections.lock().expect("no panic");
        known.gone = known.all;
        known.gone
    }

    /// Requests that came over connections that were forgotten.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.connections.lock().expect("no panic").lost
    }

    /// What went wrong so far.
    #[must_use]
    pub fn happened(&self) -> Vec<Fault> {
        self.happened.lock().expect("no panic").clone()
    }
}

/// What DynamoDB is asked, and about which kind of item: `PutItem budget`.
fn call(asked: &http::Asked) -> String {
    let operation = asked.header("x-amz-target").and_then(|target| target.split('.').next_back());
    let body = String::from_utf8_lossy(&asked.body);
    let kinds = ["budget", "stream", "account", "orchestrator", "run"];
    let kind = kinds.into_iter().find(|kind| {
        // As a sort key, whatever the body says elsewhere.
        body.contains(&format!("\"sk\":{{\"S\":\"{kind}"))
    });
    format!("{} {}", operation.unwrap_or(&asked.method), kind.unwrap_or("several"))
}

const FAULTS: [Fault; 5] =
    [Fault::Throttled, Fault::Failed, Fault::Refused, Fault::Lost, Fault::Slow];

async fn answer(
    client: &Client,
    upstream: &str,
    asked: http::Asked,
    fault: Option<Fault>,
) -> http::Answered {
    let dynamodb = asked.header("x-amz-target").is_some();
    match fault {
        Some(Fault::Refused) => return http::Answered::broken(),
        Some(Fault::Failed) => return http::Answered::new(500, &serde_json::Value::Null),
        Some(Fault::Throttled) if dynamodb => {
            let kind = "com.amazonaws.dynamodb.v20120810#ThrottlingException";
            return http::Answered::new(400, &json!({ "__type": kind, "message": "slow down" }));
        }
        Some(Fault::Throttled) => {
            let body = "<Error><Code>SlowDown</Code><Message>slow down</Message></Error>";
            return http::Answered::of(503, &HeaderMap::new(), body.into());
        }
        Some(Fault::Lost | Fault::Slow) | None => {}
    }
    let method = asked.method.parse().expect("a method");
    let request = client.request(method, format!("{upstream}{}", asked.target));
    let Ok(answer) = request.headers(asked.headers).body(asked.body).send().await else {
        return http::Answered::broken();
    };
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else {
        return http::Answered::broken();
    };
    match fault {
        Some(Fault::Lost) => http::Answered::broken(),
        Some(Fault::Slow) => {
            pause(Duration::from_millis(300)).await;
            http::Answered::of(status, &headers, body)
        }
        _ => http::Answered::of(status, &headers, body),
    }
}

/// A client of servers on loopback.
#[must_use]
pub fn client() -> Client {
    let client = Client::builder().tls_backend_preconfigured(plain()).no_proxy();
    client.build().expect("a client")
}

/// No TLS is spoken on loopback, but the client wants to know how it would be.
fn plain() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
