//! Exit codes of the command.
//!
//! Exit codes tell a script what to do, not what happened: 1 may succeed when it is run again, 2
//! does not before a person has changed the command line, a setting or a permission, 3 does not
//! before a person has changed the token or the account id. Work that waits for the rate budget is
//! no failure (0): cron runs again anyway. Programs that want to know it read `complete` in the
//! JSON document.

use std::process::ExitCode;

/// The exit codes. Their order is that of their numbers: of two reasons the one with the greater
/// code counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CliExit {
    /// All done, or all that the budget allows.
    #[default]
    Done,
    /// Some streams failed or were not done.
    SomeFailed,
    /// The command line or a setting is wrong.
    Usage,
    /// Harvest does not accept the credentials, or shows no such account to them.
    CredentialsRefused,
    /// The terminal went away (SIGHUP).
    HungUp,
    /// Interrupted by Ctrl-C (SIGINT).
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

impl CliExit {
    /// Returns 0 to 3, or 128 plus the number of the signal, as shells do.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            Self::Usage => 2,
            Self::CredentialsRefused => 3,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<CliExit> for ExitCode {
    fn from(exit: CliExit) -> Self {
        Self::from(exit.code())
    }
}
