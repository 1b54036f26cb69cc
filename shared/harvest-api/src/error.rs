//! Errors of requests, with text for people and a [`RequestFailure`] for the engine.

use core::fmt;
use std::error::Error;

use engine::retry::RequestFailure;

/// Reason why a request gave no usable answer. Never contains the token.
///
/// The text for people consists of the request, the failure, a detail, the first cause in brackets, and
/// advice. It is whole: there is no `source` that would be told after the advice.
///
/// ```text
/// GET /v2/clients?page=2: this token may not read this (403): Harvest says "Not authorized!";
/// use an administrator's token, or leave the stream out with `--exclude`
/// ```
#[derive(Debug)]
pub struct ApiError {
    failure: RequestFailure,
    request: String,
    detail: Option<String>,
    /// Whether the answer was JSON.
    from_harvest: bool,
    /// Advice in place of that for every request.
    advice: Option<String>,
    /// Status of the answer, where it tells more than the failure.
    status: Option<u16>,
}

impl ApiError {
    /// Whether the token was refused or is missing.
    #[must_use]
    pub fn is_refused_token(&self) -> bool {
        *self.failure() == RequestFailure::Unauthorized
    }

    /// Error of `request`, which is shown as given and must contain no cursors or tokens.
    #[must_use]
    pub fn new(failure: RequestFailure, request: impl Into<String>) -> Self {
        let request = request.into();
        Self { failure, request, detail: None, from_harvest: false, advice: None, status: None }
    }

    /// Adds a detail. It goes into logs, so control characters must be replaced first.
    #[must_use]
    pub fn with_detail(mut self, detail: &str) -> Self {
        self.detail = Some(detail.to_owned());
        self
    }

    /// Adds the first cause of `error` to the detail. What lies between, such as the layers of an HTTP
    /// library, says nothing to people.
    #[must_use]
    pub fn with_cause(mut self, error: &dyn Error) -> Self {
        let mut first = error;
        while let Some(cause) = first.source() {
            first = cause;
        }
        let detail = self.detail.map(|detail| detail + " ").unwrap_or_default();
        self.detail = Some(format!("{detail}({first})"));
        self
    }

    /// Replaces the advice by that of a caller, who knows more.
    #[must_use]
    pub fn with_advice(mut self, advice: String) -> Self {
        self.advice = Some(advice);
        self
    }

    /// Records the status of a refusal that is none of a token for an account.
    #[must_use]
    pub(crate) const fn refused_with(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Records whether the answer was JSON, which shows that Harvest's application wrote it and not
    /// a server in front of it.
    #[must_use]
    pub(crate) fn answered_in_json(mut self, json: bool) -> Self {
        self.from_harvest = json;
        self
    }

    /// Removes `secret` from the detail, in case the server repeated it.
    #[must_use]
    pub(crate) fn without(mut self, secret: &str) -> Self {
        self.detail = self.detail.map(|detail| detail.replace(secret, "…"));
        self
    }

    /// Failure that decides the next step.
    #[must_use]
    pub const fn failure(&self) -> &RequestFailure {
        &self.failure
    }

    /// Whether Harvest's application itself answered (in JSON). A 404 page in HTML, from a proxy or
    /// for a malformed path, proves nothing about a record; only a 404 of Harvest's own proves that
    /// the record is gone.
    #[must_use]
    pub const fn is_from_harvest(&self) -> bool {
        self.from_harvest
    }

    /// Request: method, path and harmless parameters.
    #[must_use]
    pub fn request(&self) -> &str {
        &self.request
    }

    /// Message of Harvest, or another detail; shortened.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failure, request, detail, advice: own, status, .. } = self;
        write!(f, "{request}: ")?;
        match failure {
            RequestFailure::TimedOut => f.write_str("no whole answer arrived in time")?,
            RequestFailure::Server(status) => write!(f, "the server failed with status {status}")?,
            RequestFailure::RateLimited { .. } => f.write_str("the rate limit is used up (429)")?,
            RequestFailure::Malformed => {
                f.write_str("the answer is not the JSON that was asked for")?;
            }
            RequestFailure::TooLarge => f.write_str("the answer is too large to be taken in")?,
            RequestFailure::Unauthorized => match status {
                Some(status) => write!(f, "the request was refused ({status})")?,
                None => f.write_str("the token is not accepted for this account (401)")?,
            },
            RequestFailure::Forbidden => f.write_str("this token may not read this (403)")?,
            RequestFailure::NotFound => f.write_str("there is no such thing (404)")?,
            RequestFailure::Invalid(status) => write!(f, "the request was refused ({status})")?,
            RequestFailure::Unreachable => f.write_str("no connection")?,
            RequestFailure::Unexpected(status) if (300..400).contains(status) => {
                write!(f, "the server redirects ({status}), which is not followed")?;
            }
            RequestFailure::Unexpected(status) => write!(f, "unexpected status {status}")?,
            RequestFailure::ForeignLink => {
                f.write_str("it leads out of the base URL and is not sent")?;
            }
        }
        if let Some(detail) = detail {
            // The sentence goes on: `no connection to ...`.
            let goes_on = detail.starts_with("to ") || detail.starts_with('(');
            write!(f, "{} {detail}", if goes_on { "" } else { ":" })?;
        }
        let advice = own.as_deref().or_else(|| advice(failure));
        advice.map_or(Ok(()), |advice| write!(f, "; {advice}"))
    }
}

impl Error for ApiError {}

/// Advice for a person; `None` where none would help.
const fn advice(failure: &RequestFailure) -> Option<&'static str> {
    match failure {
        RequestFailure::TimedOut | RequestFailure::Server(_) => {
            Some("run again later, nothing is lost")
        }
        RequestFailure::RateLimited { .. } => {
            Some("others use this account's limit too: wait, or lower the budget percent")
        }
        RequestFailure::Malformed => {
            Some("nothing was taken from it; see whether a proxy or a login page answers instead")
        }
        RequestFailure::TooLarge => {
            Some("fewer records were asked for, down to one: shorten that record in Harvest")
        }
        RequestFailure::Unauthorized => Some(
            "make a new token on id.getharvest.com/developers, and compare the account id beside it",
        ),
        RequestFailure::Forbidden => {
            Some("use an administrator's token, or leave the stream out with `--exclude`")
        }
        RequestFailure::Unreachable => Some("check the network and the base URL"),
        RequestFailure::Unexpected(_) => Some("check the base URL"),
        RequestFailure::NotFound | RequestFailure::Invalid(_) | RequestFailure::ForeignLink => None,
    }
}

/// Reasons why no connection to Harvest can be set up: a setting is wrong.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The URL is unsuitable for sending a token.
    #[error("`{url}` cannot be the base URL: {why}")]
    BaseUrl {
        /// The URL without credentials and query.
        url: String,
        /// Reason, with advice.
        why: &'static str,
    },
    /// The token is invalid.
    #[error("the access token cannot be used: {0}")]
    Token(&'static str),
    /// The contact is unsuitable for the User-Agent header.
    #[error("the contact `{0}` cannot be part of a header: use an address or URL in plain ASCII")]
    Contact(String),
    /// The HTTP or TLS layer did not start.
    #[error("HTTPS could not be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}
