//! Why a setting cannot be used, and what to write instead.

use std::path::PathBuf;

use harvest_api::SetupError;

use super::given::Setting;
use super::names::UnknownStream;

/// Why the settings cannot be used. Never contains the token.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nobody said which account.
    #[error(
        "which Harvest account? Give `--account-id`, or set `HARVEST_ACCOUNT_ID` (the number is \
         on id.getharvest.com/developers)"
    )]
    NoAccount,
    /// Nobody said with which token.
    #[error(
        "no access token: set `HARVEST_ACCESS_TOKEN`, or name a file that holds it with \
         `--token-file` (tokens are made on id.getharvest.com/developers)"
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
    /// A value that is empty.
    #[error(
        "`{}` (`{}`) is empty: give it a value, or leave it out (`unset` the variable)",
        setting.flag,
        setting.variable
    )]
    Empty {
        /// Which setting.
        setting: Setting,
    },
    /// A value of the wrong form.
    #[error("`{}` (`{}`): {why}", setting.flag, setting.variable)]
    Invalid {
        /// Which setting.
        setting: Setting,
        /// What is wrong, and what to write instead.
        why: String,
    },
    /// There is no such stream.
    #[error("`{}` (`{}`): {source}", setting.flag, setting.variable)]
    Stream {
        /// Which setting.
        setting: Setting,
        /// The name.
        source: UnknownStream,
    },
    /// Members to hash, and nothing to hash them with.
    #[error(
        "members are to be hashed (`HARVEST_HASH_FIELDS`), but there is no key: set \
         `HARVEST_HASH_KEY` to at least 16 letters chosen by chance (where the token comes from a \
         secret, `HARVEST_SECRET_ARN`, its member `hash_key` will do), and keep it: with another \
         key the same text has another hash"
    )]
    NoHashKey,
    /// A lake in a bucket has its state in a table, and nobody said which.
    #[error(
        "the lake {lake} needs a state that all its users share: give `--state dynamodb://table`, \
         or set `HARVEST_STATE` (the stack's output `State`)"
    )]
    NoState {
        /// The lake.
        lake: String,
    },
    /// An orchestrator without workers.
    #[error("no worker: set `HARVEST_WORKER` to the name of the function that works on one stream")]
    NoWorker,
    /// A variable that is no UTF-8.
    #[error("the variable `{variable}` is no text")]
    NoText {
        /// Its name.
        variable: &'static str,
    },
    /// No connection can be made with these settings.
    #[error(transparent)]
    Api(#[from] SetupError),
}
