//! Logins of this machine: what `harvest-lake login` leaves for later commands, a file for each
//! account.
//!
//! A file has the text that a deployment keeps in its secret. That of an OAuth application also has
//! its access token, which this vault makes: a process that needs a token and finds none that lasts
//! asks Harvest for one and stores it, under a lock, because a refresh token may be good for one use.
//! The order is that of a deployment: Harvest answers, the new refresh token is stored, and only
//! then the access token is used.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::account::RENEWED_BEFORE;
use engine::ids::AccountId;
use engine::time::{SignedDuration, Timestamp, between, plus};
use engine::token::SecretVersion;
use harvest_api::{Token, TokenEndpoint};
use runtime::clock::Clock;
use runtime::credentials::{SecretText, Vault, VaultError};
use serde::{Deserialize, Serialize};

/// Parts of a login's file name, before and after the account.
const NAME: (&str, &str) = ("account-", ".json");
/// Age up to which a refused access token is not replaced: one minute. Harvest then refuses something
/// else, such as the account.
const YOUNG: SignedDuration = SignedDuration::from_mins(1);

/// File of the login for `account` in `folder`.
#[must_use]
pub fn login_file(folder: &Path, account: AccountId) -> PathBuf {
    let (before, after) = NAME;
    folder.join(format!("{before}{}{after}", account.0))
}

/// Accounts that have a login in `folder`, in the order of their ids; none where it cannot be read.
#[must_use]
pub fn logged_in(folder: &Path) -> Vec<AccountId> {
    let (before, after) = NAME;
    let account = |entry: io::Result<std::fs::DirEntry>| {
        let name = entry.ok()?.file_name();
        let id = name.to_str()?.strip_prefix(before)?.strip_suffix(after)?;
        id.parse().ok().filter(|id| *id > 0).map(AccountId)
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut accounts: Vec<AccountId> = entries.filter_map(account).collect();
    accounts.sort_unstable();
    accounts
}

/// Vault of a login in a file of this machine. Its text never has a refresh token: it is that of an
/// access token.
#[derive(Debug)]
pub struct LoginVault {
    file: PathBuf,
    endpoint: Arc<dyn TokenEndpoint>,
    clock: Arc<dyn Clock>,
}

/// Content of the file.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct StoredLogin {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// Time at which the access token was made, and its end; of an application's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    lasts: Option<TokenLife>,
    /// Number of times that the file was written.
    written: u64,
}

/// Lifetime of an access token, by the clock of this machine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
struct TokenLife {
    made_at: Timestamp,
    expires_at: Timestamp,
}

/// Way to a token.
#[derive(Debug, PartialEq, Eq)]
enum NextToken<'l> {
    /// Use the one that is stored, if any.
    Stored,
    /// Have one made with client id, client secret and refresh token.
    Made(&'l str, &'l str, &'l str),
}

impl StoredLogin {
    /// Parses the text; `None` if it is no login. A list would be read as the members in their order.
    fn parse(text: &str) -> Option<Self> {
        // The parser's own message could quote what it read.
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
    }

    /// Client id, client secret and refresh token of an application.
    fn application(&self) -> Option<(&str, &str, &str)> {
        let id = self.client_id.as_deref()?;
        Some((id, self.client_secret.as_deref()?, self.refresh_token.as_deref()?))
    }

    /// Decides by the time that is left, as a deployment does.
    fn next(&self, now: Timestamp) -> NextToken<'_> {
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
    fn lasts(&self, now: Timestamp) -> bool {
        self.access_token.is_some() && self.lasts.is_some_and(|life| now < life.expires_at)
    }

    /// Whether another access token is to be made because Harvest refused this one.
    fn is_to_be_replaced(&self, refused: &Token, now: Timestamp) -> bool {
        let stored = self.access_token.as_deref().and_then(|text| Token::new(text).ok());
        let old = self.lasts.is_some_and(|life| between(life.made_at, now).abs() >= YOUNG);
        self.application().is_some() && old && stored.as_ref() == Some(refused)
    }

    /// Text as a secret has it: access token and key of the hashes.
    fn text(&self) -> String {
        let members = [("access_token", &self.access_token), ("hash_key", &self.hash_key)];
        let given = members.into_iter().filter_map(|(name, value)| {
            value.as_ref().map(|value| (name.to_owned(), value.clone().into()))
        });
        serde_json::Value::Object(given.collect()).to_string()
    }
}

impl LoginVault {
    /// Returns the vault of this file. Reads nothing yet.
    #[must_use]
    pub fn new(file: PathBuf, endpoint: Arc<dyn TokenEndpoint>, clock: Arc<dyn Clock>) -> Self {
        Self { file, endpoint, clock }
    }

    fn name(&self) -> String {
        self.file.display().to_string()
    }

    fn failed(&self, source: impl Into<io::Error>) -> VaultError {
        VaultError::LoginFile { file: self.name(), source: source.into() }
    }

    /// Reads the file; `None` where there is none.
    fn found(&self) -> Result<Option<StoredLogin>, VaultError> {
        let text = match std::fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let no_login = || self.failed(io::Error::new(ErrorKind::InvalidData, "it is no login"));
        StoredLogin::parse(&text).map(Some).ok_or_else(no_login)
    }

    /// Like [`Self::found`], but empty where there is none.
    fn load(&self) -> Result<StoredLogin, VaultError> {
        Ok(self.found()?.unwrap_or_default())
    }

    /// Replaces the file, for its owner alone; durable on return.
    fn store(&self, login: &mut StoredLogin) -> Result<(), VaultError> {
        login.written = login.written.wrapping_add(1);
        let text = serde_json::to_string_pretty(login).map_err(|error| self.failed(error))?;
        let folder = self.folder();
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&self.file).map_err(|error| error.error)?;
            File::open(folder)?.sync_all()
        };
        write().map_err(|error| self.failed(error))
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    /// Waits for the lock beside the file, and makes the folder where it is missing. The lock ends
    /// with the returned value, or with the process.
    async fn locked(&self) -> Result<File, VaultError> {
        let (folder, lock) = (self.folder().to_owned(), self.file.with_extension("lock"));
        let locked = tokio::task::spawn_blocking(move || {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let file = File::options().create(true).truncate(false).write(true).open(lock)?;
            file.lock()?;
            Ok(file)
        });
        locked.await.map_err(io::Error::other).flatten().map_err(|error| self.failed(error))
    }

    /// Has a new access token made if the stored one does not last, and stores it.
    async fn renew(&self) -> Result<StoredLogin, VaultError> {
        let _lock = self.locked().await?;
        // Read anew: another process may have been here meanwhile.
        let mut login = self.load()?;
        let now = self.clock.now();
        let NextToken::Made(id, secret, refresh) = login.next(now) else {
            return Ok(login);
        };
        let grant = match self.endpoint.refresh(id, secret, refresh).await {
            Ok(grant) => grant,
            Err(error) if login.lasts(now) && !error.is_refused_token() => {
                tracing::warn!(%error, "no new access token yet; the old one still lasts");
                return Ok(login);
            }
            Err(source) => {
                let source = Box::new(source);
                return Err(VaultError::LoginRefresh { file: self.name(), source });
            }
        };
        let lifetime = SignedDuration::from_secs(grant.expires_in_seconds);
        login.access_token = Some(grant.access_token);
        login.refresh_token = grant.refresh_token.or(login.refresh_token);
        login.lasts = Some(TokenLife { made_at: now, expires_at: plus(now, lifetime) });
        self.store(&mut login)?;
        Ok(login)
    }
}

#[async_trait]
impl Vault for LoginVault {
    async fn read(&self) -> Result<SecretText, VaultError> {
        let Some(mut login) = self.found()? else {
            return Ok(SecretText { text: String::new(), version: SecretVersion::default() });
        };
        if login.next(self.clock.now()) != NextToken::Stored {
            login = self.renew().await?;
        }
        let version = match std::fs::metadata(&self.file).and_then(|found| found.modified()) {
            // A file that was deleted and made again begins to count anew.
            Ok(modified) => {
                let at = Timestamp::try_from(modified).unwrap_or_default();
                format!("{} {at}", login.written)
            }
            Err(_) => String::new(),
        };
        Ok(SecretText { text: login.text(), version: SecretVersion(version) })
    }

    async fn write(&self, text: &str) -> Result<(), VaultError> {
        let given = StoredLogin::parse(text).ok_or(VaultError::Malformed)?;
        let _lock = self.locked().await?;
        let written = self.load().map_or(0, |former| former.written);
        self.store(&mut StoredLogin { lasts: None, written, ..given })
    }

    /// Unlike [`Self::read`] without a request: the former refresh token may be of no use any more,
    /// and its key must not be lost with it. A text that is no login has no key.
    async fn hash_key(&self) -> Result<Option<String>, VaultError> {
        match self.found() {
            Ok(found) => Ok(found.and_then(|login| login.hash_key)),
            Err(VaultError::LoginFile { source, .. })
                if source.kind() == ErrorKind::InvalidData =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn refused(&self, token: &Token) -> Result<(), VaultError> {
        if !self.load()?.is_to_be_replaced(token, self.clock.now()) {
            return Ok(());
        }
        let _lock = self.locked().await?;
        let mut login = self.load()?;
        if login.is_to_be_replaced(token, self.clock.now()) {
            login.access_token = None;
            self.store(&mut login)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
