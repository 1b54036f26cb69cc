//! Login by browser: the person lets the application in at Harvest, and the browser comes back with a
//! code (RFC 6749, section 4.1; RFC 8252 for programs without a server).
//!
//! The browser comes back to a port of this machine, on which only this machine can reach us. Another
//! page may send the browser there as well, so only an address with the state of this login counts.

use core::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use engine::time::{SignedDuration, plus};
use harvest_api::{HarvestId, OAuthApplication};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use runtime::clock::{Clock as _, SystemClock};
use runtime::random::SharedRandom;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::ask;
use crate::login_error::LoginError;

/// Time for the person to log in: ten minutes.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// Meaning of an address to which the browser was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BrowserReturn {
    /// The code.
    Code(String),
    /// Harvest's reason for giving none.
    Denied(String),
    /// Nothing about this login: a symbol of the page, or another page's doing.
    Foreign,
}

impl BrowserReturn {
    /// Reads the query of an address.
    pub(super) fn of(query: &str, state: &str) -> Self {
        let pairs = || url::form_urlencoded::parse(query.as_bytes());
        let value = |name: &str| {
            let found = pairs().find(|(given, _)| given == name);
            found.map(|(_, value)| value.into_owned())
        };
        if value("state").as_deref() != Some(state) {
            return Self::Foreign;
        }
        match (value("code").filter(|code| !code.is_empty()), value("error")) {
            (Some(code), _) => Self::Code(code),
            (None, Some(error)) => {
                Self::Denied(error.chars().filter(|c| !c.is_control()).take(200).collect())
            }
            (None, None) => Self::Foreign,
        }
    }

    fn code(self, application: &OAuthApplication) -> Result<String, LoginError> {
        match self {
            Self::Code(code) => Ok(code),
            Self::Denied(why) => Err(LoginError::Denied { why }),
            Self::Foreign => Err(LoginError::Address { redirect: application.redirect.clone() }),
        }
    }

    /// Status and sentence for the person who looks at the browser.
    const fn shown(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Code(_) => (StatusCode::OK, "You may close this window."),
            Self::Denied(_) => (StatusCode::FORBIDDEN, "Harvest did not let the application in."),
            Self::Foreign => (StatusCode::NOT_FOUND, "This is nothing of harvest-lake."),
        }
    }
}

/// Opens the browser of this machine, and waits until it comes back.
///
/// # Errors
/// Where the port is taken, Harvest lets nobody in, or the time is over.
pub(super) async fn here(
    application: &OAuthApplication,
    server: &HarvestId,
    port: u16,
) -> Result<String, LoginError> {
    let taken = |source| LoginError::Port { port, source };
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(taken)?;
    // A browser may take `localhost` for this address. Not every machine has it.
    let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await.ok();
    let state = state();
    let address = server.authorization(application, &state).to_string();
    tell(&format!("The browser opens Harvest. If it does not, open this address:\n  {address}\n"));
    // A browser of the terminal would be waited for.
    drop(tokio::task::spawn_blocking(move || webbrowser::open(&address)));
    let (found, mut back) = mpsc::channel(1);
    let until = plus(SystemClock.now(), PATIENCE);
    loop {
        let connection = tokio::select! {
            back = back.recv() => {
                return back.unwrap_or(BrowserReturn::Foreign).code(application);
            }
            accepted = first.accept() => accepted,
            accepted = next(second.as_ref()) => accepted,
            () = SystemClock.sleep_until(until) => {
                return Err(LoginError::TooLate { minutes: PATIENCE.as_mins() });
            }
        };
        // A connection that breaks before it is accepted concerns only the browser.
        if let Ok((connection, _)) = connection {
            tokio::spawn(converse(connection, state.clone(), found.clone()));
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> io::Result<(TcpStream, std::net::SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => core::future::pending().await,
    }
}

/// Answers the requests of one connection, and tells what came back once the answer is sent.
async fn converse(connection: TcpStream, state: String, found: mpsc::Sender<BrowserReturn>) {
    let (tell_back, mut told) = mpsc::channel(1);
    let service = service_fn(move |request: Request<Incoming>| {
        let back = BrowserReturn::of(request.uri().query().unwrap_or_default(), &state);
        let answer = page(&back);
        if back != BrowserReturn::Foreign {
            // Of several on one connection the first one counts.
            tell_back.try_send(back).ok();
        }
        async { Ok::<_, Infallible>(answer) }
    });
    let mut server = hyper::server::conn::http1::Builder::new();
    // A broken connection concerns only the browser.
    server.keep_alive(false).serve_connection(TokioIo::new(connection), service).await.ok();
    if let Some(back) = told.recv().await {
        found.send(back).await.ok();
    }
}

fn page(back: &BrowserReturn) -> Response<Full<Bytes>> {
    let (status, sentence) = back.shown();
    let text = format!("<!DOCTYPE html><title>harvest-lake</title><p>{sentence}</p>\n");
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}

/// Asks for the address at which a browser of another machine ended.
///
/// # Errors
/// Where nothing is given, or another address.
pub(super) fn elsewhere(
    application: &OAuthApplication,
    server: &HarvestId,
) -> Result<String, LoginError> {
    let state = state();
    let address = server.authorization(application, &state);
    tell(&format!(
        "Open this address, and let the application in. The browser then ends at an address that \
         begins with {}, which it may not find:\n  {address}\n",
        application.redirect
    ));
    let ended = ask::shown("Address at which it ended: ", "the address")?;
    let query = ended.split_once('?').map_or("", |(_, query)| query);
    BrowserReturn::of(query, &state).code(application)
}

/// State that nobody can guess: 128 random bits.
fn state() -> String {
    let random = SharedRandom::from_system();
    format!("{:016x}{:016x}", random.next(), random.next())
}

/// Tells the person. Standard output has the answer alone.
fn tell(what: &str) {
    use std::io::Write as _;
    // Without it the person sees nothing, and the wait ends by itself.
    write!(io::stderr(), "{what}").ok();
}
