//! Requests and responses as plain values, so that a test needs no socket.
//!
//! A test in simulated time calls `Account::handle` with a `ServerRequest` and reads the
//! `ServerResponse`; the HTTP face converts both from and to HTTP. A response therefore also says
//! how it is delivered (late, cut, dropped, never): the face does it, and a test without sockets
//! reads `Delivery` and acts as if it had happened.
//!
//! Harvest has no common shape of errors, and the fake has the recorded one of each status:
//!
//! | status | body |
//! | --- | --- |
//! | 400, 422 | `{"message":"…"}` |
//! | 401 | `{"error":"invalid_token","error_description":"…"}` |
//! | 403 | `{"message":"Not authorized!"}` |
//! | 404 for an unknown id | `{"status":404,"error":"Not Found"}` |
//! | 404 for an unknown path, 429, 5xx | an HTML page |

use bytes::Bytes;

/// Request as the server receives it.
#[derive(Clone, Debug)]
pub struct ServerRequest {
    /// Method: `GET`, for the control face also `POST` and `DELETE`.
    pub method: String,
    /// Scheme, host and port that the client used, such as `http://127.0.0.1:8080`, with which
    /// links start.
    ///
    /// Links of a page must lead back to the server that the client asked, not to
    /// `api.harvestapp.com`: a client refuses links to any other origin, because they would carry
    /// its token elsewhere.
    pub origin: String,
    /// Path, `/v2` included.
    pub path: String,
    /// Query parameters, decoded, in the order of the URL. If a name occurs twice, the first value
    /// counts.
    pub query: Vec<(String, String)>,
    /// Headers; names in any case.
    pub headers: Vec<(String, String)>,
    /// Body, which only the control face reads.
    pub body: Bytes,
}

impl ServerRequest {
    /// Returns a request for `target`, a path with an optional encoded query, without headers.
    #[must_use]
    pub fn new(method: &str, origin: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = url::form_urlencoded::parse(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self {
            method: method.to_owned(),
            origin: origin.to_owned(),
            path: path.to_owned(),
            query,
            headers: Vec::new(),
            body: Bytes::new(),
        }
    }

    /// Returns the request with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the value of a header; `None` if there is none of this name.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the first value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Returns path and query as one text, which the patterns of fault rules are compared with.
    ///
    /// The query is encoded anew, so that a pattern matches regardless of how a client encodes: a
    /// space is always `+`, a colon always `%3A`.
    #[must_use]
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }
}

/// Answer as the account makes it, and the way in which it is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers without `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// Whole body, not compressed.
    pub body: Bytes,
    /// Delay and fault of the delivery, which only the HTTP face can carry out.
    pub delivery: Delivery,
}

/// Delivery of an answer to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Delay before the first byte, in milliseconds.
    pub delay_ms: u64,
    /// Fault of the delivery.
    pub breach: DeliveryFault,
}

/// Fault of the delivery of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryFault {
    /// Delivery without a fault: the whole answer arrives.
    #[default]
    None,
    /// Break of the connection after half of the body, although `Content-Length` announces the
    /// whole body. A client must not take the half for an answer.
    CutBody,
    /// Break of the connection before the first byte of the answer. A client cannot know whether
    /// the server has seen the request.
    Dropped,
    /// Silence for ever, while the connection stays open. Only a client with a time limit goes on.
    Hung,
}

impl ServerResponse {
    /// Returns a JSON answer.
    pub(crate) fn json(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![header("content-type", "application/json; charset=utf-8")],
            body: body.into(),
            delivery: Delivery::default(),
        }
    }

    /// Returns an HTML page. Harvest sends one for 429 and for malformed paths, and the proxies in
    /// front of it for 5xx, so a client must look at the content type before it parses a body as
    /// JSON.
    pub(crate) fn html(status: u16, title: &str) -> Self {
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><title>{title}</title></head>\n\
             <body><h1>{title}</h1></body>\n</html>\n"
        );
        Self {
            status,
            headers: vec![header("content-type", "text/html; charset=utf-8")],
            body: body.into(),
            delivery: Delivery::default(),
        }
    }

    /// Returns a refusal as Harvest writes it for 400, 403 and 422: an object with one sentence.
    pub(crate) fn message(status: u16, message: &str) -> Self {
        let text = serde_json::json!({ "message": message }).to_string();
        Self::json(status, text.into_bytes())
    }

    /// Returns the answer for an id that does not exist. Its body differs from all other refusals,
    /// and a client may take it for proof of a deletion; a proxy's 404 has another body.
    pub(crate) fn not_found() -> Self {
        Self::json(404, br#"{"status":404,"error":"Not Found"}"#.to_vec())
    }

    /// Returns the answer for a wrong token, and also for an account that the token does not belong
    /// to: a client cannot distinguish the two.
    pub(crate) fn invalid_token() -> Self {
        let text = br#"{"error":"invalid_token","error_description":"The access token provided is expired, revoked, malformed or invalid for other reasons."}"#;
        Self::json(401, text.to_vec())
    }

    /// Returns the value of a header; `None` if there is none of this name.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Sets a header, and removes any other of the same name.
    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
        self.headers.push(header(name, value));
    }
}

/// Returns a header with owned texts.
fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Returns a refusal in the shape that Harvest gives this status; with `html` an HTML page instead,
/// as a proxy in front of Harvest would send.
pub(crate) fn refusal(status: u16, html: bool) -> ServerResponse {
    match status {
        _ if html => ServerResponse::html(status, &format!("Error {status}")),
        401 => ServerResponse::invalid_token(),
        403 => ServerResponse::message(403, "Not authorized!"),
        404 => ServerResponse::not_found(),
        400 | 422 => ServerResponse::message(status, "This request makes no sense"),
        429 => ServerResponse::html(429, "429 Too Many Requests"),
        _ => ServerResponse::html(status, &format!("Error {status}")),
    }
}
