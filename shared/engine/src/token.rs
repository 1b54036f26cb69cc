//! Tokens as the state keeps them, and the versions of the secret that they come from.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Version of the secret: an id given by the vault, no part of the secret itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretVersion(pub String);

/// An access token as the account item keeps it for the workers. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessToken(String);

impl AccessToken {
    /// Returns the token with this text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns its text, for the header that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// The access token that an OAuth application has now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthItem {
    /// The token.
    pub access_token: AccessToken,
    /// Instant until which Harvest accepts it.
    pub expires_at: Timestamp,
    /// Time at which it was made, by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Timestamp>,
}

/// A token that Harvest refused (401).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedToken {
    /// Time of the first refusal.
    pub since: Timestamp,
    /// Time of the last try.
    pub probed_at: Timestamp,
    /// Version of the secret that it came from; `None`: the operator gave it.
    pub version: Option<SecretVersion>,
}
