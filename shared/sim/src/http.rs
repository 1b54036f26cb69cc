//! HTTP face: serves the account on a port of this machine.
//!
//! It does everything that needs a socket or a clock, and decides nothing: it converts HTTP to
//! plain values and back, waits, compresses, and breaks connections as the answer's `Delivery`
//! says. HTTP/1.1 without TLS is enough, because a client's base URL is a setting.
//!
//! Requests are accepted and read by tasks, while answers are made on threads for blocking work,
//! under one lock: a page of 2000 entries takes long, and a request must count when it *arrives*.
//! Otherwise the limits would be judged by times that the server's own slowness has shifted.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::request::{DeliveryFault, ServerRequest, ServerResponse};

/// Settings of the HTTP face.
#[derive(Clone)]
pub struct HttpFace {
    /// Port of 127.0.0.1; 0 for any free one.
    pub port: u16,
    /// Delay of each answer, in addition to the time that making it takes.
    pub latency: Duration,
    /// Clock of the account, asked once for each request. Another one than the machine's lets a
    /// history end at a fixed instant, so that two processes serve the same bytes.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for HttpFace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { port, latency, now: _ } = self;
        f.debug_struct("HttpFace").field("port", port).field("latency", latency).finish()
    }
}

impl HttpFace {
    /// Returns the settings for any free port, no latency, and the clock of this machine.
    #[must_use]
    pub fn local() -> Self {
        Self { port: 0, latency: Duration::ZERO, now: Arc::new(machine_time) }
    }
}

/// HTTP face that accepts connections until this value is dropped. Connections that are open then
/// are not closed by it.
#[derive(Debug)]
pub struct RunningFace {
    /// Address on which it listens, with the real port if any free one was asked for.
    pub address: SocketAddr,
    /// Account behind the face, which a test may read and change at any time.
    pub account: Arc<Mutex<Account>>,
    accepting: JoinHandle<()>,
}

impl RunningFace {
    /// Returns the URL that takes the place of `https://api.harvestapp.com/v2`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v2", self.address)
    }

    /// Runs `action` on the account while no request is answered. A panic of an earlier holder of
    /// the lock is no reason to stop: a test that fails should show its own message, not that of
    /// the lock.
    pub fn with<T>(&self, action: impl FnOnce(&mut Account) -> T) -> T {
        action(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Serves until the process ends or the future is dropped.
    pub async fn serve_on(mut self) {
        // The task ends only when it is aborted, which dropping `self` does.
        (&mut self.accepting).await.unwrap_or_default();
    }
}

impl Drop for RunningFace {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves the account on 127.0.0.1 until the result is dropped.
///
/// # Errors
///
/// Fails if the port is taken.
pub async fn serve(account: Arc<Mutex<Account>>, face: HttpFace) -> io::Result<RunningFace> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, face.port)).await?;
    let address = listener.local_addr()?;
    let shared = account.clone();
    let accepting = tokio::spawn(async move {
        loop {
            // A connection that breaks before it is accepted concerns only its client.
            if let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, shared.clone(), face.clone()));
            }
        }
    });
    Ok(RunningFace { address, account, accepting })
}

/// Answers the requests of one connection, one after the other, until it closes or breaks.
async fn converse(stream: TcpStream, account: Arc<Mutex<Account>>, face: HttpFace) {
    // Without Nagle's algorithm, so that small answers do not wait for an acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let service = service_fn(move |request| reply(request, account.clone(), face.clone()));
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A broken connection is a fault on purpose, or concerns only its client.
    drop(served.await);
}

/// Answers one request. An error breaks the connection without an answer, which is how a dropped
/// answer is delivered.
async fn reply(
    incoming: hyper::Request<Incoming>,
    account: Arc<Mutex<Account>>,
    face: HttpFace,
) -> Result<hyper::Response<BreakableBody>, io::Error> {
    let request = read(incoming).await?;
    let zipped = request
        .header_value("accept-encoding")
        .is_some_and(|accepted| accepted.to_ascii_lowercase().contains("gzip"));
    // A request counts at the time of its arrival, not when the account is free for it.
    let arrived = (face.now)();
    // Answers can take long, so they are made on another thread, while requests still arrive here.
    let made = tokio::task::spawn_blocking(move || {
        let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
        let response = account.handle(arrived, &request);
        drop(account);
        (response.delivery, send(response, zipped))
    });
    let (delivery, answer) = made.await.map_err(io::Error::other)?;
    // The delay comes after the answer is made and the lock is free: like the latency of a network,
    // a slow answer does not hold up the others.
    let delay = face.latency + Duration::from_millis(delivery.delay_ms);
    if !delay.is_zero() {
        pause(delay).await;
    }
    match delivery.breach {
        DeliveryFault::Hung => std::future::pending().await,
        DeliveryFault::Dropped => Err(io::Error::other("dropped as asked")),
        DeliveryFault::None | DeliveryFault::CutBody => answer,
    }
}

/// Reads a whole request. Its origin is taken from the header `Host`, so that links lead to the
/// address that the client used, also behind a forwarded port.
async fn read(incoming: hyper::Request<Incoming>) -> io::Result<ServerRequest> {
    let host = incoming.headers().get("host").and_then(|host| host.to_str().ok());
    let origin = format!("http://{}", host.unwrap_or("127.0.0.1"));
    let target = incoming.uri().path_and_query().map_or("/", |target| target.as_str());
    let mut request = ServerRequest::new(incoming.method().as_str(), &origin, target);
    for (name, value) in incoming.headers() {
        let value = String::from_utf8_lossy(value.as_bytes());
        request.headers.push((name.as_str().to_owned(), value.into_owned()));
    }
    let mut body = BytesMut::new();
    let mut rest = incoming.into_body();
    while let Some(frame) =
        std::future::poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await
    {
        if let Ok(piece) = frame.map_err(io::Error::other)?.into_data() {
            body.extend_from_slice(&piece);
        }
    }
    request.body = body.freeze();
    Ok(request)
}

/// Converts an answer. Bodies of more than 512 bytes are compressed if the client accepts gzip, so
/// that clients also meet a cut in the middle of compressed data.
fn send(response: ServerResponse, zipped: bool) -> io::Result<hyper::Response<BreakableBody>> {
    let mut out = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        out = out.header(name, HeaderValue::try_from(value).map_err(io::Error::other)?);
    }
    let mut body = response.body;
    if zipped && body.len() > 512 {
        let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
        encoder.write_all(&body)?;
        body = encoder.finish()?.into();
        out = out.header(CONTENT_ENCODING, "gzip");
    }
    out = out.header(CONTENT_LENGTH, body.len());
    // `Content-Length` is set before the cut: it announces the body that a whole answer would have.
    let cut = response.delivery.breach == DeliveryFault::CutBody;
    if cut {
        body.truncate(body.len() / 2);
    }
    let end = if cut { BodyEnd::Flush } else { BodyEnd::Whole };
    out.body(BreakableBody { left: Some(body), end }).map_err(io::Error::other)
}

/// Body in one piece, after which the connection may break although more bytes were announced.
#[derive(Debug)]
struct BreakableBody {
    /// Bytes that are not sent yet.
    left: Option<Bytes>,
    end: BodyEnd,
}

/// Event after the last byte of a body.
#[derive(Clone, Copy, Debug)]
enum BodyEnd {
    /// End as announced.
    Whole,
    /// Pause of one turn, in which hyper sends the bytes, and then the break. Without it hyper
    /// would see the error before it has written anything, and the client would get no part of the
    /// answer.
    Flush,
    /// Break of the connection.
    Break,
}

impl Body for BreakableBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(left) = self.left.take().filter(|left| !left.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(left))));
        }
        match self.end {
            BodyEnd::Whole => Poll::Ready(None),
            BodyEnd::Flush => {
                self.end = BodyEnd::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            BodyEnd::Break => Poll::Ready(Some(Err(io::Error::other("cut as asked")))),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the HTTP face is where simulated time ends")]
fn machine_time() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "slow answers are what was asked for")]
async fn pause(delay: Duration) {
    tokio::time::sleep(delay).await;
}
