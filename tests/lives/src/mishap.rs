//! Kinds of faults in random histories, beside failing requests and dying processes: their
//! switches, and the record of those that happened.

mod kinds;

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub use kinds::{KINDS, MishapKind};

/// Kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// Totals that are smaller than the list.
    SmallTotals,
    /// Totals that are larger than the list.
    LargeTotals,
    /// Totals that count the records of the page.
    TotalsOfPage,
    /// Lists that end before their total.
    EarlyEnds,
    /// Records that come twice in one answer, in the place of others.
    DoubledRecords,
    /// No link to a page that the totals promise.
    BrokenLinks,
    /// Links that lead back.
    Circles,
    /// Empty pages with ever new links.
    EmptyPages,
    /// Reports that ignore the page asked for.
    IgnoredPages,
    /// A process whose clock is ahead.
    ClockAhead,
    /// A process whose clock is behind.
    ClockBehind,
    /// A clock that jumps while its process works.
    ClockJump,
    /// Another engine's compaction.
    Compaction,
    /// Another engine's DELETE of some rows.
    ForeignDelete,
    /// Another engine's RESTORE of an earlier version.
    ForeignRestore,
    /// Another engine's INSERT of rows that Harvest never had.
    ForeignAppend,
    /// Another engine's VACUUM.
    ForeignVacuum,
    /// The children of one parent are refused.
    RefusedParent,
    /// One window of a report is refused.
    RefusedWindow,
    /// Fields of records that are written as another type.
    Spelling,
    /// Fields of `/users/me` and `/company` that are written as another type.
    AccountSpelling,
    /// Days in the years 206, 2206 and 9999.
    MistypedDays,
    /// Entries and expenses without a usable day.
    UnusableDays,
    /// Wrong totals in answers to single-record requests, or whole pages as such answers.
    OddCounts,
    /// Later pages of a report that are refused.
    DeepPages,
    /// Requests that are refused with 429.
    Throttled,
    /// A limit of few requests.
    SmallLimits,
    /// Requests that fail with 5xx, or with an answer that is no usable JSON.
    BadAnswers,
    /// Records of a page that come twice, in another order, or not at all.
    OddPages,
    /// Lists that leave records out, with totals to match.
    HiddenRecords,
    /// A window or a list of children that is empty once.
    EmptyUnits,
    /// A page whose records have unreadable ids.
    BrokenRecords,
    /// Records that become visible minutes after they changed.
    LateRecords,
    /// Changes of the account between the pages of a list.
    LiveChanges,
    /// A list in small pages that changes from one page to the next.
    SmallPages,
    /// Answers without, or with a wrong, header `Date`.
    WrongDates,
    /// A process that dies while it waits for anything.
    Killed,
    /// A process that dies at a call of a store, which may take effect.
    DiedAtCall,
    /// A process that stands still for longer than its lease may last.
    Frozen,
    /// Processes that stand still just before a commit, while others take over.
    Overtaken,
    /// Calls of the stores that fail, or take effect and lose their answer.
    StoreFailures,
    /// Writes of the stores that a client sends twice.
    RepeatedWrites,
    /// Calls of the stores that take seconds.
    SlowStores,
    /// Listings that lack the newest objects.
    StaleListings,
    /// Events that are delivered twice.
    DuplicateEvents,
    /// Events that are delivered one tick or more too late.
    LateEvents,
    /// Runs that end before their work is done because their time is up.
    ShortRuns,
    /// A module of the account that is off for a tick.
    ModuleOff,
    /// A token of a person who sees less.
    RoleLost,
    /// A token that Harvest refuses.
    TokenRevoked,
    /// A secret of another account, with or without its setting.
    OtherAccount,
    /// A state that is lost, except for the budget.
    StateLost,
    /// A state that is put back to that of an earlier tick.
    StateRestored,
    /// A lake that is put back to that of an earlier tick.
    LakeRestored,
    /// A lake and a state that are both put back, to ticks of their own.
    BothRestored,
    /// A reset of a table, or of a table of changes, by the operator.
    Reset,
    /// An upgrade of a table by the operator.
    Upgrade,
    /// An export of a table by the operator.
    Export,
    /// A verification of a table by the operator.
    Verification,
    /// A comparison of a table with Harvest by the operator.
    Comparison,
    /// An erasure of a person by the operator.
    Erasure,
    /// Fields that are excluded or hashed.
    Privacy,
    /// More records deleted at once than a pass may delete.
    Masses,
    /// Timers that run while the tables are compared.
    RunningTimers,
    /// Full passes at the end that are interrupted again and again.
    InterruptedEnd,
    /// Settings that the operator changes between ticks.
    OtherSettings,
}

impl Mishap {
    /// Returns the declaration of the kind.
    #[must_use]
    pub fn declared(self) -> &'static MishapKind {
        KINDS.iter().find(|kind| kind.mishap == self).expect("every kind is declared")
    }

    /// Whether the kind happens in histories.
    #[must_use]
    pub fn is_on(self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "how a kind is tried alone")]
        match std::env::var("SIM_KINDS").as_deref() {
            Ok("all") => true,
            Ok(names) => names.split(',').any(|name| name == self.declared().name),
            Err(_) => self.declared().on,
        }
    }

    /// Whether the kind happens now, by one number of `random`, which is drawn even if it is off.
    pub fn strikes(self, random: &mut StdRng) -> bool {
        let drawn = random.random_range(0..100) < self.declared().percent;
        drawn && self.is_on()
    }
}

/// Record of the faults in a world, and their random generator. The generator is their own, so that
/// switching a kind on changes nothing else that happens under a seed.
#[derive(Debug)]
pub struct Chronicle {
    /// Random generator.
    pub random: StdRng,
    lines: Vec<String>,
    fired: BTreeMap<Mishap, u64>,
}

impl Chronicle {
    /// Returns an empty record.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ 0x6D69_7368_6170);
        Self { random, lines: Vec::new(), fired: BTreeMap::new() }
    }

    /// Whether `mishap` happens in this round. Draws a number even if the kind is off, so that the
    /// numbers for other kinds stay the same.
    pub fn befalls(&mut self, mishap: Mishap) -> bool {
        mishap.strikes(&mut self.random)
    }

    /// Returns a random one of `items`.
    pub fn one<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.random.random_range(0..items.len())]
    }

    /// Adds a line to the story.
    pub fn tell(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Adds to the number of times that `mishap` made a difference.
    pub fn fired(&mut self, mishap: Mishap, times: u64) {
        if times > 0 {
            *self.fired.entry(mishap).or_default() += times;
        }
    }

    /// Returns the story, line by line.
    #[must_use]
    pub fn story(&self) -> String {
        self.lines.join("\n  ")
    }

    /// Number of times that `mishap` made a difference.
    #[must_use]
    pub fn times(&self, mishap: Mishap) -> u64 {
        self.fired.get(&mishap).copied().unwrap_or_default()
    }

    /// Number of times that each kind made a difference.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<Mishap, u64> {
        &self.fired
    }
}
