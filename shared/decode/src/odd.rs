//! Collects values of a record that are not as declared, by path; counts them and keeps those
//! without a column raw in `extra_json`.
//!
//! A path joins member names with `.` and appends `[index]` for list items: `line_items[2].amount`.
//! In a name the characters `.` `[` `]` `#` and `\` are preceded by `\`, so each place has its own
//! path. If an object repeats a member, the last occurrence counts; earlier ones are kept as
//! `name#1`, `name#2` and counted as `name#`. Values that strict JSON readers would refuse are kept
//! as text in a JSON string, under their path followed by `#json`.
//!
//! Example: the record
//!
//! ```text
//! {"id": 1, "id": 7, "hours": 1.5, "mood": "ok", "tasks": [{"budget": "much"}]}
//! ```
//!
//! of a stream that declares no `mood` has the row with `id` 7 and
//!
//! ```text
//! {"id#1": 1, "mood": "ok", "tasks[0].budget": "much"}
//! ```
//!
//! in `extra_json`. Counted are `id#` and `mood` as unknown members, `tasks[].budget` as a misfit.
//!
//! Readers of the table query `extra_json`, and `path` and `lift` read it back, so this form is
//! part of the format of the lake.

use core::fmt::Write as _;

use super::buffer::CellOutcome;
use super::name::push_name;
use super::observed::MemberDeviations;
use super::presence::PresenceCounts;
use super::{form, literal, raw, strict};

/// Ending of the path of a value that is kept as text. No other path ends so: a `#` of a name is
/// escaped, and a number follows the `#` of a repeated member.
pub(super) const AS_TEXT: &str = "#json";

/// One step from a value to a value inside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum ValueStep {
    /// Step to a declared member.
    Member(&'static str),
    /// Step to an item of a list.
    Item(usize),
}

/// Reason why a value is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OddReason {
    /// The value does not fit its column and is kept raw.
    Misfit,
    /// The value has too many decimal places for its column and is kept raw.
    Finer,
    /// The value has no column and is kept raw.
    Unknown,
    /// The value is in its column but came in another JSON type or form.
    Converted,
}

/// A value that is recorded. `path` is its place in the record, `counted` the same without list
/// indices and numbers of occurrences.
#[derive(Debug)]
struct OddValue<'de> {
    path: String,
    counted: String,
    raw: &'de str,
    why: OddReason,
}

/// Values of the current record that have no column, or came in another form than declared.
///
/// `steps` is the path to the value that is being read. Only `presence` outlives the record: it is
/// collected over the page.
#[derive(Debug, Default)]
pub(super) struct OddValues<'de> {
    pub(super) presence: PresenceCounts,
    steps: Vec<ValueStep>,
    findings: Vec<OddValue<'de>>,
}

impl OddReason {
    /// Reason to record a value with this outcome, if any.
    const fn of(put: CellOutcome) -> Option<Self> {
        match put {
            CellOutcome::Stored => None,
            CellOutcome::Converted => Some(Self::Converted),
            CellOutcome::Misfit => Some(Self::Misfit),
            CellOutcome::Finer => Some(Self::Finer),
        }
    }

    /// Whether the value has a column, which is null because of it.
    const fn costs_value(self) -> bool {
        match self {
            Self::Misfit | Self::Finer => true,
            Self::Unknown | Self::Converted => false,
        }
    }

    /// Whether the value is kept raw because no column holds it.
    const fn keeps_raw(self) -> bool {
        match self {
            Self::Misfit | Self::Finer | Self::Unknown => true,
            Self::Converted => false,
        }
    }
}

impl<'de> OddValues<'de> {
    /// Goes one step down the path. Each call is followed by one of `leave`, unless reading fails.
    pub(super) fn enter(&mut self, step: ValueStep) {
        self.steps.push(step);
    }

    /// Goes one step up the path.
    pub(super) fn leave(&mut self) {
        self.steps.pop();
    }

    /// Records that the value at the current path does not fit.
    pub(super) fn misfit(&mut self, raw: &'de str) {
        self.put(CellOutcome::Misfit, raw);
    }

    /// Records the outcome of putting the value at the current path into its column.
    pub(super) fn put(&mut self, put: CellOutcome, raw: &'de str) {
        if let Some(why) = OddReason::of(put) {
            let (path, counted) = self.paths();
            self.findings.push(OddValue { path, counted, raw, why });
        }
    }

    /// Records the outcome of putting the value one step below the current path into its column.
    /// Does nothing for a value that is stored, which is the usual case and must cost nothing.
    pub(super) fn put_at(&mut self, step: ValueStep, put: CellOutcome, raw: &'de str) {
        if put != CellOutcome::Stored {
            self.enter(step);
            self.put(put, raw);
            self.leave();
        }
    }

    /// Records an undeclared member `name` of the current object.
    pub(super) fn unknown(&mut self, name: &str, raw: &'de str) {
        let (mut path, mut counted) = self.paths();
        for path in [&mut path, &mut counted] {
            push_name(path, self.steps.is_empty(), name);
        }
        self.findings.push(OddValue { path, counted, raw, why: OddReason::Unknown });
    }

    /// Records the `nth` occurrence of member `name` of the current object, which is followed by
    /// another.
    pub(super) fn repeated(&mut self, name: &str, nth: usize, raw: &'de str) {
        let (mut path, mut counted) = self.paths();
        for path in [&mut path, &mut counted] {
            push_name(path, self.steps.is_empty(), name);
        }
        path.push('#');
        path.push_str(&nth.to_string());
        counted.push('#');
        self.findings.push(OddValue { path, counted, raw, why: OddReason::Unknown });
    }

    /// Whether the value at `path`, or a value around it, does not fit.
    ///
    /// The ids of a record may lie in an object (`user.id`). If that object is a text, no misfit
    /// has the path of the id, but one has the path of the object.
    pub(super) fn has_misfit_at(&self, path: &str) -> bool {
        self.findings.iter().any(|finding| {
            finding.why.costs_value()
                && path
                    .strip_prefix(finding.counted.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Whether two findings have the same path, because a member is repeated. `fast` does not
    /// number occurrences, so it asks this after each record.
    pub(super) fn is_ambiguous(&mut self) -> bool {
        if self.findings.len() < 2 {
            return false;
        }
        self.sort();
        let pairs = self.findings.iter().zip(self.findings.iter().skip(1));
        pairs.into_iter().any(|(one, next)| one.path == next.path)
    }

    /// Drops the findings of the record, which is then ready for the next one.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        self.findings.clear();
    }

    /// Counts the findings of the record, drops them, and returns the row's `extra_json`; `None` if
    /// no value needs to be kept raw.
    ///
    /// The members are in the order of their paths. So the same record gives the same text,
    /// whatever the order of its members, and does not count as changed because of it.
    pub(super) fn settle(&mut self, observed: &mut MemberDeviations) -> Option<String> {
        if self.findings.is_empty() {
            return None;
        }
        self.sort();
        let mut json = String::new();
        for finding in self.findings.drain(..) {
            if finding.why.keeps_raw() {
                json.push(if json.is_empty() { '{' } else { ',' });
                push_kept(&mut json, &finding.path, finding.raw);
            }
            let values = match finding.why {
                OddReason::Misfit => &mut observed.misfits,
                OddReason::Finer => &mut observed.finer,
                OddReason::Converted => &mut observed.converted,
                OddReason::Unknown => {
                    *observed.unknown.entry(finding.counted).or_default() += 1;
                    continue;
                }
            };
            let values = values.entry(finding.counted).or_default();
            values.times += 1;
            values.kinds.insert(kind(finding.raw));
            values.form.get_or_insert_with(|| form::of(finding.raw));
        }
        (!json.is_empty()).then(|| json + "}")
    }

    /// Sorts the findings by path. No two paths are equal when a row is made: `careful` numbers
    /// repeated members, and `fast` gives up on them.
    fn sort(&mut self) {
        self.findings.sort_by(|one, other| one.path.cmp(&other.path));
    }

    /// Current path, and the same path without list indices.
    fn paths(&self) -> (String, String) {
        let (mut path, mut counted) = (String::new(), String::new());
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                ValueStep::Member(name) => {
                    push_name(&mut path, at == 0, name);
                    push_name(&mut counted, at == 0, name);
                }
                ValueStep::Item(index) => {
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

/// Type of a value, for people. Text that no column can hold is named as such; a message of a text
/// that does not fit a text column would puzzle its reader.
fn kind(raw: &str) -> &'static str {
    match raw::kind(raw) {
        "text" if literal::text(raw).is_none() => "text with half a surrogate pair",
        kind => kind,
    }
}

/// Appends the path and its raw value: as it is, or as text if strict readers would refuse it.
fn push_kept(json: &mut String, path: &str, raw: &str) {
    if strict::is_strict(raw) {
        push_json_text(json, path);
        json.push(':');
        json.push_str(raw);
    } else {
        push_json_text(json, &format!("{path}{AS_TEXT}"));
        json.push(':');
        push_json_text(json, raw);
    }
}

/// Appends `text` as a JSON string. Escapes only what JSON requires: quotes, backslashes and
/// control characters (RFC 8259, section 7).
pub(super) fn push_json_text(json: &mut String, text: &str) {
    json.push('"');
    for letter in text.chars() {
        match letter {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                // Writing to a string cannot fail.
                write!(json, "\\u{:04x}", u32::from(control)).unwrap_or_default();
            }
            other => json.push(other),
        }
    }
    json.push('"');
}
