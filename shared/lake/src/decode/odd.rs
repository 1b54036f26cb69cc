//! What of a record no column holds: collected by path, kept raw in `extra_json`, counted.
//!
//! A path joins member names with `.` and appends `[index]` for list items: `line_items[2].amount`.
//! In a name the characters `.` `[` `]` `#` and `\` are preceded by `\`, so no two places have one
//! path. Of a member that an object holds several times the last counts; the earlier ones are kept
//! as `name#1`, `name#2`, and counted as `name#`.

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};

use super::presence::Presence;
use super::raw;

/// One step from a value to a value inside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// To a declared member.
    Member(&'static str),
    /// To an item of a list.
    Item(usize),
}

/// Why a value is kept raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its column cannot hold it.
    Misfit,
    /// There is no column for it.
    Unknown,
}

/// One value that is kept raw.
#[derive(Debug)]
struct Finding<'de> {
    path: String,
    counted: String,
    raw: &'de str,
    why: Why,
}

/// What of the current record no column holds.
#[derive(Debug, Default)]
pub(super) struct Odd<'de> {
    pub(super) presence: Presence,
    steps: Vec<Step>,
    findings: Vec<Finding<'de>>,
}

/// How often each path held what no column holds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) misfits: BTreeMap<String, u64>,
    /// What kinds of value the misfits were.
    pub(super) kinds: BTreeMap<String, BTreeSet<&'static str>>,
    pub(super) unknown: BTreeMap<String, u64>,
    pub(super) presence: Presence,
}

impl<'de> Odd<'de> {
    pub(super) fn enter(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn leave(&mut self) {
        self.steps.pop();
    }

    /// The value at the current path does not fit.
    pub(super) fn misfit_here(&mut self, raw: &'de str) {
        let (path, counted) = self.paths();
        self.findings.push(Finding { path, counted, raw, why: Why::Misfit });
    }

    /// The value one step further does not fit.
    pub(super) fn misfit(&mut self, step: Step, raw: &'de str) {
        self.enter(step);
        self.misfit_here(raw);
        self.leave();
    }

    /// The current object's member `name` is not declared.
    pub(super) fn unknown(&mut self, name: &str, raw: &'de str) {
        let (mut path, mut counted) = self.paths();
        for path in [&mut path, &mut counted] {
            push_name(path, self.steps.is_empty(), name);
        }
        self.findings.push(Finding { path, counted, raw, why: Why::Unknown });
    }

    /// The current object's member `name` came again after this, its `nth` occurrence.
    pub(super) fn repeated(&mut self, name: &str, nth: usize, raw: &'de str) {
        let (mut path, mut counted) = self.paths();
        for path in [&mut path, &mut counted] {
            push_name(path, self.steps.is_empty(), name);
        }
        path.push('#');
        path.push_str(&nth.to_string());
        counted.push('#');
        self.findings.push(Finding { path, counted, raw, why: Why::Unknown });
    }

    /// Whether the value at `path`, or one that it lies in, does not fit.
    pub(super) fn has_misfit_at(&self, path: &str) -> bool {
        self.findings.iter().any(|finding| {
            finding.why == Why::Misfit
                && path
                    .strip_prefix(finding.counted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Whether two findings have one path: a member came twice.
    pub(super) fn is_ambiguous(&mut self) -> bool {
        if self.findings.len() < 2 {
            return false;
        }
        self.sort();
        let pairs = self.findings.iter().zip(self.findings.iter().skip(1));
        pairs.into_iter().any(|(one, next)| one.path == next.path)
    }

    /// Forgets the record's findings.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.findings.clear();
    }

    /// Counts the record's findings and forgets them; answers the row's `extra_json`.
    pub(super) fn settle(&mut self, tally: &mut Tally) -> Option<String> {
        if self.findings.is_empty() {
            return None;
        }
        self.sort();
        let mut json = String::new();
        for finding in self.findings.drain(..) {
            json.push(if json.is_empty() { '{' } else { ',' });
            push_json_text(&mut json, &finding.path);
            json.push(':');
            json.push_str(finding.raw);
            let counts = match finding.why {
                Why::Misfit => {
                    let kinds = tally.kinds.entry(finding.counted.clone()).or_default();
                    kinds.insert(raw::kind(finding.raw));
                    &mut tally.misfits
                }
                Why::Unknown => &mut tally.unknown,
            };
            *counts.entry(finding.counted).or_default() += 1;
        }
        json.push('}');
        Some(json)
    }

    fn sort(&mut self) {
        self.findings.sort_by(|one, other| one.path.cmp(&other.path));
    }

    /// The current path, and the same with list indices left out.
    fn paths(&self) -> (String, String) {
        let (mut path, mut counted) = (String::new(), String::new());
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Member(name) => {
                    push_name(&mut path, at == 0, name);
                    push_name(&mut counted, at == 0, name);
                }
                Step::Item(index) => {
                    for part in ["[", &index.to_string(), "]"] {
                        path.push_str(part);
                    }
                    counted.push_str("[]");
                }
            }
        }
        (path, counted)
    }
}

/// Adds one name to a path.
pub(super) fn push_name(path: &mut String, is_first: bool, name: &str) {
    if !is_first {
        path.push('.');
    }
    for letter in name.chars() {
        if matches!(letter, '.' | '[' | ']' | '#' | '\\') {
            path.push('\\');
        }
        path.push(letter);
    }
}

/// Adds `text` as a JSON string.
pub(super) fn push_json_text(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                // Writing to a text cannot fail.
                write!(json, "\\u{:04x}", u32::from(control)).unwrap_or_default();
            }
            other => json.push(other),
        }
    }
    json.push('"');
}
