//! Content of the secret, parsed from its text.

use core::fmt;

use decode::HashKey;
use harvest_api::Token;
use serde::{Deserialize, Serialize};

use super::vault::VaultError;
use crate::settings::ShortKey;

/// Credentials in the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretCredentials {
    /// No credentials yet: the operator has to put a token there.
    Empty,
    /// A personal access token.
    Token(Token),
    /// Credentials of an OAuth application, from which access tokens are made.
    OAuth(OAuthSecret),
}

/// Client and refresh token of an OAuth application. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct OAuthSecret {
    /// Id of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Token from which the next access token is made.
    pub refresh_token: String,
    /// Key of the hashes, which stays when the next refresh token is stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<String>,
}

impl fmt::Debug for OAuthSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuthSecret(…)")
    }
}

/// The parsed secret: credentials and the key of the hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretContent {
    /// Credentials of requests.
    pub token: SecretCredentials,
    /// Key of the hashes; `None`: there is none.
    pub hash_key: Option<Result<HashKey, ShortKey>>,
}

/// Members of the secret's JSON. Unknown members are refused: a misspelt `hash_key` would otherwise
/// be taken for none.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SecretMembers {
    access_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
    hash_key: Option<String>,
}

impl SecretContent {
    /// Parses `{"access_token"}`, or `{"client_id", "client_secret", "refresh_token"}`, each
    /// optionally with a `hash_key`. An empty text, `{}` and empty members hold no credentials yet.
    ///
    /// # Errors
    /// Fails if the text has any other form. The error never shows the text.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self { token: SecretCredentials::Empty, hash_key: None });
        }
        if !text.starts_with('{') {
            return Err(VaultError::Malformed);
        }
        // The parser's own message could quote what it read.
        let members: SecretMembers =
            serde_json::from_str(text).map_err(|_| VaultError::Malformed)?;
        let is_there = |text: &String| !text.trim().is_empty();
        let hash_key = members.hash_key.filter(is_there);
        let parsed = hash_key.as_deref().map(crate::settings::hash_key);
        let application = (members.client_id, members.client_secret, members.refresh_token);
        let token = match (members.access_token, application) {
            (Some(token), (None, None, None)) if is_there(&token) => {
                SecretCredentials::Token(Token::new(&token).map_err(|_| VaultError::Malformed)?)
            }
            (Some(_) | None, (None, None, None)) => SecretCredentials::Empty,
            (None, (Some(client_id), Some(client_secret), Some(refresh_token))) => {
                if is_there(&refresh_token) {
                    SecretCredentials::OAuth(OAuthSecret {
                        client_id,
                        client_secret,
                        refresh_token,
                        hash_key,
                    })
                } else {
                    SecretCredentials::Empty
                }
            }
            (Some(_) | None, _) => return Err(VaultError::Malformed),
        };
        Ok(Self { token, hash_key: parsed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key of many letters";

    #[test]
    fn a_key_of_hashes_stands_beside_any_token_or_none() {
        let application = r#""client_id": "i", "client_secret": "s", "refresh_token": "r""#;
        for (token, members) in [
            ("none", ""),
            ("none", r#""access_token": "","#),
            ("token", r#""access_token": "a.b","#),
            ("application", &format!("{application},")),
        ] {
            let text = format!("{{{members} \"hash_key\": \" {KEY}\\n\"}}");
            let content = SecretContent::parse(&text).unwrap();
            let found = match &content.token {
                SecretCredentials::Empty => "none",
                SecretCredentials::Token(_) => "token",
                SecretCredentials::OAuth(_) => "application",
            };
            assert_eq!(found, token, "{members}");
            // The same key as from a variable, which white space around it does not change.
            assert_eq!(content.hash_key, Some(crate::settings::hash_key(KEY)), "{members}");
            assert!(!format!("{content:?}").contains(KEY));
        }
    }

    #[test]
    fn no_key_and_one_that_is_too_short_are_told_apart() {
        for text in ["", "{}", r#"{"access_token": "a.b"}"#, r#"{"hash_key": " "}"#] {
            assert_eq!(SecretContent::parse(text).unwrap().hash_key, None, "{text}");
        }
        let short =
            SecretContent::parse(r#"{"access_token": "a.b", "hash_key": "short"}"#).unwrap();
        assert!(matches!(short.token, SecretCredentials::Token(_)));
        let why = short.hash_key.unwrap().unwrap_err().to_string();
        assert!(why.contains("16") && !why.contains("short key"), "{why}");
    }

    #[test]
    fn what_is_no_secret_is_refused_without_showing_it() {
        for text in [
            "hush",
            r#"{"access_token": "hush", "refresh_token": "hush"}"#,
            r#"{"client_id": "hush", "client_secret": "hush"}"#,
            r#"{"access_token": "hush hush"}"#,
            r#"{"access_token": "hush", "hash_key": 12345678901234567890}"#,
            r#"{"access_token": "hush", "hashkey": "hush"}"#,
            r#"{"access_token": "hush""#,
        ] {
            let refused = SecretContent::parse(text).unwrap_err();
            assert!(matches!(refused, VaultError::Malformed), "{text}");
            assert!(!format!("{refused} {refused:?}").contains("hush"));
        }
    }
}
