//! Logins of this machine: what `harvest-lake login` leaves for later commands, a file for each
//! account.
//!
//! A file has the text that a deployment keeps in its secret. That of an OAuth application also has
//! its access token, which this vault makes: a process that needs a token and finds none that lasts
//! asks Harvest for one and stores it, under a lock, because a refresh token may be good for one use.
//! The order is that of a deployment: Harvest answers, the new refresh token is stored, and only
//! then the access token is used. The place of the new one is `reserved` before Harvest is asked.

mod reserved;
mod stored;

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use engine::ids::AccountId;
use engine::time::{SignedDuration, Timestamp, plus};
use engine::token::SecretVersion;
use harvest_api::{Token, TokenEndpoint};
use runtime::clock::Clock;
use runtime::credentials::{SecretText, Vault, VaultError};

use reserved::{LoginUnwritable, ReservedFile};
use stored::{NextToken, StoredLogin, TokenLife};

/// Parts of a login's file name, before and after the account.
const NAME: (&str, &str) = ("account-", ".json");

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

    /// Error of a folder that takes no new login, told before Harvest is asked for one.
    fn unwritable(&self, source: io::Error) -> VaultError {
        let source = LoginUnwritable { folder: self.folder().to_owned(), source };
        VaultError::Failed { name: self.name(), source: Box::new(source) }
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

    /// Replaces the file by `reserved`, for its owner alone; durable on return.
    fn store(&self, reserved: ReservedFile, login: &mut StoredLogin) -> Result<(), VaultError> {
        login.written = login.written.wrapping_add(1);
        let text = serde_json::to_string_pretty(login).map_err(|error| self.failed(error))?;
        reserved.replace(&self.file, &text).map_err(|error| self.failed(error))
    }

    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    /// Waits for the lock beside the file, and makes the folder where it is missing. The lock ends
    /// with the returned value, or with the process.
    async fn locked(&self) -> io::Result<File> {
        let (folder, lock) = (self.folder().to_owned(), self.file.with_extension("lock"));
        let locked = tokio::task::spawn_blocking(move || {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let file = File::options().create(true).truncate(false).write(true).open(lock)?;
            file.lock()?;
            Ok(file)
        });
        locked.await.map_err(io::Error::other).flatten()
    }

    /// Has a new access token made if the stored one does not last, and stores it.
    async fn renew(&self) -> Result<StoredLogin, VaultError> {
        let locked = self.locked().await;
        // Read anew: another process may have been here meanwhile.
        let mut login = self.load()?;
        let now = self.clock.now();
        let NextToken::Made(id, secret, refresh) = login.next(now) else {
            return Ok(login);
        };
        let reserved = locked.and_then(|lock| Ok((lock, ReservedFile::beside(&self.file)?)));
        let (_lock, reserved) = match reserved {
            Ok(reserved) => reserved,
            Err(error) if login.lasts(now) => {
                tracing::warn!(%error, "no place for a new access token; the old one still lasts");
                return Ok(login);
            }
            Err(error) => return Err(self.unwritable(error)),
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
        self.store(reserved, &mut login)?;
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
        let _lock = self.locked().await.map_err(|error| self.failed(error))?;
        let reserved = ReservedFile::beside(&self.file).map_err(|error| self.failed(error))?;
        let written = self.load().map_or(0, |former| former.written);
        self.store(reserved, &mut StoredLogin { lasts: None, written, ..given })
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
        let _lock = self.locked().await.map_err(|error| self.unwritable(error))?;
        let mut login = self.load()?;
        if login.is_to_be_replaced(token, self.clock.now()) {
            login.access_token = None;
            let reserved = ReservedFile::beside(&self.file);
            self.store(reserved.map_err(|error| self.unwritable(error))?, &mut login)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
