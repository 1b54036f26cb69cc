//! Requests and answers of loopback servers.

use std::io;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request with its whole body.
#[derive(Debug)]
pub struct Asked {
    /// Method in capitals.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Path and query as they were sent.
    pub target: String,
    /// Headers.
    pub headers: hyper::HeaderMap,
    /// Body; may be empty.
    pub body: Bytes,
    /// Number of the connection that the request came over; the first one of a server is 0.
    pub connection: u64,
}

impl Asked {
    /// Returns a header; `None` where it is missing or no text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answered(Option<hyper::Response<Full<Bytes>>>);

impl Answered {
    /// Returns an answer with this document as body; `null` makes an empty body.
    #[must_use]
    pub fn new(status: u16, document: &Value) -> Self {
        let body = if document.is_null() { String::new() } else { document.to_string() };
        let answer = hyper::Response::builder().status(status);
        let answer = answer.header("content-type", "application/json");
        Self(Some(answer.body(Full::new(Bytes::from(body))).expect("a plain answer")))
    }

    /// Returns the answer of another server.
    pub fn of(status: u16, headers: &hyper::HeaderMap, body: Bytes) -> Self {
        let mut answer = hyper::Response::new(Full::new(body));
        *answer.status_mut() = status.try_into().expect("a status");
        for (name, value) in headers {
            if name != "transfer-encoding" && name != "connection" {
                answer.headers_mut().append(name, value.clone());
            }
        }
        Self(Some(answer))
    }

    /// Returns the lack of an answer: the connection breaks.
    pub const fn broken() -> Self {
        Self(None)
    }

    /// Sets a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("a plain header");
        if let Some(answer) = &mut self.0 {
            answer.headers_mut().insert(name, value);
        }
        self
    }
}

/// Listens on a free port of this machine.
pub async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port")
}

/// Answers every request on `listener` until the result is aborted.
pub fn serve<F>(
    listener: TcpListener,
    answer: impl Fn(Asked) -> F + Clone + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = Answered> + Send,
{
    tokio::spawn(async move {
        let mut connections = 0_u64;
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            let connection = connections;
            connections += 1;
            tokio::spawn(async move {
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                        let asked = Asked {
                            method: head.method.to_string(),
                            path: head.uri.path().to_owned(),
                            target: head
                                .uri
                                .path_and_query()
                                .map(ToString::to_string)
                                .unwrap_or_default(),
                            headers: head.headers,
                            body,
                            connection,
                        };
                        answer(asked).await.0.ok_or_else(|| io::Error::other("broken as asked"))
                    }
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // Fails if the client was killed, which breaks its connections.
                drop(serving.await);
            });
        }
    })
}
