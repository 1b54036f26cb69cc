//! Client of an API: headers, TLS, and what holds for every connection.

use core::time::Duration;
use std::sync::Arc;

use engine::retry::RequestFailure;
use reqwest::Client;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use rustls::{ClientConfig, RootCertStore};

use super::TransferLimits;
use crate::error::SetupError;
use crate::{ApiCredentials, ApiError, BaseUrl, Token};

/// Time that an idle connection is kept. It exceeds the longest window of the budget, so a due
/// request finds an open connection and is not delayed by a handshake. Does not help after the
/// process stood still.
const KEPT_OPEN: Duration = Duration::from_mins(20);
/// Interval of the pings that reveal a lost connection.
const PING: Duration = Duration::from_secs(30);

/// Client without any connection. TLS sessions are resumed, which spares the server's certificates
/// and their check.
pub(super) fn client(
    base: &BaseUrl,
    tuning: TransferLimits,
    tls: &ClientConfig,
    headers: &HeaderMap,
) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .default_headers(headers.clone())
        .https_only(!base.is_plain())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .pool_idle_timeout(KEPT_OPEN)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(tuning.connect)
        .http2_keep_alive_while_idle(true)
        .connect_timeout(tuning.connect)
        .read_timeout(tuning.silence)
        .timeout(tuning.total);
    // A proxy of the environment cannot reach this machine's own loopback address.
    if base.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// Headers of every request: account, contact, and the encodings that are understood.
pub(super) fn headers(
    credentials: &ApiCredentials,
    contact: &str,
) -> Result<HeaderMap, SetupError> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(
        HeaderName::from_static("harvest-account-id"),
        HeaderValue::from(credentials.account.0),
    );
    headers.insert(USER_AGENT, user_agent(contact)?);
    Ok(headers)
}

/// Value of the `User-Agent` header, with a contact.
pub(crate) fn user_agent(contact: &str) -> Result<HeaderValue, SetupError> {
    let contact = contact.trim();
    let agent = format!("harvest-lake/{} ({contact})", env!("CARGO_PKG_VERSION"));
    let plain = !contact.is_empty() && contact.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let agent = plain.then(|| HeaderValue::from_str(&agent).ok()).flatten();
    agent.ok_or_else(|| SetupError::Contact(contact.escape_debug().to_string()))
}

/// Value of the `Authorization` header, marked as sensitive so that the HTTP library does not log
/// it.
pub(crate) fn bearer(token: &Token) -> Result<HeaderValue, ApiError> {
    // All characters of a token are allowed in a header.
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
        .map_err(|_| ApiError::new(RequestFailure::Unauthorized, "the token"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

/// TLS configuration with the roots that browsers trust, compiled in. Loading those of the
/// operating system takes milliseconds at each start.
///
/// # Errors
/// When TLS does not start.
pub fn trusted_roots() -> Result<ClientConfig, SetupError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|source| SetupError::Tls(Box::new(source)))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
