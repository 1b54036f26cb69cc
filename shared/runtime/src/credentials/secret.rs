//! What the secret's text means.

use core::fmt;

use harvest_api::Token;
use serde::{Deserialize, Serialize};

use super::vault::VaultError;

/// What the secret holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Nothing yet: somebody has to put a token there.
    Empty,
    /// A personal access token.
    Token(Token),
    /// An OAuth application's, from which access tokens are made.
    OAuth(OAuthSecret),
}

/// Client and refresh token of an OAuth application. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuthSecret {
    /// Id of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// What the next access token is made from.
    pub refresh_token: String,
}

impl fmt::Debug for OAuthSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuthSecret(…)")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Personal {
    access_token: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Personal(Personal),
    OAuth(OAuthSecret),
}

impl Secret {
    /// Reads `{"access_token"}`, or `{"client_id", "client_secret", "refresh_token"}`. Nothing, `{}`
    /// and empty members are nothing yet.
    ///
    /// # Errors
    /// Where it is something else. The error never shows it.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim();
        if text.is_empty() || text == "{}" {
            return Ok(Self::Empty);
        }
        if !text.starts_with('{') {
            return Err(VaultError::Malformed);
        }
        // The parser's own message could quote what it read.
        match serde_json::from_str(text).map_err(|_| VaultError::Malformed)? {
            Document::Personal(personal) if personal.access_token.trim().is_empty() => {
                Ok(Self::Empty)
            }
            Document::Personal(personal) => Token::new(&personal.access_token)
                .map(Self::Token)
                .map_err(|_| VaultError::Malformed),
            Document::OAuth(oauth) if oauth.refresh_token.trim().is_empty() => Ok(Self::Empty),
            Document::OAuth(oauth) => Ok(Self::OAuth(oauth)),
        }
    }
}
