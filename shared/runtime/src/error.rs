//! Errors of runs, for people: each names the stream, the fault and the remedy.

mod class;
mod from_api;
pub(crate) mod module;

use engine::retry::RequestFailure;
use harvest_api::ApiError;
use state::StateError;

use crate::credentials::VaultError;
use crate::settings::ShortKey;
use crate::waiting::RequestWait;

pub(crate) use from_api::{ACCOUNT, from_api};

/// Error of a run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Harvest does not accept the credentials: no stream can go on.
    #[error("Harvest does not accept this token for account {account}")]
    Credentials {
        /// The account id that was sent.
        account: i64,
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Harvest has no such account, or does not show it to this person: nothing was read.
    #[error(
        "Harvest shows no account {account} to this token; nothing was read and nothing written"
    )]
    NoSuchAccount {
        /// The account id that was sent.
        account: i64,
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Harvest did not answer usably before any stream was read.
    #[error("account {account} could not be read, and nothing was written")]
    AccountUnread {
        /// The account id that was sent.
        account: i64,
        /// The last failure.
        #[source]
        source: Box<ApiError>,
    },
    /// The secret holds no token yet, as after a deployment: the run does nothing.
    #[error(
        "waiting for credentials: the secret holds no token yet; store {{\"access_token\": \"...\"}} in it"
    )]
    NoCredentials,
    /// The secret cannot be used.
    #[error("the token cannot be read from its secret")]
    Secret {
        /// Cause of the failure.
        #[from]
        source: VaultError,
    },
    /// Members are to be hashed, but there is no usable key.
    #[error(
        "`{stream}`: members are to be hashed (`HARVEST_HASH_FIELDS`), but there is no key to do it with; nothing is written. Put it into the secret beside the token, as its member `hash_key`, at least 16 random characters, and keep it: with another key the same text has another hash"
    )]
    NoHashKey {
        /// The stream.
        stream: &'static str,
        /// Fault of the key in the secret; `None`: there is no key.
        #[source]
        source: Option<ShortKey>,
    },
    /// Harvest gives no new access token.
    #[error(
        "no new access token could be made from the refresh token: if Harvest refuses it, authorise the application again and store the new refresh token in the secret"
    )]
    Refresh {
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Harvest refuses this stream to this person.
    #[error("`{stream}` is refused to the person of this token")]
    Refused {
        /// The stream.
        stream: &'static str,
        /// The answer.
        #[source]
        source: Box<ApiError>,
    },
    /// Requests failed until the retries were used up.
    #[error("`{stream}` could not be read")]
    Api {
        /// The stream.
        stream: &'static str,
        /// The last failure.
        #[source]
        source: Box<ApiError>,
    },
    /// No request may be sent soon. This is not a failure: the next run goes on.
    #[error("{waiting}")]
    Waits {
        /// The stream.
        stream: &'static str,
        /// End and reason of the wait.
        waiting: RequestWait,
    },
    /// It is not known how far back reports go.
    #[error(
        "`{stream}` cannot be read whole: {unread}. Its recent windows are kept up to date; the next run asks again"
    )]
    NoHistory {
        /// The stream.
        stream: &'static str,
        /// The list that could not be read, and why.
        unread: String,
    },
    /// A page does not have the form that Harvest documents.
    #[error(
        "the next run asks again for a page of `{stream}` ({path}), of which nothing is written: it is not what Harvest documents"
    )]
    Page {
        /// The stream.
        stream: &'static str,
        /// Path of the request.
        path: String,
        /// Fault of the page.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Harvest's answers do not agree with each other, three times over.
    #[error(
        "`{stream}`: Harvest's answers contradict themselves, three times over: {why}. Records may be missing: those that came are kept, nothing is deleted, and the cursor stays. The next pass of the kind reads the same again, a full one at once with `harvest-lake sync --streams {stream} --pass full`. If it stays so, a proxy may cut answers short; otherwise tell Harvest's support this sentence"
    )]
    Contradictory {
        /// The stream.
        stream: &'static str,
        /// Place and kind of the contradiction.
        why: String,
    },
    /// The reading stopped for another reason.
    #[error("`{stream}` stopped: {}", ApiError::new(failure.clone(), what.as_str()))]
    Stopped {
        /// The stream.
        stream: &'static str,
        /// Name of the failed unit or request.
        what: String,
        /// Kind of the failure.
        failure: RequestFailure,
    },
    /// The token sees less than the one that wrote the rows.
    #[error(
        "`{stream}`: the person of this token has the roles [{now}], the rows were written with [{before}]; nothing is written, because what that person cannot see would look deleted. Use a token with the former roles, or accept with `--accept-role`"
    )]
    RolesLost {
        /// The stream.
        stream: &'static str,
        /// Roles now.
        now: String,
        /// Roles recorded.
        before: String,
    },
    /// The token is that of another person, who may see less although the roles are the same.
    #[error(
        "`{stream}`: the token is now that of person {now}, the rows were written with that of person {before}; both have the roles [{roles}], but what these see depends on who it is, and what person {now} cannot see would look deleted. Nothing is written. Use the former token or an administrator's, or accept with `--accept-role`"
    )]
    OtherPerson {
        /// The stream.
        stream: &'static str,
        /// Id of the person now.
        now: i64,
        /// Id of the person before.
        before: i64,
        /// Their roles.
        roles: String,
    },
    /// A Harvest account with another address answers than before.
    #[error(
        "the Harvest account at {found} answers, but the lake was filled from {recorded}: nothing is written. If the token or the account id is another's, put the former back; another account needs a lake and a state of its own. If the company only has a new address at Harvest, accept it with `--accept-domain {found}` (`HARVEST_ACCEPT_DOMAIN`)"
    )]
    OtherCompany {
        /// The address that answers.
        found: String,
        /// The address that was recorded.
        recorded: String,
    },
    /// More rows would be deleted than a pass may delete.
    #[error(
        "`{stream}`: {refused} rows are no longer in Harvest, more than a pass may delete unasked (5 % or 100 rows); new and changed rows are written, none is deleted. If that is right: `harvest-lake sync --streams {stream} --pass full --accept-deletes`"
    )]
    DeletesRefused {
        /// The stream.
        stream: &'static str,
        /// Rows that would have been deleted.
        refused: u64,
    },
    /// Harvest answers with records of which none could become a row.
    #[error(
        "`{stream}`: {what}. What is missing in these answers does not count as deleted, and the next pass of the kind reads the same again. If Harvest now serves them in another form, a newer release of harvest-lake may read it"
    )]
    Unusable {
        /// The stream.
        stream: &'static str,
        /// The records that could not be used.
        what: String,
    },
    /// The stream's module was switched off while the stream was read: no row is deleted.
    #[error(
        "`{stream}`: `{module}` was switched off in Harvest while it was read; nothing is written, the rows stay"
    )]
    ModuleOff {
        /// The stream.
        stream: &'static str,
        /// The feature of `/company`.
        module: &'static str,
    },
    /// Nothing says whether the stream's module is on, and rows would be deleted.
    #[error(transparent)]
    ModuleUnknown(module::UnknownModule),
    /// The table's report windows are of another grid.
    #[error(
        "`{stream}` holds {has} windows and `--report-window {wanted}` asks for others: keep `--report-window {has}`, or read the report anew: `harvest-lake reset {stream}`, then `harvest-lake sync`"
    )]
    OtherGrid {
        /// The stream.
        stream: &'static str,
        /// The table's grid.
        has: engine::window::WindowGrid,
        /// The setting.
        wanted: engine::window::WindowGrid,
    },
    /// The table's time report has other amounts for hours of a fixed fee.
    #[error(
        "`{stream}` holds amounts of fixed fees as `{has}`, and `--report-fixed-fees {wanted}` asks for others: keep `--report-fixed-fees {has}`, or read the report anew: `harvest-lake reset {stream}`, then `harvest-lake sync`"
    )]
    OtherFixedFees {
        /// The stream.
        stream: &'static str,
        /// The table's amounts.
        has: engine::window::FixedFeeAmounts,
        /// The setting.
        wanted: engine::window::FixedFeeAmounts,
    },
    /// Another run has taken over: this one changed nothing after that, and nothing is lost.
    #[error("`{stream}` was taken over by another run; this one changed nothing after that")]
    LostLease {
        /// The stream.
        stream: &'static str,
    },
    /// A person was erased after this run began to read, so that its rows may hold their data.
    #[error(
        "`{stream}`: somebody was erased while it was read; nothing of that is written, the next run reads it again without them"
    )]
    ErasedMeanwhile {
        /// The stream.
        stream: &'static str,
    },
    /// The table cannot be used.
    #[error("the table of `{stream}` cannot be used")]
    Table {
        /// The stream.
        stream: &'static str,
        /// Cause of the failure.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The lake's store failed.
    #[error("the lake could not be read or written for `{stream}`")]
    Store {
        /// The stream.
        stream: &'static str,
        /// Cause of the failure.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The state store failed.
    #[error("the state of `{stream}` could not be read or written")]
    State {
        /// The stream, or `account`.
        stream: &'static str,
        /// Cause of the failure.
        #[source]
        source: StateError,
    },
    /// A defect of harvest-lake: a state that should be impossible.
    #[error("`{stream}`: {what}; this is a defect of harvest-lake, please report it")]
    Defect {
        /// The stream.
        stream: &'static str,
        /// Description of the impossible state.
        what: String,
    },
}

impl RunError {
    /// Returns the message and its causes, one after the other.
    #[must_use]
    pub fn chain(&self) -> String {
        engine::causes::chained(self)
    }
}
