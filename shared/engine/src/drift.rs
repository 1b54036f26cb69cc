//! Differences between records and their declaration, and those that are worth telling people.
//!
//! Each run looks at the records that it reads. A difference is kept until a full pass, from
//! beginning to end, has not seen it again: a run that reads little proves little.

mod finding;

use core::hash::{Hash as _, Hasher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::DefaultHasher;

use serde::{Deserialize, Serialize};

pub use self::finding::{DriftFinding, DriftKind};
use crate::pass::Pass;
use crate::present::Present;
use crate::time::Timestamp;

/// Number of objects below which a member that none of them has may be missing by chance.
pub const ENOUGH: u64 = 20;

/// Largest number of new members that are kept: an object whose member names are ids has no end.
/// The other maps hold declared members only and so are bounded.
const MOST: usize = 100;

/// Differences that one run saw, by member path (list indices as `[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriftLook {
    /// Members that are not declared, and how often they occurred.
    pub unknown: BTreeMap<String, u64>,
    /// Values that did not fit their column.
    pub misfits: BTreeMap<String, DeviatingValues>,
    /// Numbers that did not fit because they have more decimal places than their column.
    pub finer: BTreeMap<String, DeviatingValues>,
    /// Values that are in their column, although they came in another JSON type or form.
    pub converted: BTreeMap<String, DeviatingValues>,
    /// Every declared member.
    pub declared: BTreeMap<String, MemberPresence>,
}

/// Values of one member that were not as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviatingValues {
    /// Number of values.
    pub times: u64,
    /// Kinds of JSON value, for display.
    pub kinds: BTreeSet<&'static str>,
    /// The form of one of them, without its content: `"9.9"`.
    pub form: Option<String>,
}

impl DeviatingValues {
    /// Adds values of the same member.
    pub fn add(&mut self, other: Self) {
        self.times = self.times.saturating_add(other.times);
        self.kinds.extend(other.kinds);
        self.form = self.form.take().or(other.form);
    }
}

/// Occurrence of a declared member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberPresence {
    /// Number of objects read in which it could have been.
    pub objects: u64,
    /// Whether any of them had it, even as null.
    pub seen: bool,
}

/// Differences between a stream's records and its declaration, as far as its runs have seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Drift {
    /// Members that the declaration lacks.
    pub unknown: BTreeMap<String, MemberSightings>,
    /// Declared members whose values did not fit.
    pub misfits: BTreeMap<String, MemberSightings>,
    /// Declared members whose numbers have more decimal places than their column.
    pub finer: BTreeMap<String, MemberSightings>,
    /// Declared members whose values came in another JSON type or form than their column's.
    pub converted: BTreeMap<String, MemberSightings>,
    /// Declared members that have disappeared, and when that was first seen.
    pub gone: BTreeMap<String, Timestamp>,
    /// Members never seen in any record, with a number that stands for the declared members at that
    /// time. They are never reported as gone.
    never: Option<(u64, BTreeSet<String>)>,
}

/// Sightings of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberSightings {
    /// Number of times: within a full pass altogether, otherwise the most in one run.
    pub times: u64,
    /// Kinds of JSON value, if they matter.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<String>,
    /// The form of one value, without its content, if it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Time of the last sighting.
    pub at: Timestamp,
}

/// A run's look, and the pass it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct DriftRun<'a> {
    /// Differences that the run saw.
    pub look: &'a DriftLook,
    /// Pass of the run.
    pub pass: Pass,
    /// Time at which the pass began.
    pub pass_began: Timestamp,
    /// Whether the pass is complete with this run.
    pub completes: bool,
    /// Time at which the run began.
    pub now: Timestamp,
}

impl Drift {
    /// Returns the differences known after another run.
    #[must_use]
    pub fn after(&self, run: DriftRun<'_>) -> Self {
        let look = run.look;
        let unknown = look.unknown.iter();
        let unknown = unknown.map(|(path, &times)| {
            (path.clone(), DeviatingValues { times, ..DeviatingValues::default() })
        });
        let mut next = Self {
            unknown: sightings(&self.unknown, &unknown.collect(), MOST, run),
            misfits: sightings(&self.misfits, &look.misfits, usize::MAX, run),
            finer: sightings(&self.finer, &look.finer, usize::MAX, run),
            converted: sightings(&self.converted, &look.converted, usize::MAX, run),
            gone: self.gone.clone(),
            never: None,
        };
        let known = self.never.as_ref();
        let declared = digest(&look.declared);
        let known = known.filter(|(before, _)| *before == declared);
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
        // A member that is no longer declared is no longer missed.
        next.gone.retain(|path, _| look.declared.contains_key(path));
        next.never = Some((declared, never));
        next
    }

    /// Replaces instants in the future: such a sighting counts as earlier than any pass to come.
    pub(crate) fn free(&mut self, present: &Present) {
        let Self { unknown, misfits, finer, converted, gone, never: _ } = self;
        let sightings = [unknown, misfits, finer, converted].into_iter().flatten();
        let instants = sightings.map(|(_, seen)| &mut seen.at).chain(gone.values_mut());
        for at in instants.filter(|at| present.is_future(**at)) {
            *at = Timestamp::UNIX_EPOCH;
        }
    }

    /// Returns the findings to tell people, the most important first.
    #[must_use]
    pub fn findings(&self) -> Vec<DriftFinding> {
        let of = |what| {
            move |(member, seen): (&String, &MemberSightings)| DriftFinding {
                what,
                member: member.clone(),
                times: seen.times,
                kinds: seen.kinds.iter().cloned().collect(),
                form: seen.form.clone(),
                at: seen.at,
            }
        };
        let gone = |(member, at): (&String, &Timestamp)| DriftFinding {
            what: DriftKind::Gone,
            member: member.clone(),
            times: 0,
            kinds: Vec::new(),
            form: None,
            at: *at,
        };
        let changed = self.misfits.iter().map(of(DriftKind::Changed));
        let finer = self.finer.iter().map(of(DriftKind::Finer));
        let gone = self.gone.iter().map(gone);
        let converted = self.converted.iter().map(of(DriftKind::Converted));
        let new = self.unknown.iter().map(of(DriftKind::New));
        changed.chain(finer).chain(gone).chain(converted).chain(new).collect()
    }

    /// Returns the findings of one run alone, without those that did not occur in it.
    #[must_use]
    pub fn findings_of(&self, look: &DriftLook) -> Vec<DriftFinding> {
        let mut findings = self.findings();
        findings.retain_mut(|finding| {
            let member = &finding.member;
            let values = match finding.what {
                DriftKind::Changed => &look.misfits,
                DriftKind::Finer => &look.finer,
                DriftKind::Converted => &look.converted,
                DriftKind::New => {
                    finding.times = look.unknown.get(member).copied().unwrap_or_default();
                    return finding.times > 0;
                }
                DriftKind::Gone => {
                    return look.declared.get(member).is_some_and(|seen| seen.objects >= ENOUGH);
                }
            };
            finding.times = values.get(member).map(|seen| seen.times).unwrap_or_default();
            finding.times > 0
        });
        findings
    }
}

/// Returns a number that another declaration does not have: where one member took another's place,
/// none of those known before was that member. The hash may change with a release of Rust; then
/// nothing is known of members for one look, as with a new declaration.
fn digest(declared: &BTreeMap<String, MemberPresence>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in declared.keys() {
        path.hash(&mut hasher);
    }
    hasher.finish()
}

fn sightings(
    before: &BTreeMap<String, MemberSightings>,
    now: &BTreeMap<String, DeviatingValues>,
    most: usize,
    run: DriftRun<'_>,
) -> BTreeMap<String, MemberSightings> {
    let mut after = before.clone();
    for (path, values) in now {
        if after.len() >= most && !after.contains_key(path) {
            continue;
        }
        let seen = after.entry(path.clone()).or_insert_with(|| MemberSightings {
            times: 0,
            kinds: BTreeSet::new(),
            form: None,
            at: Timestamp::UNIX_EPOCH,
        });
        seen.times = match run.pass {
            Pass::Incremental => seen.times.max(values.times),
            Pass::Full if seen.at >= run.pass_began => seen.times.saturating_add(values.times),
            Pass::Full => values.times,
        };
        if run.pass == Pass::Full && seen.at < run.pass_began {
            seen.kinds.clear();
            seen.form = None;
        }
        seen.kinds.extend(values.kinds.iter().map(|&kind| kind.to_owned()));
        seen.form = seen.form.take().or_else(|| values.form.clone());
        seen.at = run.now;
    }
    if run.pass == Pass::Full && run.completes {
        after.retain(|_, seen| seen.at >= run.pass_began);
    }
    after
}

#[cfg(test)]
mod tests;
