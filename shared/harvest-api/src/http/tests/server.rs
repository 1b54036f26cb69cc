//! Small HTTP server on a loopback port that follows a script.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::ServerReply;

/// Treatment of the next request.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Sends this reply.
    Reply(ServerReply),
    /// Sends JSON, compressed in two members, without its last `cut` bytes.
    Gzip { body: String, cut: usize },
    /// Announces more bytes than it sends, then closes.
    Cut { promised: usize, sent: String },
    /// Breaks off between chunks.
    CutChunks { sent: String },
    /// Closes without an answer.
    HangUp,
    /// Never answers.
    Silence,
    /// Begins a body, then sends nothing more.
    SilentBody { sent: String },
    /// Sends bytes for ever, one after the other.
    Trickle,
    /// Redirects with status 302.
    Redirect(String),
}

/// Request as received.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Act>>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    /// Number of first connections that lead nowhere any more.
    gone: AtomicUsize,
}

pub(super) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared: Arc<Shared> = Arc::default();
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let number = accepting.connections.fetch_add(1, Ordering::SeqCst);
                let serving = Arc::clone(&accepting);
                tokio::spawn(async move {
                    let service = service_fn(|request| {
                        let serving = Arc::clone(&serving);
                        async move {
                            if number < serving.gone.load(Ordering::SeqCst) {
                                return std::future::pending().await;
                            }
                            serve(serving, request).await
                        }
                    });
                    let connection = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service);
                    // A connection may end badly, as some tests intend.
                    connection.await.ok();
                });
            }
        });
        Self { port, shared }
    }

    pub(super) fn base(&self) -> String {
        format!("http://127.0.0.1:{}/v2", self.port)
    }

    pub(super) fn next(&self, act: Act) {
        self.shared.script.lock().unwrap().push_back(act);
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Cuts all existing connections silently, like a network device that forgets them: anything
    /// sent over them is lost.
    pub(super) fn forget_connections(&self) {
        self.shared.gone.store(self.connections(), Ordering::SeqCst);
    }

    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

type Body = BoxBody<Bytes, Broken>;

/// Makes hyper close the connection at once.
#[derive(Debug, thiserror::Error)]
#[error("broken on purpose")]
struct Broken;

#[expect(clippy::disallowed_methods, reason = "a server that sends slowly does so in real time")]
async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Broken> {
    shared.seen.lock().unwrap().push(Seen {
        method: request.method().to_string(),
        target: request.uri().path_and_query().unwrap().to_string(),
        headers: request.headers().clone(),
    });
    let act = shared.script.lock().unwrap().pop_front();
    let json = || Response::builder().header("content-type", "application/json");
    match act.expect("an entry of the script for each request") {
        Act::Reply(reply) => Ok(plain(reply)),
        Act::Gzip { body, cut } => {
            let (first, second) = body.as_bytes().split_at(body.len() / 3);
            let mut packed = Vec::new();
            for member in [first, second] {
                let mut encoder = GzEncoder::new(&mut packed, Compression::fast());
                encoder.write_all(member).unwrap();
                encoder.finish().unwrap();
            }
            packed.truncate(packed.len() - cut);
            Ok(json().header("content-encoding", "gzip").body(full(packed)).unwrap())
        }
        Act::Cut { promised, sent } => {
            Ok(json().header("content-length", promised).body(pieces(sent, true)).unwrap())
        }
        Act::CutChunks { sent } => Ok(json().body(pieces(sent, true)).unwrap()),
        Act::HangUp => Err(Broken),
        Act::Silence => std::future::pending().await,
        Act::SilentBody { sent } => Ok(json().body(pieces(sent, false)).unwrap()),
        Act::Trickle => {
            let drops = stream::unfold((), |()| async {
                tokio::task::yield_now().await;
                let mut timer = tokio::time::interval(std::time::Duration::from_millis(20));
                timer.tick().await;
                timer.tick().await;
                Some((Ok(Frame::data(Bytes::from_static(b" "))), ()))
            });
            Ok(json().body(BodyExt::boxed(StreamBody::new(Box::pin(drops)))).unwrap())
        }
        Act::Redirect(to) => {
            Ok(Response::builder().status(302).header("location", to).body(full("")).unwrap())
        }
    }
}

fn plain(reply: ServerReply) -> Response<Body> {
    let mut response = Response::builder().status(reply.status);
    // Hyper adds its own date if there is none.
    for (name, value) in [
        ("content-type", reply.content_type),
        ("date", reply.date),
        ("retry-after", reply.retry_after),
    ] {
        if let Some(value) = value {
            response = response.header(name, value);
        }
    }
    response.body(full(reply.body)).unwrap()
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never: Infallible| match never {}).boxed()
}

/// Sends one piece, then an error or silence.
fn pieces(sent: String, broken: bool) -> Body {
    let first = stream::iter([Ok(Frame::data(Bytes::from(sent)))]);
    if broken {
        BodyExt::boxed(StreamBody::new(stream::StreamExt::chain(
            first,
            stream::iter([Err(Broken)]),
        )))
    } else {
        BodyExt::boxed(StreamBody::new(stream::StreamExt::chain(first, stream::pending())))
    }
}
