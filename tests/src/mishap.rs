//! The kinds of faults that a history draws from beyond failing requests and dying processes: which
//! are on, what happened, and how often.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A kind of fault.
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
    /// The children of one parent are refused.
    RefusedParent,
    /// One window of a report is refused.
    RefusedWindow,
    /// Members of records that are written as another type.
    Spelling,
    /// Members of `/users/me` and `/company` that are written as another type.
    AccountSpelling,
    /// Days in the years 206, 2206 and 9999.
    MistypedDays,
    /// Entries and expenses without a usable day.
    UnusableDays,
    /// Totals of single-record requests that are off, or such requests answered by whole pages.
    OddCounts,
    /// Later pages of a report that are refused.
    DeepPages,
}

/// Declaration of a kind.
#[derive(Clone, Copy, Debug)]
pub struct MishapKind {
    /// The kind.
    pub mishap: Mishap,
    /// Its name in `SIM_KINDS` and in stories.
    pub name: &'static str,
    /// Whether histories draw it.
    pub on: bool,
    /// Rounds of a hundred in which it befalls the world.
    pub percent: u32,
}

const fn kind(mishap: Mishap, name: &'static str, on: bool, percent: u32) -> MishapKind {
    MishapKind { mishap, name, on, percent }
}

/// All kinds. `on` is the switch; `SIM_KINDS=all`, `none` or names with commas between overrides it.
pub const KINDS: &[MishapKind] = &[
    kind(Mishap::SmallTotals, "small_totals", true, 8),
    kind(Mishap::LargeTotals, "large_totals", true, 8),
    kind(Mishap::TotalsOfPage, "totals_of_page", true, 8),
    kind(Mishap::EarlyEnds, "early_ends", true, 8),
    kind(Mishap::BrokenLinks, "broken_links", true, 8),
    kind(Mishap::Circles, "circles", true, 6),
    kind(Mishap::EmptyPages, "empty_pages", true, 6),
    kind(Mishap::IgnoredPages, "ignored_pages", true, 6),
    kind(Mishap::ClockAhead, "clock_ahead", true, 10),
    kind(Mishap::ClockBehind, "clock_behind", true, 10),
    kind(Mishap::ClockJump, "clock_jump", true, 10),
    kind(Mishap::Compaction, "compaction", true, 15),
    kind(Mishap::ForeignDelete, "foreign_delete", true, 15),
    kind(Mishap::ForeignRestore, "foreign_restore", true, 15),
    kind(Mishap::RefusedParent, "refused_parent", true, 10),
    kind(Mishap::RefusedWindow, "refused_window", true, 10),
    kind(Mishap::Spelling, "spelling", true, 10),
    kind(Mishap::AccountSpelling, "account_spelling", true, 10),
    kind(Mishap::MistypedDays, "mistyped_days", true, 10),
    kind(Mishap::UnusableDays, "unusable_days", true, 10),
    kind(Mishap::OddCounts, "odd_counts", true, 10),
    kind(Mishap::DeepPages, "deep_pages", true, 10),
];

impl Mishap {
    /// Its declaration.
    #[must_use]
    pub fn declared(self) -> &'static MishapKind {
        KINDS.iter().find(|kind| kind.mishap == self).expect("every kind is declared")
    }

    /// Whether histories draw it.
    #[must_use]
    pub fn is_on(self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "how a kind is tried alone")]
        match std::env::var("SIM_KINDS").as_deref() {
            Ok("all") => true,
            Ok(names) => names.split(',').any(|name| name == self.declared().name),
            Err(_) => self.declared().on,
        }
    }
}

/// What befell a world, and the chance by which it does. Chance of its own: a kind that is switched
/// on changes nothing in what else happens under a seed.
#[derive(Debug)]
pub struct Chronicle {
    /// The chance.
    pub random: StdRng,
    lines: Vec<String>,
    fired: BTreeMap<Mishap, u64>,
}

impl Chronicle {
    /// Nothing happened yet.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed ^ 0x6D69_7368_6170);
        Self { random, lines: Vec::new(), fired: BTreeMap::new() }
    }

    /// Whether `mishap` befalls this round. Draws whether it is on or not.
    pub fn befalls(&mut self, mishap: Mishap) -> bool {
        let drawn = self.random.random_range(0..100) < mishap.declared().percent;
        drawn && mishap.is_on()
    }

    /// One of `items`.
    pub fn one<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.random.random_range(0..items.len())]
    }

    /// Notes what is to come.
    pub fn tell(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Notes that `mishap` made a difference so many times.
    pub fn fired(&mut self, mishap: Mishap, times: u64) {
        if times > 0 {
            *self.fired.entry(mishap).or_default() += times;
        }
    }

    /// What happened, line by line.
    #[must_use]
    pub fn story(&self) -> String {
        self.lines.join("\n  ")
    }

    /// How often each kind made a difference.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<Mishap, u64> {
        &self.fired
    }
}
