//! Agreement of a state item with the table that exists.

use crate::item::{StreamItem, TableMark};

/// Relation of a state item to the table that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Testimony {
    /// The item describes this version of the table.
    True,
    /// The item describes an earlier or a later version: the log is right.
    Outdated,
    /// The item describes another table: the log is right, and the item is wrong about files, too.
    OfAnother,
}

impl StreamItem {
    /// Compares the item with the table `mark` at `version`. Items of earlier releases know the
    /// version alone.
    #[must_use]
    pub fn testimony(&self, version: u64, mark: &TableMark) -> Testimony {
        let Some(known) = &self.table else {
            return if version == self.version { Testimony::True } else { Testimony::Outdated };
        };
        if known.id != mark.id {
            return Testimony::OfAnother;
        }
        let told = known.commit.as_ref().zip(mark.commit.as_ref());
        let same_commit = told.is_none_or(|(known, there)| known == there);
        if version != self.version {
            Testimony::Outdated
        } else if same_commit {
            Testimony::True
        } else {
            // Same version, other commit: a copy of the table that diverged at an earlier version.
            Testimony::OfAnother
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(id: &str, commit: Option<&str>) -> TableMark {
        TableMark { id: id.to_owned(), commit: commit.map(str::to_owned) }
    }

    #[test]
    fn an_item_is_true_of_its_table_at_its_commit_and_of_nothing_else() {
        let check = |known: Option<TableMark>, version, there: TableMark, expected| {
            let item = StreamItem { version: 5, table: known.clone(), ..StreamItem::default() };
            assert_eq!(item.testimony(version, &there), expected, "{known:?} {version} {there:?}");
        };
        let (a, other) = (mark("a", Some("1-2")), mark("b", Some("1-2")));
        let (copy, untold) = (mark("a", Some("9-2")), mark("a", None));
        check(Some(a.clone()), 5, a.clone(), Testimony::True);
        check(Some(a.clone()), 6, a.clone(), Testimony::Outdated);
        check(Some(a.clone()), 4, copy.clone(), Testimony::Outdated);
        check(Some(a.clone()), 5, copy, Testimony::OfAnother);
        check(Some(a.clone()), 5, other.clone(), Testimony::OfAnother);
        check(Some(a.clone()), 6, other, Testimony::OfAnother);
        // The log was cleaned of the commit, or had none yet.
        check(Some(a.clone()), 5, untold.clone(), Testimony::True);
        check(Some(untold), 5, a.clone(), Testimony::True);
        // An earlier release wrote the item.
        check(None, 5, a.clone(), Testimony::True);
        check(None, 6, a, Testimony::Outdated);
    }
}
