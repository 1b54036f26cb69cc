//! Places in a JSON document.

use bolero::TypeGenerator;

use crate::tree::JsonTree;

/// Levels that count as the outer part of a document.
const OUTER: usize = 2;

/// Choice of one member or item of a document. Numbers are taken modulo their count.
#[derive(Clone, Copy, Debug, TypeGenerator)]
pub(crate) enum SlotChoice {
    /// Any.
    Anywhere(u16),
    /// One of the outer part.
    Outside(u8),
}

impl SlotChoice {
    const fn depth(self) -> usize {
        match self {
            Self::Anywhere(_) => usize::MAX,
            Self::Outside(_) => OUTER,
        }
    }

    /// Calls `act` with the value that has the slot, and the place of the slot in it; not at all if
    /// the document has no slot.
    pub(crate) fn act(self, tree: &mut JsonTree, mut act: impl FnMut(&mut JsonTree, usize)) {
        let number = match self {
            Self::Anywhere(number) => usize::from(number),
            Self::Outside(number) => usize::from(number),
        };
        let slots = tree.slots(self.depth());
        if slots > 0 {
            let found = tree.at_slot(number % slots, self.depth(), &mut act);
            assert!(found.is_ok(), "every slot below the count is found");
        }
    }

    /// Returns the value of the slot.
    pub(crate) fn value(self, tree: &mut JsonTree) -> Option<JsonTree> {
        let mut value = None;
        self.act(tree, |parent, at| value = Some(parent.child(at).clone()));
        value
    }
}
