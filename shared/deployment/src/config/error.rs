//! Errors of settings, which say what to write instead.

use std::path::PathBuf;

use engine::ids::AccountId;
use harvest_api::SetupError;
use streams::UnknownStream;

use super::setting::SettingName;

/// Reason for which the settings cannot be used. Never contains the token.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The account is not set.
    #[error(
        "which Harvest account? `harvest-lake login` finds it; or give `--account-id`, or set \
         `HARVEST_ACCOUNT_ID` (the number is on id.getharvest.com/developers)"
    )]
    NoAccount,
    /// Neither the account nor a token is set, and there is no login.
    #[error(
        "which Harvest account, and with which token? `harvest-lake init` asks for what it needs; or \
         give `--account-id` (`HARVEST_ACCOUNT_ID`), and set `HARVEST_ACCESS_TOKEN` (both are on \
         id.getharvest.com/developers)"
    )]
    NothingSet,
    /// The account is not set, and there are several logins.
    #[error(
        "which Harvest account? You are logged in to {}: give one as `--account-id`, or set \
         `HARVEST_ACCOUNT_ID`",
        list(accounts)
    )]
    WhichLogin {
        /// Accounts with a login.
        accounts: Vec<AccountId>,
    },
    /// The token is not set.
    #[error(
        "no access token for this account: run `harvest-lake login`, set \
         `HARVEST_ACCESS_TOKEN`, or name a file that holds it with `--token-file` (tokens are made \
         on id.getharvest.com/developers)"
    )]
    NoToken,
    /// The token's file cannot be read.
    #[error("the token file `{}` cannot be read", path.display())]
    TokenFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of settings or secrets cannot be read.
    #[error("the file `{}` cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of settings has a mistake.
    #[error("{place}: {why}")]
    InFile {
        /// The file, and the line where it is known.
        place: String,
        /// The mistake, and what to write instead.
        why: String,
    },
    /// A value is empty.
    #[error("{setting} is empty: give it a value, or leave it out (`unset` the variable)")]
    Empty {
        /// The setting.
        setting: SettingName,
    },
    /// A value has the wrong form.
    #[error("{setting}: {why}")]
    Invalid {
        /// The setting.
        setting: SettingName,
        /// The fault, and what to write instead.
        why: String,
    },
    /// There is no such stream.
    #[error("{setting}: {source}")]
    Stream {
        /// The setting.
        setting: SettingName,
        /// The unknown name.
        source: UnknownStream,
    },
    /// Members are to be hashed, but there is no key.
    #[error(
        "members are to be hashed (`HARVEST_HASH_FIELDS`), but there is no key: set \
         `HARVEST_HASH_KEY` to at least 16 random characters (where the token comes from a \
         secret, `HARVEST_SECRET_ARN`, its member `hash_key` will do), and keep it: with another \
         key the same text has another hash"
    )]
    NoHashKey,
    /// The state of a lake in a bucket is not set.
    #[error(
        "the lake {lake} needs a state that all its users share: give `--state dynamodb://table`, \
         or set `HARVEST_STATE` (the stack's output `State`)"
    )]
    NoState {
        /// The lake.
        lake: String,
    },
    /// The orchestrator's worker is not set.
    #[error("no worker: set `HARVEST_WORKER` to the name of the function that works on one stream")]
    NoWorker,
    /// This build has no clients of AWS.
    #[error(
        "{what} is in AWS, and this build of harvest-lake leaves AWS out: build it with `cargo \
         install --locked --path functions/cli`, or name places on this machine"
    )]
    NoAws {
        /// The place in AWS.
        what: String,
    },
    /// A variable is not UTF-8.
    #[error("the variable `{variable}` is no text")]
    NoText {
        /// Its name.
        variable: &'static str,
    },
    /// The connection to Harvest cannot be set up with these settings.
    #[error(transparent)]
    Api(#[from] SetupError),
}

/// Ids with commas between.
fn list(accounts: &[AccountId]) -> String {
    accounts.iter().map(|account| account.0.to_string()).collect::<Vec<_>>().join(", ")
}
