//! The token: its place, and the account that follows from it.

use std::path::Path;

use engine::ids::AccountId;
use harvest_api::Token;

use super::TokenPlace;
use super::error::ConfigError;
use super::file::without_mark;
use super::given::GivenSettings;
use super::setting::SettingName;
use crate::access::others_may_read;
use crate::login::{logged_in, login_file};

/// Returns the place of the token: the first that is given; `None`: none is.
pub(super) fn token(given: &GivenSettings) -> Result<Option<TokenPlace>, ConfigError> {
    if let Some(path) = given.get(SettingName::TOKEN_FILE) {
        if others_may_read(Path::new(path)) {
            tracing::warn!(
                "other users of this machine may read the token file `{path}`: `chmod 600` it"
            );
        }
        return token_file(Path::new(path)).map(|token| Some(TokenPlace::Given(token)));
    }
    let setting = SettingName::TOKEN;
    if let Some(text) = given.get(setting) {
        let unusable = |error: harvest_api::SetupError| {
            let why = error.to_string();
            given.placed(setting, ConfigError::Invalid { setting, why })
        };
        return Ok(Some(TokenPlace::Given(Token::new(text).map_err(unusable)?)));
    }
    if let Some(name) = given.get(SettingName::PARAMETER) {
        return Ok(Some(TokenPlace::Parameter(name.to_owned())));
    }
    Ok(given.get(SettingName::SECRET).map(|arn| TokenPlace::Secret(arn.to_owned())))
}

/// Reads the token in a file.
///
/// # Errors
/// Where the file cannot be read, or holds no token.
pub fn token_file(path: &Path) -> Result<Token, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::TokenFile { path: path.to_owned(), source })?;
    Token::new(without_mark(&text)).map_err(|error| ConfigError::InFile {
        place: path.display().to_string(),
        why: error.to_string(),
    })
}

/// Returns the login for `account`; `None`: there is none.
pub(super) fn login(given: &GivenSettings, account: AccountId) -> Option<TokenPlace> {
    let file = login_file(Path::new(given.get(SettingName::LOGIN_FOLDER)?), account);
    file.exists().then_some(TokenPlace::Login(file))
}

/// Returns the account of the only login. It says nothing about a token from elsewhere.
pub(super) fn only_login(given: &GivenSettings) -> Result<AccountId, ConfigError> {
    if token(given)?.is_some() {
        return Err(ConfigError::NoAccount);
    }
    let logins = given.get(SettingName::LOGIN_FOLDER).map(|folder| logged_in(Path::new(folder)));
    match logins.unwrap_or_default().as_slice() {
        [] => Err(ConfigError::NothingSet),
        [account] => Ok(*account),
        several => Err(ConfigError::WhichLogin { accounts: several.to_vec() }),
    }
}
