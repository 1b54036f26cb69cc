//! Access token and account.
//!
//! Harvest takes them as the headers `Authorization: Bearer <token>` and `Harvest-Account-ID`
//! (Harvest API v2, "Authentication"). A token of a person may open several accounts.

use core::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use engine::ids::AccountId;

use crate::error::SetupError;

/// An access token, hidden in `Debug` and in messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Token as given by the operator, without surrounding white space.
    ///
    /// # Errors
    /// When it is empty or cannot be part of a header.
    pub fn new(text: &str) -> Result<Self, SetupError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SetupError::Token("it is empty"));
        }
        // Also refuses line breaks, which would begin another header.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SetupError::Token("it contains a character that no token has"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Text of the token, for the one header that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Shared cell with the current token, which may be replaced while requests are sent. A token of an
/// OAuth application is renewed during a long run; requests under way keep the old one.
#[derive(Clone, Debug, Default)]
pub struct TokenCell(Arc<RwLock<Option<Token>>>);

impl TokenCell {
    /// Cell that holds `token`.
    #[must_use]
    pub fn new(token: Token) -> Self {
        Self(Arc::new(RwLock::new(Some(token))))
    }

    /// Current token; `None` if there is none yet.
    #[must_use]
    pub fn get(&self) -> Option<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the token for all requests sent from now on. With `None` they fail unsent.
    pub fn set(&self, token: Option<Token>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// Identity of the requests: a token, and the account to read with it.
#[derive(Clone, Debug)]
pub struct ApiCredentials {
    /// The Harvest account.
    pub account: AccountId,
    /// Token of a person or an application.
    pub token: TokenCell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows() {
        let token = Token::new(" 1234.pt.secret\n").unwrap();
        assert_eq!(token.reveal(), "1234.pt.secret");
        let credentials =
            ApiCredentials { account: AccountId(7), token: TokenCell::new(token.clone()) };
        let shown = format!("{token} {token:?} {credentials:?} {credentials:#?}");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_showing_it() {
        for text in ["", "  \n", "a b", "a\r\nX: y", "täken"] {
            let error = Token::new(text).unwrap_err().to_string();
            assert!(text.trim().is_empty() || !error.contains(text), "{error}");
        }
    }
}
