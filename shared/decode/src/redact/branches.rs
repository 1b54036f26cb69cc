//! Treatments of members, as a tree by their names.

use std::collections::BTreeMap;

/// Treatment of the members of an object, by name. Members without an entry are kept.
pub(super) type MemberBranches = BTreeMap<String, RedactionBranch>;

/// Treatment of a member. Of several occurrences only the last is kept.
#[derive(Clone, Debug)]
pub(super) enum RedactionBranch {
    /// The member is removed.
    Exclude,
    /// The value is replaced by its hash.
    Hash,
    /// The last occurrence is kept as it is.
    Last,
    /// Members of the object, or of each object of the list, are treated.
    Inside(MemberBranches),
}

/// Whether any of the rules removes or changes something.
pub(super) fn takes_out(rules: &MemberBranches) -> bool {
    rules.values().any(|branch| match branch {
        RedactionBranch::Exclude | RedactionBranch::Hash => true,
        RedactionBranch::Last => false,
        RedactionBranch::Inside(inner) => takes_out(inner),
    })
}

/// Adds a rule. An exclusion or hash of the whole wins over a rule for a part, whichever came
/// first. `Last` replaces no other rule, but it also hides later rules for parts. Hence the order
/// of the callers: privacy rules first, then exclusions, then `Last`.
pub(super) fn insert(members: &mut MemberBranches, path: &[String], leaf: RedactionBranch) {
    let Some((first, rest)) = path.split_first() else { return };
    let branch = members.entry(first.clone());
    if rest.is_empty() {
        if matches!(leaf, RedactionBranch::Last) {
            branch.or_insert(leaf);
        } else {
            branch.insert_entry(leaf);
        }
        return;
    }
    if let RedactionBranch::Inside(inner) =
        branch.or_insert_with(|| RedactionBranch::Inside(MemberBranches::new()))
    {
        insert(inner, rest, leaf);
    }
}
