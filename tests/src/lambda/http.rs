//! Requests and answers of loopback servers.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request, whole.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    headers: hyper::HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answered(hyper::Response<Full<Bytes>>);

impl Answered {
    /// An answer with this document; none for `null`.
    pub(super) fn new(status: u16, document: &Value) -> Self {
        let body = if document.is_null() { String::new() } else { document.to_string() };
        let answer = hyper::Response::builder().status(status);
        let answer = answer.header("content-type", "application/json");
        Self(answer.body(Full::new(Bytes::from(body))).expect("a plain answer"))
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        let value = value.parse().expect("a plain header");
        self.0.headers_mut().insert(name, value);
        self
    }
}

/// A port of this machine.
pub(super) async fn listen() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port")
}

/// Answers every request on `listener` until the result is aborted.
pub(super) fn serve<F>(
    listener: TcpListener,
    answer: impl Fn(Asked) -> F + Clone + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = Answered> + Send,
{
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let asked = Asked {
                            method: head.method.to_string(),
                            path: head.uri.path().to_owned(),
                            headers: head.headers,
                            body,
                        };
                        Ok::<_, hyper::Error>(answer(asked).await.0)
                    }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // A process that was killed breaks its connections.
                drop(connection.await);
            });
        }
    })
}
