//! Remedies: for each kind of failure one sentence, and the heading of `docs/runbook.md` about it.
//!
//! Mails, events, webhooks and documents name both, so that whoever is woken reads what to do. Tests
//! compare the codes with those of `docs/json.md`, and the headings with the page.

/// The page: at the package's repository, where it has one.
const PAGE: &str = if env!("CARGO_PKG_REPOSITORY").is_empty() {
    "docs/runbook.md"
} else {
    concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/runbook.md")
};

/// Heading of the page about a kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunbookHeading {
    /// Messages, and what each of them means.
    Messages,
    /// A token that Harvest refuses, or none.
    Token,
    /// The refresh token of an OAuth application.
    OAuth,
    /// A stream that Harvest refuses to the person of the token.
    Refused,
    /// Runs that fail again and again.
    Failing,
    /// Runs that end without a word.
    Lost,
    /// Data that is too old.
    Late,
    /// Answers of Harvest that do not come, or cannot be used.
    Harvest,
    /// A token of another person, account or company.
    Another,
    /// More deletes than a pass may make.
    Deletes,
    /// Settings that are wrong, or that the tables do not fit.
    Setting,
    /// A table that is damaged.
    Table,
    /// A lake that cannot be read or written.
    Store,
    /// A state that is lost, damaged or out of reach.
    State,
    /// Failures that need nothing.
    Passing,
    /// A defect of this program.
    Defect,
}

impl RunbookHeading {
    /// All headings.
    pub const ALL: [Self; 16] = [
        Self::Messages,
        Self::Token,
        Self::OAuth,
        Self::Refused,
        Self::Failing,
        Self::Lost,
        Self::Late,
        Self::Harvest,
        Self::Another,
        Self::Deletes,
        Self::Setting,
        Self::Table,
        Self::Store,
        Self::State,
        Self::Passing,
        Self::Defect,
    ];

    /// Returns the heading as a link has it.
    #[must_use]
    pub const fn anchor(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Token => "a-new-or-revoked-token",
            Self::OAuth => "oauth-instead-of-a-personal-token",
            Self::Refused => "a-stream-that-harvest-refuses",
            Self::Failing => "a-stream-that-fails-again-and-again",
            Self::Lost => "a-worker-that-dies-again-and-again",
            Self::Late => "a-stream-that-is-too-old",
            Self::Harvest => "harvest-cannot-be-read",
            Self::Another => "another-person-account-or-company",
            Self::Deletes => "more-deletes-than-a-pass-may-make",
            Self::Setting => "a-setting-that-does-not-fit",
            Self::Table => "a-damaged-table",
            Self::Store => "a-lake-that-cannot-be-read-or-written",
            Self::State => "lost-state",
            Self::Passing => "a-failure-that-passes-by-itself",
            Self::Defect => "a-defect",
        }
    }

    /// Returns the link: a URL if the package has a repository, else the path in the project.
    #[must_use]
    pub fn link(self) -> String {
        format!("{PAGE}#{}", self.anchor())
    }
}

/// Remedy for a kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Sentence that says what to do, without a full stop.
    pub advice: &'static str,
    /// Place where more is said.
    pub heading: RunbookHeading,
}

impl Remedy {
    /// Remedy for a failure whose code is not known, as one of a newer release.
    pub const UNKNOWN: Self =
        remedy("look for the message in the table of the runbook", RunbookHeading::Messages);

    /// Remedy for a stream whose error has no code.
    pub const FAILING: Self = remedy("do as the error says", RunbookHeading::Failing);
    /// Remedy for runs that end without a word.
    pub const LOST: Self = remedy(
        "look for what ends the runs: too little memory, a limit of time, a machine that sleeps",
        RunbookHeading::Lost,
    );
    /// Remedy for a stream that Harvest refuses to the person of the token.
    pub const REFUSED: Self =
        remedy("use an administrator's token, or leave the stream out", RunbookHeading::Refused);
    /// Remedy for data that is too old although its runs do not fail.
    pub const LATE: Self = remedy(
        "see with `harvest-lake status` what its runs wait for, and with `harvest-lake plan` how long \
         they take",
        RunbookHeading::Late,
    );
    /// Remedy for a token that Harvest refuses.
    pub const TOKEN: Self = remedy(
        "make a new token on id.getharvest.com/developers and store it where the former one is",
        RunbookHeading::Token,
    );

    /// Returns the remedy for a failure with this code.
    #[must_use]
    pub fn of(error_type: &str) -> Self {
        let found = REMEDIES.iter().find(|(code, _)| *code == error_type);
        found.map_or(Self::UNKNOWN, |(_, remedy)| *remedy)
    }
}

const fn remedy(advice: &'static str, heading: RunbookHeading) -> Remedy {
    Remedy { advice, heading }
}

const READ_AGAIN: Remedy = remedy(
    "wait for the next run, which reads again; if it stays so, look at the network, the proxies on the \
     way to Harvest, and harveststatus.com",
    RunbookHeading::Harvest,
);
const COMPARE: Remedy = remedy(
    "compare token and account id with id.getharvest.com/developers, and put the former token back \
     or accept the new one as the error says",
    RunbookHeading::Another,
);
const CHANGE_SETTING: Remedy =
    remedy("change the setting that the error names", RunbookHeading::Setting);
const NOTHING: Remedy =
    remedy("do nothing, the next run goes on by itself", RunbookHeading::Passing);
const RESTORE: Remedy = remedy(
    "do as the error says: restore the file from a backup, or undo the commit of the other engine; \
     otherwise run `harvest-lake reset` for the table, whose history then begins anew, and sync it",
    RunbookHeading::Table,
);
const REACH_LAKE: Remedy = remedy(
    "look whether the place of the lake is there, has space, and may be written",
    RunbookHeading::Store,
);
const REPORT: Remedy = remedy(
    "report it with the text of the error; nothing is lost, and the next run tries again",
    RunbookHeading::Defect,
);

/// Remedy for each code of an error.
pub const REMEDIES: &[(&str, Remedy)] = &[
    ("CredentialsRefused", Remedy::TOKEN),
    ("NoSuchAccount", COMPARE),
    (
        "WaitingForCredentials",
        remedy("store a token: `make token` for a stack", RunbookHeading::Token),
    ),
    (
        "SecretUnusable",
        remedy("look at the place of the token that the error names", RunbookHeading::Token),
    ),
    (
        "NoHashKey",
        remedy(
            "store `hash_key` beside the token, or set HARVEST_HASH_KEY",
            RunbookHeading::Setting,
        ),
    ),
    (
        "RefreshFailed",
        remedy("log in again, which stores a new refresh token", RunbookHeading::OAuth),
    ),
    ("StreamRefused", Remedy::REFUSED),
    ("HarvestFailed", READ_AGAIN),
    ("Waits", NOTHING),
    ("HistoryUnknown", READ_AGAIN),
    ("PageUnusable", READ_AGAIN),
    ("AnswersContradictory", READ_AGAIN),
    ("ReadingStopped", READ_AGAIN),
    ("RolesLost", COMPARE),
    ("OtherPerson", COMPARE),
    ("OtherCompany", COMPARE),
    (
        "DeletesRefused",
        remedy(
            "look in Harvest whether the records are gone, then accept it with the command that the \
             error names",
            RunbookHeading::Deletes,
        ),
    ),
    ("RecordsUnusable", READ_AGAIN),
    ("ModuleOff", NOTHING),
    ("ModuleUnknown", COMPARE),
    ("OtherGrid", CHANGE_SETTING),
    ("OtherFixedFees", CHANGE_SETTING),
    ("LostLease", NOTHING),
    ("ErasedMeanwhile", NOTHING),
    ("TableUnusable", RESTORE),
    ("StoreFailed", REACH_LAKE),
    (
        "StateFailed",
        remedy(
            "do as the error says; a state that cannot be read may be moved away, and is rebuilt from \
             the tables",
            RunbookHeading::State,
        ),
    ),
    ("Defect", REPORT),
    ("LoginFailed", remedy("log in again: `harvest-lake login`", RunbookHeading::Token)),
    ("SettingInvalid", CHANGE_SETTING),
    ("UnknownStream", CHANGE_SETTING),
    ("OtherAccount", COMPARE),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_has_one_remedy_and_an_unknown_one_leads_to_the_table_of_messages() {
        let codes: BTreeSet<&str> = REMEDIES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), REMEDIES.len());
        let advised = |remedy: &Remedy| !remedy.advice.is_empty() && !remedy.advice.ends_with('.');
        assert!(REMEDIES.iter().all(|(_, remedy)| advised(remedy)));
        assert_eq!(Remedy::of("TableUnusable").heading, RunbookHeading::Table);
        assert_eq!(Remedy::of("NeverHeardOf"), Remedy::UNKNOWN);
    }

    #[test]
    fn a_link_ends_with_the_heading() {
        let link = RunbookHeading::Refused.link();
        assert!(link.ends_with("docs/runbook.md#a-stream-that-harvest-refuses"), "{link}");
    }
}
