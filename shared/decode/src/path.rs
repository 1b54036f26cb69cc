//! Parses the paths in `extra_json`.
//!
//! `lift` needs the place of each kept value in order to rebuild a record. The grammar is the one
//! that `odd` writes:
//!
//! ```text
//! path  = name, { "[" number "]" }, { "." name, { "[" number "]" } }, [ "#" number ], [ "#json" ]
//! ```
//!
//! Rows may come from other programs or other releases. A path outside of this grammar gives
//! `None`, and its row then stays as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::odd::AS_TEXT;
use super::strict;

/// Content of `extra_json` at one place of a record and below it.
#[derive(Debug, Default)]
pub(super) struct ExtraNode<'a> {
    /// Value at this place, if it is kept whole.
    pub(super) raw: Option<Cow<'a, str>>,
    /// Earlier occurrences of a repeated member, by number.
    pub(super) repeats: BTreeMap<usize, Cow<'a, str>>,
    /// Places of its members.
    pub(super) members: BTreeMap<String, ExtraNode<'a>>,
    /// Places of its items.
    pub(super) items: BTreeMap<usize, ExtraNode<'a>>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PathStep {
    /// Step to a member.
    Member(String),
    /// Step to an item of a list.
    Item(usize),
    /// Step to an earlier occurrence of the preceding member.
    Repeat(usize),
}

impl<'a> ExtraNode<'a> {
    /// Root place of a record; `None` if a path is not one of ours.
    ///
    /// Example: the paths `client`, `lines[2].amount` and `notes#1` give a root with the members
    /// `client` (raw), `lines` (item 2 with the member `amount`) and `notes` (earlier occurrence
    /// 1).
    pub(super) fn of(members: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut root = Self::default();
        for (path, raw) in members {
            // Unwraps a value kept as text, so that `raw` is the value as Harvest sent it.
            let (path, raw) = kept(path, raw)?;
            let mut place = &mut root;
            let mut steps = steps(path)?.into_iter().peekable();
            loop {
                place = match steps.next()? {
                    PathStep::Member(name) => place.members.entry(name).or_default(),
                    PathStep::Item(index) => place.items.entry(index).or_default(),
                    // `steps` yields a repeat only as the last step, so nothing is below it.
                    PathStep::Repeat(nth) => {
                        place.repeats.insert(nth, raw);
                        break;
                    }
                };
                if steps.peek().is_none() {
                    place.raw = Some(raw);
                    break;
                }
            }
        }
        Some(root)
    }

    /// Whether there is nothing below this place.
    pub(super) fn is_leaf(&self) -> bool {
        self.members.is_empty() && self.items.is_empty()
    }
}

/// Path and raw value for a member of `extra_json`; `None` if it is not one of ours. Undoes the
/// text form of values that strict readers would refuse: `"total#json": "1e400"` gives `total` and
/// `1e400`.
pub(super) fn kept<'a>(name: &'a str, value: &'a str) -> Option<(&'a str, Cow<'a, str>)> {
    match name.strip_suffix(AS_TEXT) {
        // In a member name that ends this way, the `#` is escaped by `\`.
        Some(path) if !ends_escaping(path) => Some((path, Cow::Owned(strict::unwrapped(value)?))),
        _ => Some((name, Cow::Borrowed(value))),
    }
}

/// Whether the path ends with a `\` that escapes the next character. Two of them are one escaped
/// `\`, hence the odd number.
fn ends_escaping(path: &str) -> bool {
    let slashes = path.len() - path.trim_end_matches('\\').len();
    slashes % 2 == 1
}

/// Steps of a path in the form of `odd`; `None` for other forms.
pub(super) fn steps(path: &str) -> Option<Vec<PathStep>> {
    let mut steps = Vec::new();
    let mut letters = path.chars().peekable();
    loop {
        // A name may be empty.
        let mut name = String::new();
        while let Some(letter) = letters.next_if(|letter| !matches!(letter, '.' | '[' | ']' | '#'))
        {
            name.push(if letter == '\\' { letters.next()? } else { letter });
        }
        steps.push(PathStep::Member(name));
        while letters.next_if_eq(&'[').is_some() {
            steps.push(PathStep::Item(number(&mut letters)?));
            letters.next_if_eq(&']')?;
        }
        if letters.next_if_eq(&'#').is_some() {
            steps.push(PathStep::Repeat(number(&mut letters)?));
            return letters.next().is_none().then_some(steps);
        }
        match letters.next() {
            None => return Some(steps),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

/// Digits of an index. `None` if there are none, or if they do not fit a `usize`.
fn number(letters: &mut core::iter::Peekable<core::str::Chars<'_>>) -> Option<usize> {
    let mut digits = String::new();
    while let Some(digit) = letters.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> PathStep {
        PathStep::Member(name.to_owned())
    }

    #[test]
    fn a_path_gives_its_steps() {
        for (path, expected) in [
            ("notes", vec![member("notes")]),
            ("", vec![member("")]),
            ("client.", vec![member("client"), member("")]),
            ("a.b.c", vec![member("a"), member("b"), member("c")]),
            ("lines[2].amount", vec![member("lines"), PathStep::Item(2), member("amount")]),
            (r"lines\[0\]", vec![member("lines[0]")]),
            (r"a\.b\\#12", vec![member(r"a.b\"), PathStep::Repeat(12)]),
            ("roles[1]", vec![member("roles"), PathStep::Item(1)]),
        ] {
            assert_eq!(steps(path), Some(expected), "{path}");
        }
        for foreign in ["a[", "a[x]", "a]", "a#", "a#1.b", "a#x", r"a\", "a[1]b"] {
            assert_eq!(steps(foreign), None, "{foreign}");
        }
    }
}
