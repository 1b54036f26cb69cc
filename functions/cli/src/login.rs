//! `harvest-lake login`: finds a person's account at Harvest, and stores what later commands, or the
//! functions of a stack, need to read it.
//!
//! | credentials | come from | stored |
//! | --- | --- | --- |
//! | personal access token | pasted, not shown | the token |
//! | OAuth application | browser, which comes back to this machine | client and refresh token |
//!
//! Nothing is stored before Harvest has said whose token it is and which accounts it opens. Secrets
//! are no arguments, because other users of the machine see these.

mod browser;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deployment::cloud::CloudClients;
use deployment::config::{self, ConfigError, GivenSettings, SettingName};
use deployment::login::{LoginVault, login_file};
use engine::ids::AccountId;
use harvest_api::{
    ApiError, BaseUrl, HarvestId, OAuthApplication, OpenAccount, Token, TokenHolder,
};
use runtime::clock::SystemClock;
use runtime::credentials::{OAuthSecret, Vault};
use serde_json::json;

use crate::arguments::LoginArguments;
use crate::ask;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::login_error::LoginError;
use crate::said::CommandAnswer;

/// Credentials that a person gave, and the token with which Harvest is asked about them.
struct GivenCredentials {
    token: Token,
    /// Text to be stored.
    stored: StoredCredentials,
}

/// Credentials as they are stored.
enum StoredCredentials {
    Personal(String),
    Application(OAuthSecret),
}

impl StoredCredentials {
    /// Text for a vault, with the key of hashes that stood there before, or a new one.
    fn text(self, hash_key: Option<String>) -> String {
        match self {
            Self::Personal(token) => match hash_key {
                Some(key) => json!({ "access_token": token, "hash_key": key }),
                None => json!({ "access_token": token }),
            },
            Self::Application(secret) => json!(OAuthSecret { hash_key, ..secret }),
        }
        .to_string()
    }
}

/// Place where credentials are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LoginPlace {
    Folder(PathBuf),
    Parameter { name: String, key: Option<String> },
    Secret(String),
}

impl LoginPlace {
    fn of(arguments: &LoginArguments, given: &GivenSettings) -> Result<Self, LoginError> {
        if let Some(name) = arguments.parameter.clone() {
            return Ok(Self::Parameter { name, key: arguments.key.clone() });
        }
        if let Some(arn) = arguments.secret.clone() {
            return Ok(Self::Secret(arn));
        }
        given
            .get(SettingName::LOGIN_FOLDER)
            .map(|folder| Self::Folder(Path::new(folder).to_owned()))
            .ok_or(LoginError::NoFolder)
    }

    /// Kind and name for the answer.
    fn told(&self, account: AccountId) -> (&'static str, String) {
        match self {
            Self::Folder(folder) => ("file", login_file(folder, account).display().to_string()),
            Self::Parameter { name, .. } => ("parameter", name.clone()),
            Self::Secret(arn) => ("secret", arn.clone()),
        }
    }

    async fn vault(
        &self,
        account: AccountId,
        server: Arc<HarvestId>,
    ) -> Result<Arc<dyn Vault>, ConfigError> {
        let cloud = CloudClients::from_environment();
        match self {
            Self::Folder(folder) => {
                let file = login_file(folder, account);
                Ok(Arc::new(LoginVault::new(file, server, Arc::new(SystemClock))))
            }
            Self::Parameter { name, key } => cloud.parameter(name, key.clone()).await,
            Self::Secret(arn) => cloud.secret(arn).await,
        }
    }
}

/// Logs in.
///
/// # Errors
/// Fails if a setting is wrong, nothing is given, Harvest does not accept it, the account is not
/// clear, or the place cannot be written.
pub(crate) async fn login(
    arguments: &LoginArguments,
    mut given: GivenSettings,
) -> Result<CommandAnswer, CliError> {
    arguments.settings.give(&mut given);
    given.check()?;
    let place = LoginPlace::of(arguments, &given)?;
    let wanted = config::account(&given)?;
    let server = Arc::new(server(&given)?);
    let credentials = match &arguments.oauth {
        Some(id) => application(arguments, id, &server).await?,
        None => personal()?,
    };
    let holder = server.holder(&credentials.token).await;
    let holder = holder.map_err(|source| refused("the token", source))?;
    let account = chosen(&holder, wanted, ask::account)?;
    let vault = place.vault(account.id, Arc::clone(&server)).await?;
    let store = |source| LoginError::Store { source };
    let hash_key = match given.get(SettingName::HASH_KEY) {
        Some(given) => Some(given.to_owned()),
        None => vault.hash_key().await.map_err(store)?,
    };
    let renewable = matches!(credentials.stored, StoredCredentials::Application(_));
    vault.write(&credentials.stored.text(hash_key)).await.map_err(store)?;
    Ok(said(&holder, &account, &place, renewable))
}

/// Returns the server of logins that the settings name.
fn server(given: &GivenSettings) -> Result<HarvestId, CliError> {
    let base: BaseUrl =
        given.get(SettingName::BASE_URL).unwrap_or_default().parse().map_err(ConfigError::Api)?;
    let contact = given.get(SettingName::CONTACT).unwrap_or_default();
    Ok(HarvestId::new(&base, contact).map_err(LoginError::Setup)?)
}

/// Asks Harvest whose token it is, and chooses the account: that of the settings, the only one, or
/// the one that the person names.
///
/// # Errors
/// Fails if Harvest does not accept the token, or the account is not clear.
pub(crate) async fn account_of(
    given: &GivenSettings,
    token: &Token,
) -> Result<(TokenHolder, OpenAccount), CliError> {
    let wanted = config::account(given)?;
    let holder = server(given)?.holder(token).await;
    let holder = holder.map_err(|source| refused("the token", source))?;
    let account = chosen(&holder, wanted, ask::account)?;
    Ok((holder, account))
}

/// Error of a question to Harvest, in which `what` was sent.
fn refused(what: &'static str, source: ApiError) -> LoginError {
    let source = Box::new(source);
    if source.is_refused_token() {
        LoginError::Refused { what, source }
    } else {
        LoginError::Api { source }
    }
}

/// Asks for a personal access token.
fn personal() -> Result<GivenCredentials, LoginError> {
    let text = ask::token()?;
    Ok(GivenCredentials { token: Token::new(&text)?, stored: StoredCredentials::Personal(text) })
}

/// Lets a person log in by browser.
async fn application(
    arguments: &LoginArguments,
    id: &str,
    server: &HarvestId,
) -> Result<GivenCredentials, LoginError> {
    let secret = ask::hidden("Client secret of the application (it is not shown): ", "the secret")?;
    let redirect = format!("http://localhost:{}/", arguments.port);
    let application = OAuthApplication { id: id.to_owned(), secret, redirect };
    let code = if arguments.no_browser {
        browser::elsewhere(&application, server)?
    } else {
        browser::here(&application, server, arguments.port).await?
    };
    let grant = server.exchange(&application, &code).await;
    let grant = grant.map_err(|source| refused("the application", source))?;
    let stored = StoredCredentials::Application(OAuthSecret {
        client_id: application.id,
        client_secret: application.secret,
        refresh_token: grant.refresh_token.ok_or(LoginError::NoRefreshToken)?,
        hash_key: None,
    });
    Ok(GivenCredentials { token: Token::new(&grant.access_token)?, stored })
}

/// Chooses the account: the one that was asked for, the only one, or the one that the person names.
fn chosen(
    holder: &TokenHolder,
    wanted: Option<AccountId>,
    ask: impl FnOnce(&[OpenAccount]) -> Result<Option<AccountId>, LoginError>,
) -> Result<OpenAccount, LoginError> {
    let TokenHolder { person, accounts: open } = holder;
    let wanted = match (wanted, open.as_slice()) {
        (_, []) => return Err(LoginError::NoAccount { person: person.clone() }),
        (Some(wanted), _) => wanted,
        (None, [only]) => only.id,
        (None, several) => {
            ask(several)?.ok_or_else(|| LoginError::WhichAccount { open: open.clone() })?
        }
    };
    let found = open.iter().find(|account| account.id == wanted).cloned();
    found.ok_or_else(|| LoginError::OtherAccount { wanted: wanted.0, open: open.clone() })
}

/// Puts the login into words.
fn said(
    holder: &TokenHolder,
    account: &OpenAccount,
    place: &LoginPlace,
    renewable: bool,
) -> CommandAnswer {
    let (kind, name) = place.told(account.id);
    let json = json!({
        "account_id": account.id.0,
        "account": account.name,
        "person": holder.person,
        "renewable": renewable,
        "stored": { "kind": kind, "name": name },
    });
    let next = match place {
        LoginPlace::Folder(_) => "harvest-lake check",
        LoginPlace::Parameter { .. } | LoginPlace::Secret(_) => {
            "nothing: the next tick of the stack finds it, within a minute"
        }
    };
    let text = format!(
        "logged in  {}, account {} ({})\nstored     {name}\nnext       {next}\n",
        holder.person, account.id.0, account.name
    );
    CommandAnswer::new(text, json, CliExit::Done)
}
