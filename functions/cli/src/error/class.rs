//! Classes of errors: the exit code and the code for programs that each has, and whether a table
//! that is opened anew may help.

use deployment::parts::PartsError;
use runtime::RunError;
use runtime::credentials::VaultError;
use state::StateErrorKind;

use super::CliError;
use crate::exit::CliExit;

impl CliError {
    /// Returns the exit code for this error. Every variant is listed: a new one has to decide.
    #[must_use]
    pub fn exit(&self) -> CliExit {
        match self {
            Self::Config(_)
            | Self::Stream(_)
            | Self::NotADemo { .. }
            | Self::NoCommand { .. }
            | Self::Initialized
            | Self::NoLake { .. }
            | Self::NoPerson { .. }
            | Self::Unconfirmed { .. }
            | Self::Target { .. }
            | Self::Time { .. }
            | Self::NoTerminal
            | Self::NoReceiver
            | Self::PageName { .. }
            | Self::Partition(_)
            | Self::NoColumn { .. }
            | Self::Run(RunError::OtherCompany { .. })
            | Self::Table(delta::table::TableError::OtherAccount { .. }) => CliExit::Usage,
            // A folder that cannot be made is a wrong `--lake`, or a permission that a person has
            // to give. A lake in a newer format is not: the command line is right, and an update of
            // this program is the remedy.
            Self::Parts(parts) => match parts {
                PartsError::Config(_)
                | PartsError::OtherAccount { .. }
                | PartsError::Folder { .. } => CliExit::Usage,
                PartsError::Newer { .. } => CliExit::SomeFailed,
                PartsError::Login(login) => stored_login_exit(login),
                PartsError::State(state) => state_exit(state.kind),
            },
            Self::Login(error) => error.exit(),
            Self::Run(
                RunError::Credentials { .. }
                | RunError::NoSuchAccount { .. }
                | RunError::NoCredentials,
            ) => CliExit::CredentialsRefused,
            // Runs fail for many reasons, and most of them pass: network, store, a server of
            // Harvest. The reasons that need a person say so in their text.
            Self::Run(_)
            | Self::Table(_)
            | Self::Past(_)
            | Self::NoTable { .. }
            | Self::ErasureUnfinished { .. }
            | Self::Demo { .. }
            | Self::Manual { .. }
            | Self::Init { .. }
            | Self::Export { .. }
            | Self::Unwritten { .. }
            | Self::Rows { .. }
            | Self::Overtaken { .. }
            | Self::Scan { .. }
            | Self::Page(_)
            | Self::PageWrite { .. }
            | Self::Verify { .. } => CliExit::SomeFailed,
        }
    }

    /// Returns the code of the error, of the list in `docs/json.md`: that of a run where a run could
    /// fail in the same way.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Config(_)
            | Self::Parts(PartsError::Config(_))
            | Self::Time { .. }
            | Self::NoTerminal
            | Self::NoReceiver
            | Self::Target { .. }
            | Self::PageName { .. }
            | Self::Partition(_)
            | Self::NoColumn { .. }
            | Self::NoCommand { .. }
            | Self::Initialized
            | Self::NotADemo { .. } => "SettingInvalid",
            Self::Stream(_) => "UnknownStream",
            Self::Parts(PartsError::OtherAccount { .. })
            | Self::Table(delta::table::TableError::OtherAccount { .. }) => "OtherAccount",
            Self::Parts(PartsError::Folder { .. })
            | Self::Table(delta::table::TableError::Store { .. }) => "StoreFailed",
            Self::Parts(PartsError::Newer { .. }) | Self::Table(_) => "TableUnusable",
            Self::Parts(PartsError::State(_)) => "StateFailed",
            Self::Parts(PartsError::Login(VaultError::LoginRefresh { .. })) => "RefreshFailed",
            Self::Parts(PartsError::Login(_)) => "SecretUnusable",
            Self::Login(_) => "LoginFailed",
            Self::Run(error) => error.error_type(),
            Self::Past(_) => "NoVersion",
            Self::NoTable { .. } | Self::NoLake { .. } => "NoTable",
            Self::NoPerson { .. } => "UnknownPerson",
            Self::ErasureUnfinished { .. } => "ErasureUnfinished",
            Self::Unconfirmed { .. } => "Unconfirmed",
            Self::Export { .. }
            | Self::Unwritten { .. }
            | Self::Rows { .. }
            | Self::Overtaken { .. } => "ExportFailed",
            Self::Verify { .. } => "VerifyFailed",
            Self::Scan { .. } | Self::Page(_) | Self::PageWrite { .. } => "ReportFailed",
            Self::Demo { .. } => "DemoFailed",
            Self::Manual { .. } | Self::Init { .. } => "FileFailed",
        }
    }

    /// Whether a file that the opened version of a table names is gone: the newest version may
    /// succeed. This happens to a reader that opened the table just before a run replaced files and
    /// deleted the former ones; `export` and `verify` then open the table anew.
    pub(crate) fn is_vanished(&self) -> bool {
        match self {
            Self::Export { source, .. } => source.is_vanished(),
            Self::Rows { source, .. } => source.is_vanished(),
            Self::Verify { source, .. } => source.is_vanished(),
            Self::Run(source) => source.is_vanished(),
            Self::Scan { source, .. } => {
                matches!(source, lake::partition::PartitionError::Missing { .. })
            }
            Self::Config(_)
            | Self::Stream(_)
            | Self::Parts(_)
            | Self::Login(_)
            | Self::Table(_)
            | Self::Past(_)
            | Self::Time { .. }
            | Self::NoTerminal
            | Self::NoReceiver
            | Self::Target { .. }
            | Self::Partition(_)
            | Self::Unwritten { .. }
            | Self::Overtaken { .. }
            | Self::NoColumn { .. }
            | Self::Page(_)
            | Self::PageWrite { .. }
            | Self::PageName { .. }
            | Self::NoTable { .. }
            | Self::NoLake { .. }
            | Self::NoPerson { .. }
            | Self::ErasureUnfinished { .. }
            | Self::Unconfirmed { .. }
            | Self::NoCommand { .. }
            | Self::Manual { .. }
            | Self::Initialized
            | Self::Init { .. }
            | Self::NotADemo { .. }
            | Self::Demo { .. } => false,
        }
    }
}

/// Exit code for a login that cannot be used: that of refused credentials if Harvest refuses its refresh
/// token, and wrong usage if a person has to look at its file.
fn stored_login_exit(error: &VaultError) -> CliExit {
    match error {
        VaultError::LoginRefresh { source, .. } if source.is_refused_token() => {
            CliExit::CredentialsRefused
        }
        VaultError::LoginFile { .. } | VaultError::Malformed => CliExit::Usage,
        VaultError::LoginRefresh { .. }
        | VaultError::Missing { .. }
        | VaultError::Denied { .. }
        | VaultError::ReadOnly { .. }
        | VaultError::Failed { .. } => CliExit::SomeFailed,
    }
}

/// Exit code for a failure of the state store: wrong usage if the store refuses this user or does
/// not exist, because the same command fails the same way until a person changes setting or
/// permission.
const fn state_exit(kind: StateErrorKind) -> CliExit {
    match kind {
        StateErrorKind::Denied | StateErrorKind::Missing => CliExit::Usage,
        StateErrorKind::Busy
        | StateErrorKind::Throttled
        | StateErrorKind::TooLarge
        | StateErrorKind::Full
        | StateErrorKind::Damaged
        | StateErrorKind::Newer
        | StateErrorKind::Garbled
        | StateErrorKind::Unknown
        | StateErrorKind::Failed => CliExit::SomeFailed,
    }
}
