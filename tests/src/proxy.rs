//! A proxy between an SDK and a server that throttles, fails, loses and delays random requests.

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

/// Fault of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Answered by 503 or 400, as the service does when it is busy; not passed to the server.
    Throttled,
    /// Answered by 500; not passed to the server.
    Failed,
    /// The connection breaks; the request is not passed to the server.
    Refused,
    /// The server carries out the request, but its answer is lost.
    Lost,
    /// The answer comes late.
    Slow,
}

/// Proxy that runs as long as this process.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Endpoint of the proxy.
    pub endpoint: String,
    happened: Arc<Mutex<Vec<Fault>>>,
    calls: Arc<Mutex<BTreeMap<String, u64>>>,
    connections: Arc<Mutex<Known>>,
}

/// Counts of the proxy's connections.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Number of all connections.
    all: u64,
    /// Number of the first connections that are forgotten.
    gone: u64,
    /// Number of requests over forgotten connections.
    lost: u64,
}

impl Proxy {
    /// Starts a proxy of `upstream` that lets `percent` per cent of all requests fail.
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

    /// Number of calls by operation of `DynamoDB` and kind of item.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.calls.lock().expect("no panic").clone()
    }

    /// Forgets all existing connections without telling the clients: requests over them are lost.
    /// Returns the number of these connections.
    #[must_use]
    pub fn forget_connections(&self) -> u64 {
        let mut known = self.connections.lock().expect("no panic");
        known.gone = known.all;
        known.gone
    }

    /// Number of requests over forgotten connections.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.connections.lock().expect("no panic").lost
    }

    /// Returns the faults so far.
    #[must_use]
    pub fn happened(&self) -> Vec<Fault> {
        self.happened.lock().expect("no panic").clone()
    }
}

/// Returns the operation of DynamoDB and the kind of item of a request: `PutItem budget`.
fn call(asked: &http::Asked) -> String {
    let operation = asked.header("x-amz-target").and_then(|target| target.split('.').next_back());
    let body = String::from_utf8_lossy(&asked.body);
    let kinds = ["budget", "stream", "account", "orchestrator", "run"];
    let kind = kinds.into_iter().find(|kind| {
        // Only as the beginning of a sort key: the name may occur elsewhere in the body.
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

/// Returns a client of servers on loopback.
#[must_use]
pub fn client() -> Client {
    let client = Client::builder().tls_backend_preconfigured(plain()).no_proxy();
    client.build().expect("a client")
}

/// Returns a TLS configuration, which the client requires, though loopback has no TLS.
fn plain() -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
