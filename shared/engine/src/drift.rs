//! What records hold that the declaration does not expect, and what of it is worth telling people.
//!
//! Each run looks at the records that it reads. What the looks of a stream have shown is kept until
//! a full pass from beginning to end has not seen it again: a run that reads little proves little.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::pass::Pass;
use crate::present::Present;
use crate::time::Timestamp;

/// With fewer objects than this a member that none of them has may be missing by chance.
pub const ENOUGH: u64 = 20;

/// So many members are kept of each kind: an object whose member names are ids would have no end.
const MOST: usize = 100;

/// What one run saw, by member path (list indices as `[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Members that are not declared, and how often.
    pub unknown: BTreeMap<String, u64>,
    /// Values that did not fit their column.
    pub misfits: BTreeMap<String, Misfits>,
    /// Every declared member.
    pub declared: BTreeMap<String, Presence>,
}

/// Values of one member that did not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Misfits {
    /// How many.
    pub times: u64,
    /// What kinds of JSON value they were, for people.
    pub kinds: BTreeSet<&'static str>,
}

/// How a declared member occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// Objects read in which it could have been.
    pub objects: u64,
    /// Whether any had it, be it null.
    pub seen: bool,
}

/// How a stream's records differ from its declaration, as far as its runs have seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drift {
    /// Members that the declaration does not know.
    pub unknown: BTreeMap<String, Sighting>,
    /// Declared members whose values did not fit.
    pub misfits: BTreeMap<String, Sighting>,
    /// Declared members that have disappeared, and when that was first seen.
    pub gone: BTreeMap<String, Timestamp>,
    /// Members that no record has ever had, as of a declaration of so many members: their absence
    /// is no news.
    never: Option<(usize, BTreeSet<String>)>,
}

/// What was seen of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// How often: within a full pass altogether, otherwise the most in one run.
    pub times: u64,
    /// What kinds of JSON value, where it matters.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<String>,
    /// When it was seen last.
    pub at: Timestamp,
}

/// A run's look, and the pass it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What it saw.
    pub look: &'a Look,
    /// Its pass.
    pub pass: Pass,
    /// When the pass began.
    pub pass_began: Timestamp,
    /// Whether the pass is complete with this run.
    pub completes: bool,
    /// When the run began.
    pub now: Timestamp,
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What happened.
    pub what: What,
    /// The member's path.
    pub member: String,
    /// How often it was seen so; of what is gone: 0.
    pub times: u64,
    /// The kinds of value that did not fit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// When it was seen last; of what is gone: when that was first noticed.
    pub at: Timestamp,
}

/// What happened to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The declaration does not know it.
    New,
    /// Its values do not fit its column.
    Changed,
    /// Records no longer have it.
    Gone,
}

impl Drift {
    /// What is known after another run.
    #[must_use]
    pub fn after(&self, run: Run<'_>) -> Self {
        let look = run.look;
        let misfits = look.misfits.iter().map(|(path, misfits)| {
            let kinds = misfits.kinds.iter().map(|&kind| kind.to_owned()).collect();
            (path, misfits.times, kinds)
        });
        let unknown = look.unknown.iter().map(|(path, times)| (path, *times, BTreeSet::new()));
        let mut next = Self {
            unknown: sightings(&self.unknown, unknown, run),
            misfits: sightings(&self.misfits, misfits, run),
            gone: self.gone.clone(),
            never: None,
        };
        let known = self.never.as_ref();
        let known = known.filter(|(declared, _)| *declared == look.declared.len());
        if look.declared.values().all(|presence| presence.objects == 0) {
            next.never.clone_from(&self.never);
            return next;
        }
        let mut never = BTreeSet::new();
        for (path, presence) in &look.declared {
            if presence.seen {
                next.gone.remove(path);
                continue;
            }
            let was_there = known.is_some_and(|(_, never)| !never.contains(path));
            if !was_there {
                never.insert(path.clone());
            } else if presence.objects >= ENOUGH {
                next.gone.entry(path.clone()).or_insert(run.now);
            }
        }
        // What is no longer declared is no longer missed.
        next.gone.retain(|path, _| look.declared.contains_key(path));
        next.never = Some((look.declared.len(), never));
        next
    }

    /// Takes out the instants that lie in the future: what was seen then was seen before any pass
    /// that is to come.
    pub(crate) fn free(&mut self, present: &Present) {
        let sightings = self.unknown.values_mut().chain(self.misfits.values_mut());
        let instants = sightings.map(|seen| &mut seen.at).chain(self.gone.values_mut());
        for at in instants.filter(|at| present.is_future(**at)) {
            *at = Timestamp::UNIX_EPOCH;
        }
    }

    /// What of it people are told.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let of = |what| {
            move |(member, seen): (&String, &Sighting)| Finding {
                what,
                member: member.clone(),
                times: seen.times,
                kinds: seen.kinds.iter().cloned().collect(),
                at: seen.at,
            }
        };
        let gone = |(member, at): (&String, &Timestamp)| Finding {
            what: What::Gone,
            member: member.clone(),
            times: 0,
            kinds: Vec::new(),
            at: *at,
        };
        let new = self.unknown.iter().map(of(What::New));
        let changed = self.misfits.iter().map(of(What::Changed));
        new.chain(changed).chain(self.gone.iter().map(gone)).collect()
    }

    /// The same, of what a run saw itself: what did not happen in it is left out.
    #[must_use]
    pub fn findings_of(&self, look: &Look) -> Vec<Finding> {
        let mut findings = self.findings();
        findings.retain_mut(|finding| match finding.what {
            What::New => {
                finding.times = look.unknown.get(&finding.member).copied().unwrap_or_default();
                finding.times > 0
            }
            What::Changed => {
                let seen = look.misfits.get(&finding.member);
                finding.times = seen.map(|seen| seen.times).unwrap_or_default();
                finding.times > 0
            }
            What::Gone => {
                look.declared.get(&finding.member).is_some_and(|seen| seen.objects >= ENOUGH)
            }
        });
        findings
    }
}

fn sightings<'a>(
    before: &BTreeMap<String, Sighting>,
    now: impl Iterator<Item = (&'a String, u64, BTreeSet<String>)>,
    run: Run<'_>,
) -> BTreeMap<String, Sighting> {
    let mut after = before.clone();
    for (path, times, kinds) in now {
        if after.len() >= MOST && !after.contains_key(path) {
            continue;
        }
        let seen = after.entry(path.clone()).or_insert_with(|| Sighting {
            times: 0,
            kinds: BTreeSet::new(),
            at: Timestamp::UNIX_EPOCH,
        });
        seen.times = match run.pass {
            Pass::Incremental => seen.times.max(times),
            Pass::Full if seen.at >= run.pass_began => seen.times.saturating_add(times),
            Pass::Full => times,
        };
        if run.pass == Pass::Full && seen.at < run.pass_began {
            seen.kinds.clear();
        }
        seen.kinds.extend(kinds);
        seen.at = run.now;
    }
    if run.pass == Pass::Full && run.completes {
        after.retain(|_, seen| seen.at >= run.pass_began);
    }
    after
}

impl Finding {
    /// A sentence for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let member = &self.member;
        let times = self.times;
        let things = match (member.contains("[]"), times) {
            (false, 1) => "record",
            (false, _) => "records",
            (true, 1) => "item",
            (true, _) => "items",
        };
        match self.what {
            What::New => format!("new member `{member}`, {times} {things}; kept in extra_json"),
            What::Changed => {
                let kinds = self.kinds.join(" or ");
                format!(
                    "`{member}` was {kinds} in {times} {things}, which its column does not hold; kept \
                     in extra_json"
                )
            }
            What::Gone => format!("member `{member}` is no longer there"),
        }
    }
}

#[cfg(test)]
mod tests;
