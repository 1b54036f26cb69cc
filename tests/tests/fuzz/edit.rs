//! Changes of documents: of JSON by its parts, then of bytes.

use bolero::TypeGenerator;

use crate::odd::{OddName, OddValue};
use crate::place::SlotChoice;
use crate::tree::JsonTree;

/// Number of values above which a document does not grow further.
const MOST_VALUES: usize = 4_000;

/// Changes of a JSON document, in their order.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct TreeEdits(
    #[generator(bolero::produce::<Vec<TreeEdit>>().with().len(0..=6usize))] Vec<TreeEdit>,
);

/// One change of a JSON document.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct TreeEdit {
    slot: SlotChoice,
    change: SlotChange,
}

/// Change of one member of an object, or of one item of a list.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum SlotChange {
    /// It gets another value.
    Replace(OddValue),
    /// It goes away.
    Remove,
    /// It comes a second time.
    Repeat,
    /// It comes a second time with another value, which is the first or the last of them.
    RepeatWith { value: OddValue, first: bool },
    /// It gets another name.
    Rename(OddName),
    /// It gets the value of another slot.
    Copy(SlotChoice),
    /// It trades its value with another slot.
    Swap(SlotChoice),
    /// A new member or item comes before it.
    Insert { name: OddName, value: OddValue },
    /// It is put into a list or an object.
    Wrap { object: bool },
    /// It comes many times.
    Multiply(u8),
}

/// Changes of bytes, which most inputs do not have.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct ByteEdits {
    rarely: u8,
    edit: ByteEdit,
}

/// One change of bytes. Places are taken modulo the length.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum ByteEdit {
    /// The rest is missing.
    Cut(u16),
    /// Bits of one byte differ.
    Flip { at: u16, bits: u8 },
    /// There are further bytes.
    Insert {
        at: u16,
        #[generator(bolero::produce::<Vec<u8>>().with().len(0..=8usize))]
        bytes: Vec<u8>,
    },
    /// Some bytes are missing.
    Remove { at: u16, length: u8 },
    /// Some bytes come twice.
    Repeat { at: u16, length: u8 },
}

impl TreeEdits {
    /// Applies the changes.
    pub(crate) fn apply(&self, tree: &mut JsonTree) {
        for edit in &self.0 {
            edit.apply(tree);
        }
    }
}

impl TreeEdit {
    fn apply(&self, tree: &mut JsonTree) {
        let full = tree.slots(usize::MAX) > MOST_VALUES;
        match &self.change {
            SlotChange::Copy(other) => {
                if let Some(value) = other.value(tree)
                    && !full
                {
                    self.slot.act(tree, |parent, at| *parent.child_mut(at) = value.clone());
                }
            }
            SlotChange::Swap(other) => {
                if let (Some(here), Some(there)) = (self.slot.value(tree), other.value(tree))
                    && !full
                {
                    self.slot.act(tree, |parent, at| *parent.child_mut(at) = there.clone());
                    other.act(tree, |parent, at| *parent.child_mut(at) = here.clone());
                }
            }
            SlotChange::Rename(name) => {
                let name = raw_name(name, tree);
                self.slot.act(tree, |parent, at| {
                    if let JsonTree::Object(members) = parent {
                        members[at].0.clone_from(&name);
                    }
                });
            }
            SlotChange::Insert { name, value } => {
                let (name, value) = (raw_name(name, tree), JsonTree::Literal(value.raw()));
                self.slot.act(tree, |parent, at| insert(parent, at, name.clone(), value.clone()));
            }
            SlotChange::Replace(value) => {
                let value = JsonTree::Literal(value.raw());
                self.slot.act(tree, |parent, at| *parent.child_mut(at) = value.clone());
            }
            SlotChange::Remove => self.slot.act(tree, remove),
            SlotChange::Repeat => self.slot.act(tree, |parent, at| repeat(parent, at, 1)),
            SlotChange::Multiply(times) => {
                let times = if full { 1 } else { usize::from(*times) };
                self.slot.act(tree, |parent, at| repeat(parent, at, times));
            }
            SlotChange::RepeatWith { value, first } => {
                let value = JsonTree::Literal(value.raw());
                self.slot.act(tree, |parent, at| {
                    let name = name_at(parent, at);
                    insert(parent, at + usize::from(!first), name, value.clone());
                });
            }
            SlotChange::Wrap { object } => self.slot.act(tree, |parent, at| {
                let inner = parent.child(at).clone();
                *parent.child_mut(at) = if *object {
                    JsonTree::Object(vec![(name_at(parent, at), inner)])
                } else {
                    JsonTree::List(vec![inner])
                };
            }),
        }
    }
}

fn raw_name(name: &OddName, tree: &mut JsonTree) -> String {
    name.raw(|which| {
        let mut found = "\"\"".to_owned();
        SlotChoice::Anywhere(which).act(tree, |parent, at| found = name_at(parent, at));
        found
    })
}

/// Returns the name of a member as it is written; that of an item is empty.
fn name_at(parent: &JsonTree, at: usize) -> String {
    match parent {
        JsonTree::Object(members) => members[at].0.clone(),
        JsonTree::Literal(_) | JsonTree::List(_) => "\"\"".to_owned(),
    }
}

fn remove(parent: &mut JsonTree, at: usize) {
    match parent {
        JsonTree::Literal(_) => {}
        JsonTree::List(items) => drop(items.remove(at)),
        JsonTree::Object(members) => drop(members.remove(at)),
    }
}

fn insert(parent: &mut JsonTree, at: usize, name: String, value: JsonTree) {
    match parent {
        JsonTree::Literal(_) => {}
        JsonTree::List(items) => items.insert(at, value),
        JsonTree::Object(members) => members.insert(at, (name, value)),
    }
}

fn repeat(parent: &mut JsonTree, at: usize, times: usize) {
    match parent {
        JsonTree::Literal(_) => {}
        JsonTree::List(items) => {
            let item = items[at].clone();
            items.splice(at..at, core::iter::repeat_n(item, times));
        }
        JsonTree::Object(members) => {
            let member = members[at].clone();
            members.splice(at..at, core::iter::repeat_n(member, times));
        }
    }
}

impl ByteEdits {
    /// Whether there is a change.
    pub(crate) const fn is_some(&self) -> bool {
        self.rarely > 200
    }

    /// Applies the change.
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        if self.is_some() {
            self.edit.apply(bytes);
        }
    }
}

impl ByteEdit {
    /// Applies the change.
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u16| usize::from(at) % (bytes.len() + 1);
        let range = |at: u16, length: u8| {
            let start = place(at);
            start..(start + usize::from(length)).min(bytes.len())
        };
        match self {
            Self::Cut(at) => bytes.truncate(place(*at)),
            Self::Flip { at, bits } => {
                let at = place(*at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Self::Insert { at, bytes: new } => {
                let at = place(*at);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Remove { at, length } => drop(bytes.drain(range(*at, *length))),
            Self::Repeat { at, length } => {
                let range = range(*at, *length);
                let again = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, again);
            }
        }
    }
}
