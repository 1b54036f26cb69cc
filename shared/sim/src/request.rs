//! Requests and responses as plain values, so that a test needs no socket.

use bytes::Bytes;

/// Request as the server receives it.
#[derive(Clone, Debug)]
pub struct ServerRequest {
    /// Method: `GET`, for the control face also `POST` and `DELETE`.
    pub method: String,
    /// Scheme, host and port that the client used, such as `http://127.0.0.1:8080`, with which
    /// links start.
    pub origin: String,
    /// The path, `/v2` included.
    pub path: String,
    /// Decoded query parameters in order.
    pub query: Vec<(String, String)>,
    /// Headers; names in any case.
    pub headers: Vec<(String, String)>,
    /// The body; only the control face reads it.
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

    /// The value of a header.
    #[must_use]
    pub fn header_value(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a query parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Returns path and query as one text, for matching.
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

/// Answer, and its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers without `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The whole body, not compressed.
    pub body: Bytes,
    /// Delay and faults of the delivery.
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
    /// None: the answer arrives whole.
    #[default]
    None,
    /// `Content-Length` is that of the whole body, but the connection closes after half of it.
    CutBody,
    /// The connection closes without an answer.
    Dropped,
    /// The answer never comes.
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

    /// Returns an HTML page, like those of proxies.
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

    /// Returns a refusal with one sentence.
    pub(crate) fn message(status: u16, message: &str) -> Self {
        let text = serde_json::json!({ "message": message }).to_string();
        Self::json(status, text.into_bytes())
    }

    /// Returns the answer for an id that does not exist.
    pub(crate) fn not_found() -> Self {
        Self::json(404, br#"{"status":404,"error":"Not Found"}"#.to_vec())
    }

    /// Returns the answer for a wrong token or account.
    pub(crate) fn invalid_token() -> Self {
        let text = br#"{"error":"invalid_token","error_description":"The access token provided is expired, revoked, malformed or invalid for other reasons."}"#;
        Self::json(401, text.to_vec())
    }

    /// The value of a header.
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

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Returns a refusal in the shape that Harvest gives this status.
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
