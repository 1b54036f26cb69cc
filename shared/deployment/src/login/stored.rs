//! Content of a login's file, and the decision whether another access token is to be made.

use engine::account::RENEWED_BEFORE;
use engine::time::{SignedDuration, Timestamp, between};
use harvest_api::Token;
use serde::{Deserialize, Serialize};

/// Age up to which a refused access token is not replaced: one minute. Harvest then refuses something
/// else, such as the account.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);

/// Content of the file.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct StoredLogin {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    /// Time at which the access token was made, and its end; of an application's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lasts: Option<TokenLife>,
    /// Number of times that the file was written.
    pub(super) written: u64,
}

/// Lifetime of an access token, by the clock of this machine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(super) struct TokenLife {
    pub(super) made_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Way to a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextToken<'l> {
    /// Use the one that is stored, if any.
    Stored,
    /// Have one made with client id, client secret and refresh token.
    Made(&'l str, &'l str, &'l str),
}

impl StoredLogin {
    /// Parses the text; `None` if it is no login. A list would be read as the members in their order.
    pub(super) fn parse(text: &str) -> Option<Self> {
        // The parser's own message could quote what it read.
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
    }

    /// Client id, client secret and refresh token of an application.
    fn application(&self) -> Option<(&str, &str, &str)> {
        let id = self.client_id.as_deref()?;
        Some((id, self.client_secret.as_deref()?, self.refresh_token.as_deref()?))
    }

    /// Decides by the time that is left, as a deployment does.
    pub(super) fn next(&self, now: Timestamp) -> NextToken<'_> {
        let Some((id, secret, refresh)) = self.application() else {
            return NextToken::Stored;
        };
        match (&self.access_token, self.lasts) {
            (Some(_), Some(life)) if between(now, life.expires_at) >= RENEWED_BEFORE => {
                NextToken::Stored
            }
            _ => NextToken::Made(id, secret, refresh),
        }
    }

    /// Whether the stored access token still lasts at `now`.
    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        self.access_token.is_some() && self.lasts.is_some_and(|life| now < life.expires_at)
    }

    /// Whether another access token is to be made because Harvest refused this one.
    pub(super) fn is_to_be_replaced(&self, refused: &Token, now: Timestamp) -> bool {
        let stored = self.access_token.as_deref().and_then(|text| Token::new(text).ok());
        let old = self.lasts.is_some_and(|life| between(life.made_at, now).abs() >= YOUNG);
        self.application().is_some() && old && stored.as_ref() == Some(refused)
    }

    /// Text as a secret has it: access token and key of the hashes.
    pub(super) fn text(&self) -> String {
        let members = [("access_token", &self.access_token), ("hash_key", &self.hash_key)];
        let given = members.into_iter().filter_map(|(name, value)| {
            value.as_ref().map(|value| (name.to_owned(), value.clone().into()))
        });
        serde_json::Value::Object(given.collect()).to_string()
    }
}
