//! Errors of `login`, which say what to do next.

use harvest_api::{ApiError, OpenAccount, SetupError};
use runtime::credentials::VaultError;

use crate::exit::CliExit;

/// Reason for which nobody was logged in. Nothing is stored then, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// A line of input was empty or missing.
    #[error("nothing was given for {what}, and nothing is changed")]
    NothingGiven {
        /// Name of the answer that was asked for.
        what: &'static str,
    },
    /// Standard input or the terminal cannot be read.
    #[error("{what} cannot be read")]
    Input {
        /// Name of the answer that was asked for.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The port of the redirect URL cannot be listened to.
    #[error(
        "the browser cannot come back to port {port}: choose another with `--port`, and make \
         http://localhost:PORT/ the redirect URL of the application"
    )]
    Port {
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The person did not let the application in.
    #[error("Harvest did not let the application in: {why}")]
    Denied {
        /// Code of the error (RFC 6749, section 4.1.2.1).
        why: String,
    },
    /// The address that was pasted is not that of this login.
    #[error(
        "this is not the address at which the browser ended: it begins with {redirect} and has a \
         code and the state of this login"
    )]
    Address {
        /// The redirect URL.
        redirect: String,
    },
    /// The browser did not come back.
    #[error("the browser did not come back within {minutes} minutes: run it again")]
    TooLate {
        /// Length of the wait in minutes.
        minutes: i64,
    },
    /// Harvest does not accept the token, or the application.
    #[error("Harvest does not accept {what}: nothing is stored")]
    Refused {
        /// Name of the credentials that were sent.
        what: &'static str,
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Harvest did not answer, or in a way that cannot be used.
    #[error("Harvest could not be asked: nothing is stored, run it again")]
    Api {
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Harvest gave no refresh token.
    #[error(
        "Harvest gave no refresh token for the application, so no later run could use it: use a \
         personal access token"
    )]
    NoRefreshToken,
    /// The token opens no account of Harvest.
    #[error("the token opens no account of Harvest{}: nothing is stored", also(person))]
    NoAccount {
        /// Name of the person; may be empty.
        person: String,
    },
    /// The token opens other accounts than the one that was asked for.
    #[error("the token does not open account {wanted}, but {}: nothing is stored", listed(open))]
    OtherAccount {
        /// The account that was asked for.
        wanted: i64,
        /// Accounts that it opens.
        open: Vec<OpenAccount>,
    },
    /// The token opens several accounts.
    #[error("which account? The token opens {}: give one as `--account-id`", listed(open))]
    WhichAccount {
        /// The accounts.
        open: Vec<OpenAccount>,
    },
    /// The token cannot be stored.
    #[error("the token could not be stored")]
    Store {
        /// Why.
        #[source]
        source: VaultError,
    },
    /// There is no place for logins.
    #[error("there is no folder for logins: name one with `--login-folder`")]
    NoFolder,
    /// The connection to Harvest cannot be set up, or the text is no token.
    #[error(transparent)]
    Setup(#[from] SetupError),
}

/// Person in a sentence that goes on without.
fn also(person: &str) -> String {
    if person.is_empty() { String::new() } else { format!(" to {person}") }
}

/// Accounts with their names, in a sentence.
fn listed(open: &[OpenAccount]) -> String {
    let one = |account: &OpenAccount| format!("{} ({})", account.id.0, account.name);
    open.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl LoginError {
    /// Returns the exit code: that of refused credentials where Harvest does not accept what was
    /// given, and 1 where it may answer later.
    pub(crate) const fn exit(&self) -> CliExit {
        match self {
            Self::Refused { .. }
            | Self::Denied { .. }
            | Self::NoAccount { .. }
            | Self::OtherAccount { .. } => CliExit::CredentialsRefused,
            Self::NothingGiven { .. }
            | Self::Port { .. }
            | Self::Address { .. }
            | Self::NoRefreshToken
            | Self::WhichAccount { .. }
            | Self::NoFolder
            | Self::Setup(_) => CliExit::Usage,
            Self::Input { .. } | Self::TooLate { .. } | Self::Api { .. } | Self::Store { .. } => {
                CliExit::SomeFailed
            }
        }
    }
}
