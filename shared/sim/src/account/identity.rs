//! Harvest ID, the server that people log in at: OAuth applications, their tokens, and the accounts
//! that a token opens (Harvest API v2, "Authentication").
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /oauth2/authorize` | redirect to the application with a code; the person always agrees |
//! | `POST /api/v2/oauth2/token` | access token and refresh token for a code or a refresh token |
//! | `GET /api/v2/accounts` | the person, and the accounts of Harvest and Forecast |
//!
//! A code and a refresh token are good for one use, an access token for [`LIFETIME_SECONDS`]. Harvest
//! serves these paths at another host than the API, so none of its limits counts here.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::Account;
use crate::request::{ServerRequest, ServerResponse};
use crate::viewer::ADMINISTRATOR_TOKEN;

/// Client id of the one OAuth application.
pub const APPLICATION_ID: &str = "fake-application";
/// Client secret of that application.
pub const APPLICATION_SECRET: &str = "fake-application-secret";
/// Lifetime of an access token in seconds: 14 days, as Harvest's.
pub const LIFETIME_SECONDS: i64 = 14 * 24 * 60 * 60;

/// Codes and tokens that were given out.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityBooks {
    /// User of each code that was not used yet.
    codes: BTreeMap<String, i64>,
    /// User of each refresh token that was not used yet.
    refresh_tokens: BTreeMap<String, i64>,
    /// End of each access token that ends.
    ends: BTreeMap<String, Timestamp>,
    /// Number of codes and tokens so far, which makes each a new one.
    made: u64,
}

impl IdentityBooks {
    fn name(&mut self, kind: &str) -> String {
        self.made = self.made.wrapping_add(1);
        format!("fake-{kind}-{}", self.made)
    }

    /// Whether the access token has ended. A token of a person never ends.
    pub(crate) fn is_over(&self, token: &str, now: Timestamp) -> bool {
        self.ends.get(token).is_some_and(|end| *end <= now)
    }
}

/// Answers a request for Harvest ID; `None` for any other path.
pub(crate) fn handle(
    account: &mut Account,
    now: Timestamp,
    request: &ServerRequest,
) -> Option<ServerResponse> {
    let answered = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/oauth2/authorize") => authorize(account, request),
        ("POST", "/api/v2/oauth2/token") => grant(account, now, request),
        ("GET", "/api/v2/accounts") => accounts(account, now, request),
        _ => return None,
    };
    Some(answered.unwrap_or_else(|refusal| refusal))
}

/// Sends the browser back to the application, as if the administrator had agreed.
fn authorize(
    account: &mut Account,
    request: &ServerRequest,
) -> Result<ServerResponse, ServerResponse> {
    let wrong = |what| ServerResponse::html(400, what);
    let param = |name| request.param(name).unwrap_or_default();
    if param("client_id") != APPLICATION_ID || param("response_type") != "code" {
        return Err(wrong("The application is not known"));
    }
    let mut back = url::Url::parse(param("redirect_uri")).map_err(|_| wrong("No redirect URL"))?;
    let user = account.tokens.get(ADMINISTRATOR_TOKEN).copied().unwrap_or_default();
    let code = account.identity.name("code");
    account.identity.codes.insert(code.clone(), user);
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("scope", &format!("harvest:{}", account.id))
        .append_pair("state", param("state"));
    let mut response = ServerResponse::html(302, "Redirecting");
    response.set_header("location", back.as_str());
    Ok(response)
}

/// Gives tokens for a code or a refresh token.
fn grant(
    account: &mut Account,
    now: Timestamp,
    request: &ServerRequest,
) -> Result<ServerResponse, ServerResponse> {
    let refused = |status, error: &str| {
        ServerResponse::json(status, json!({ "error": error }).to_string().into_bytes())
    };
    let body: serde_json::Value =
        serde_json::from_slice(&request.body).map_err(|_| refused(400, "invalid_request"))?;
    let member = |name: &str| body.get(name).and_then(|text| text.as_str()).unwrap_or_default();
    if (member("client_id"), member("client_secret")) != (APPLICATION_ID, APPLICATION_SECRET) {
        return Err(refused(401, "invalid_client"));
    }
    let books = &mut account.identity;
    let user = match member("grant_type") {
        "authorization_code" => books.codes.remove(member("code")),
        "refresh_token" => books.refresh_tokens.remove(member("refresh_token")),
        _ => None,
    };
    let user = user.ok_or_else(|| refused(400, "invalid_grant"))?;
    let (access, refresh) = (books.name("access"), books.name("refresh"));
    books.refresh_tokens.insert(refresh.clone(), user);
    books.ends.insert(access.clone(), now + SignedDuration::from_secs(LIFETIME_SECONDS));
    account.tokens.insert(access.clone(), user);
    let answer = json!({
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "expires_in": LIFETIME_SECONDS,
    });
    Ok(ServerResponse::json(200, answer.to_string().into_bytes()))
}

/// Lists the accounts of the token's person. The first one is of Forecast, Harvest's other product.
fn accounts(
    account: &Account,
    now: Timestamp,
    request: &ServerRequest,
) -> Result<ServerResponse, ServerResponse> {
    let user = account.bearer(now, request).ok_or_else(ServerResponse::invalid_token)?;
    let person = account.books.users.get(user).ok_or_else(ServerResponse::invalid_token)?;
    let name = &account.books.company.name;
    let answer = json!({
        "user": {
            "id": person.id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "email": person.email,
        },
        "accounts": [
            { "id": account.id.wrapping_add(1), "name": name, "product": "forecast" },
            { "id": account.id, "name": name, "product": "harvest" },
        ],
    });
    Ok(ServerResponse::json(200, answer.to_string().into_bytes()))
}
