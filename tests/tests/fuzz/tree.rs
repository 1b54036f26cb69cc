//! JSON as a tree that keeps the text of numbers, repeated members and odd names.

use lives::naive::json::{JsonKind, kind, quoted};

/// A JSON value, or a text in place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonTree {
    /// Text of the value as it is written.
    Literal(String),
    /// A list.
    List(Vec<JsonTree>),
    /// The members in their order. Names are JSON strings as they are written.
    Object(Vec<(String, JsonTree)>),
}

impl JsonTree {
    /// Returns the tree of a valid JSON value.
    pub(crate) fn of(raw: &str) -> Self {
        match kind(raw) {
            JsonKind::List(items) => Self::List(items.into_iter().map(Self::of).collect()),
            JsonKind::Object(Some(members)) => {
                let members = members.into_iter();
                Self::Object(members.map(|(name, raw)| (quoted(&name), Self::of(raw))).collect())
            }
            JsonKind::Null
            | JsonKind::Flag(_)
            | JsonKind::Number(_)
            | JsonKind::Text(_)
            | JsonKind::Object(None) => Self::Literal(raw.to_owned()),
        }
    }

    /// Returns the tree of a text: a literal if it is no JSON.
    pub(crate) fn of_text(text: &str) -> Self {
        match serde_json::from_str::<&serde_json::value::RawValue>(text) {
            Ok(raw) => Self::of(raw.get()),
            Err(_) => Self::Literal(text.to_owned()),
        }
    }

    /// Returns the text, with white space between its parts if `spaced`.
    pub(crate) fn text(&self, spaced: bool) -> String {
        let mut text = String::new();
        self.write(&mut text, if spaced { "\n\t " } else { "" });
        text
    }

    fn write(&self, text: &mut String, space: &str) {
        let mut separator = "";
        match self {
            Self::Literal(raw) => text.push_str(raw),
            Self::List(items) => {
                text.push('[');
                for item in items {
                    text.push_str(separator);
                    text.push_str(space);
                    item.write(text, space);
                    separator = ",";
                }
                text.push_str(space);
                text.push(']');
            }
            Self::Object(members) => {
                text.push('{');
                for (name, value) in members {
                    text.push_str(separator);
                    text.push_str(space);
                    text.push_str(name);
                    text.push_str(space);
                    text.push(':');
                    value.write(text, space);
                    separator = ",";
                }
                text.push_str(space);
                text.push('}');
            }
        }
    }

    /// Number of members and items in the value itself.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Literal(_) => 0,
            Self::List(items) => items.len(),
            Self::Object(members) => members.len(),
        }
    }

    /// Returns the member or item at `place`, below `len`.
    pub(crate) fn child(&self, place: usize) -> &Self {
        match self {
            Self::Literal(_) => self,
            Self::List(items) => &items[place],
            Self::Object(members) => &members[place].1,
        }
    }

    /// Returns the same, for change.
    pub(crate) fn child_mut(&mut self, place: usize) -> &mut Self {
        match self {
            Self::Literal(_) => self,
            Self::List(items) => &mut items[place],
            Self::Object(members) => &mut members[place].1,
        }
    }

    /// Number of members and items in the value and everything in it, down to `depth` levels.
    pub(crate) fn slots(&self, depth: usize) -> usize {
        let Some(below) = depth.checked_sub(1) else { return 0 };
        (0..self.len()).map(|place| 1 + self.child(place).slots(below)).sum()
    }

    /// Calls `act` with the value that has the slot `number`, and the place of the slot in it.
    /// Slots are counted as they are written.
    pub(crate) fn at_slot<R>(
        &mut self,
        number: usize,
        depth: usize,
        act: &mut dyn FnMut(&mut Self, usize) -> R,
    ) -> Result<R, usize> {
        let Some(below) = depth.checked_sub(1) else { return Err(number) };
        let mut left = number;
        for place in 0..self.len() {
            if left == 0 {
                return Ok(act(self, place));
            }
            match self.child_mut(place).at_slot(left - 1, below, act) {
                Ok(result) => return Ok(result),
                Err(rest) => left = rest,
            }
        }
        Err(left)
    }
}
