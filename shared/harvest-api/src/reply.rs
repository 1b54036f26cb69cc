//! Replies of the server and their meaning. Pure, so that the scripted implementation judges them
//! as the real one does.
//!
//! | status | content type | outcome |
//! | --- | --- | --- |
//! | 200 | JSON | answer, if the body is UTF-8; otherwise `Malformed` |
//! | 200 | other | `Malformed`: a login page of a proxy is no empty list |
//! | 400, 422 | any | `Invalid` |
//! | 401, 403, 404 | any | `Unauthorized`, `Forbidden`, `NotFound` |
//! | 408 | any | `TimedOut` |
//! | 429 | any | `RateLimited`, with `Retry-After` if that is readable |
//! | 5xx | any | `Server` |
//! | other, also redirects and 201 | any | `Unexpected` |
//!
//! An answer in JSON comes from Harvest's own application; servers in front of it answer in HTML.
//! So an error records whether it was JSON (`ApiError::is_from_harvest`), and only a JSON body is
//! searched for a message.

use core::fmt;
use std::time::SystemTime;

use engine::printable::printable;
use engine::retry::RequestFailure;
use engine::time::{SignedDuration, Timestamp, between};
use serde::Deserialize;

use crate::{ApiAnswer, ApiError};

/// Maximum number of characters of Harvest's message that are shown.
const LONGEST_MESSAGE: usize = 200;

/// Reply as received: status, relevant headers, and decompressed body.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerReply {
    /// HTTP status.
    pub status: u16,
    /// Value of `Content-Type`.
    pub content_type: Option<String>,
    /// Value of `Date`.
    pub date: Option<String>,
    /// Value of `Retry-After`.
    pub retry_after: Option<String>,
    /// Body, decompressed. That of a failure may be cut.
    pub body: Vec<u8>,
}

impl ServerReply {
    /// Reply with status 200 and JSON, without a date.
    #[must_use]
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, "application/json; charset=utf-8", body)
    }

    /// Reply with any status and content type.
    #[must_use]
    pub fn status(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let content_type = Some(content_type.to_owned());
        Self { status, content_type, date: None, retry_after: None, body: body.into() }
    }

    /// Adds the server's time `at`, cut to seconds.
    #[must_use]
    pub fn dated(mut self, at: Timestamp) -> Self {
        self.date = Some(httpdate::fmt_http_date(SystemTime::from(at)));
        self
    }

    /// Adds a `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, value: &str) -> Self {
        self.retry_after = Some(value.to_owned());
        self
    }

    /// Whether the content type is JSON.
    pub(crate) fn is_json(&self) -> bool {
        let essence = self.content_type.as_deref().unwrap_or_default().split(';').next();
        let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json"))
    }

    /// Returns the answer, or the error. `request` is shown in the error.
    pub(crate) fn judge(self, request: &str) -> Result<ApiAnswer, ApiError> {
        let error = |failure| ApiError::new(failure, request).answered_in_json(self.is_json());
        if self.status != 200 {
            let failed = error(self.failure());
            return Err(match self.message() {
                Some(message) => failed.with_detail(&format!("Harvest says \"{message}\"")),
                None => failed,
            });
        }
        if !self.is_json() {
            let kind = self.content_type.as_deref().unwrap_or("missing");
            let kind: String = printable(kind).chars().take(LONGEST_MESSAGE).collect();
            return Err(
                error(RequestFailure::Malformed).with_detail(&format!("content type {kind}"))
            );
        }
        let date = self.date.as_deref().and_then(http_date);
        match String::from_utf8(self.body) {
            Ok(body) => Ok(ApiAnswer { body, room: None, date }),
            Err(source) => Err(ApiError::new(RequestFailure::Malformed, request)
                .answered_in_json(true)
                .with_detail("it is not UTF-8")
                .with_cause(&source.utf8_error())),
        }
    }

    /// Failure that a status other than 200 means.
    fn failure(&self) -> RequestFailure {
        match self.status {
            400 | 422 => RequestFailure::Invalid(self.status),
            401 => RequestFailure::Unauthorized,
            403 => RequestFailure::Forbidden,
            404 => RequestFailure::NotFound,
            408 => RequestFailure::TimedOut,
            429 => RequestFailure::RateLimited { retry_after: self.wait() },
            500..=599 => RequestFailure::Server(self.status),
            other => RequestFailure::Unexpected(other),
        }
    }

    /// Value of `Retry-After`, in seconds or as a date. A date counts from the answer's own `Date`,
    /// because the clock of this machine may differ. Examples: `15` is 15 s; a date 20 s after
    /// `Date` is 20 s, a past one 0 s; a date without a `Date` is unreadable.
    fn wait(&self) -> Option<SignedDuration> {
        let value = self.retry_after.as_deref()?.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number with too many digits still means a very long wait.
            return Some(SignedDuration::from_secs(
                value.parse::<u32>().unwrap_or(u32::MAX).into(),
            ));
        }
        let until = http_date(value)?;
        let sent = self.date.as_deref().and_then(http_date)?;
        Some(between(sent, until).max(SignedDuration::ZERO))
    }

    /// Harvest's error message, taken from JSON only. A page in HTML is long, and not Harvest's.
    fn message(&self) -> Option<String> {
        if !self.is_json() {
            return None;
        }
        let said: ErrorMembers = serde_json::from_slice(&self.body).ok()?;
        let text =
            [said.message, said.error_description, said.error].into_iter().flatten().next()?;
        let text: String = printable(&text).chars().take(LONGEST_MESSAGE).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl fmt::Debug for ServerReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerReply")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Members with the text of Harvest's errors, best first. Harvest spells them in several ways:
/// `{"message": ...}`, and `{"error": ..., "error_description": ...}` for tokens (OAuth 2.0).
#[derive(Deserialize)]
struct ErrorMembers {
    #[serde(default, deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    error_description: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    error: Option<String>,
}

/// Text; any other value counts as missing.
fn lenient<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(value.as_str().map(ToOwned::to_owned))
}

/// Instant of a date as HTTP spells it: `Mon, 23 Nov 2026 06:15:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    let at = httpdate::parse_http_date(text).ok()?;
    Timestamp::try_from(at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(reply: ServerReply) -> ApiError {
        reply.judge("GET /x").unwrap_err()
    }

    #[test]
    fn retry_after_comes_in_seconds_or_as_a_date() {
        let secs = SignedDuration::from_secs;
        let check = |value: &str, date: Option<&str>, wait| {
            let mut reply = ServerReply::status(429, "text/html", "x").retry_after(value);
            reply.date = date.map(ToOwned::to_owned);
            assert_eq!(reply.wait(), wait, "{value}");
        };
        let date = Some("Mon, 23 Nov 2026 06:15:00 GMT");
        check("15", None, Some(secs(15)));
        check(" 0 ", None, Some(secs(0)));
        check("99999999999999999999", None, Some(secs(i64::from(u32::MAX))));
        check("Mon, 23 Nov 2026 06:15:20 GMT", date, Some(secs(20)));
        check("Mon, 23 Nov 2026 06:14:20 GMT", date, Some(secs(0)));
        check("Mon, 23 Nov 2026 06:15:20 GMT", None, None);
        check("Mon, 23 Nov 2026 06:15:20 GMT", Some("noon"), None);
        for unreadable in ["", "-1", "1.5", "soon", "15 s"] {
            check(unreadable, date, None);
        }
    }

    #[test]
    fn content_types_of_json() {
        let check =
            |kind: &str, is| assert_eq!(ServerReply::status(200, kind, "").is_json(), is, "{kind}");
        check("application/json", true);
        check("application/json;charset=utf-8", true);
        check("Application/JSON ; charset=UTF-8", true);
        check("application/problem+json", true);
        check("text/html", false);
        check("text/json-like", false);
        check("application/jsonp", false);
        check("", false);
    }

    #[test]
    fn harvests_words_are_shown_short_and_harmless() {
        let said = |body: &str| {
            judged(ServerReply::status(422, "application/json", body))
                .detail()
                .map(ToOwned::to_owned)
        };
        assert_eq!(
            said(r#"{"message":"Per page is\ntoo large"}"#).unwrap(),
            "Harvest says \"Per page is too large\""
        );
        assert_eq!(
            said(r#"{"error":"invalid_token","error_description":"Gone"}"#).unwrap(),
            "Harvest says \"Gone\""
        );
        assert_eq!(
            said(r#"{"status":404,"error":"Not Found"}"#).unwrap(),
            "Harvest says \"Not Found\""
        );
        assert_eq!(said(r#"{"message":{"a":1},"error":7}"#), None);
        assert_eq!(said("[1]"), None);
        assert_eq!(said("{"), None);
        assert!(said(&format!(r#"{{"message":"{}"}}"#, "ä".repeat(5_000))).unwrap().len() < 500);
        let html = judged(ServerReply::status(422, "text/html", r#"{"message":"x"}"#));
        assert_eq!(html.detail(), None);
    }

    #[test]
    fn errors_name_the_request_and_what_to_do() {
        let text = |reply: ServerReply| judged(reply).to_string();
        assert_eq!(
            text(ServerReply::status(403, "application/json", r#"{"message":"Not authorized!"}"#)),
            "GET /x: this token may not read this (403): Harvest says \"Not authorized!\"; \
             use an administrator's token, or leave the stream out with `--exclude`"
        );
        assert_eq!(
            text(ServerReply::status(302, "text/html", "")),
            "GET /x: the server redirects (302), which is not followed; check the base URL"
        );
        assert_eq!(
            text(ServerReply::status(200, "text/html", "<html>")),
            "GET /x: the answer is not the JSON that was asked for: content type text/html; \
             nothing was taken from it; see whether a proxy or a login page answers instead"
        );
    }
}
