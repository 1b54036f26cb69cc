use super::*;
use crate::spec::{Listing, PartitionSpec, date, instant, int, object, objects, text};

static ENTRIES: StreamSpec = StreamSpec {
    name: "entries",
    doc: "One entry.",
    path: "/entries",
    records_key: Some("entries"),
    kind: StreamKind::Listing(
        Listing::new(Paging::DateKeyset { field: "spent_date", nullable: false }, "/entries/{id}")
            .goes_with("project_id", "/projects/{parent}"),
    ),
    partition: PartitionSpec::CreatedMonth,
    fields: &[
        int("id").required(),
        date("spent_date"),
        text("notes"),
        text("link").volatile(),
        object("user", &[int("id"), text("name")]),
        object("project", &[int("id"), text("name")]),
        objects("lines", &[int("id"), text("description")]),
        instant("created_at"),
        instant("updated_at"),
    ],
    ..StreamSpec::USUAL
};

/// A report whose key has a nested member.
static REPORT: StreamSpec = StreamSpec {
    name: "report",
    primary_key: &["user_id"],
    partition: PartitionSpec::None,
    kind: StreamKind::Snapshot(Paging::Single),
    fields: &[object("user", &[int("id"), text("name")])],
    ..ENTRIES_LIKE
};

const ENTRIES_LIKE: StreamSpec = StreamSpec {
    name: "",
    path: "",
    records_key: None,
    kind: StreamKind::Snapshot(Paging::Single),
    primary_key: &[],
    fields: &[],
    ..StreamSpec::USUAL
};

fn refusal(spec: &'static StreamSpec, path: &str, treatment: FieldTreatment) -> String {
    PrivacyRules::default().add(spec, path, treatment).unwrap_err().to_string()
}

#[test]
fn what_is_needed_to_keep_a_table_cannot_go() {
    for (path, why) in [
        ("id", "which row"),
        ("updated_at", "newest"),
        ("created_at", "divided"),
        ("spent_date", "read by it"),
    ] {
        for treatment in [FieldTreatment::Exclude, FieldTreatment::Hash] {
            let said = refusal(&ENTRIES, path, treatment);
            assert!(said.contains(why) && said.contains(&format!("entries.{path}")), "{said}");
        }
    }
    // Nor what would tell that it went with another record.
    for path in ["project.id", "project"] {
        assert!(refusal(&ENTRIES, path, FieldTreatment::Exclude).contains("deletions"), "{path}");
    }
    assert_eq!(
        PrivacyRules::default().add(&ENTRIES, "project.name", FieldTreatment::Exclude),
        Ok(())
    );
    // Neither the key itself nor the object around it.
    for path in ["user.id", "user"] {
        assert!(refusal(&REPORT, path, FieldTreatment::Exclude).contains("which row"), "{path}");
    }
    assert_eq!(PrivacyRules::default().add(&REPORT, "user.name", FieldTreatment::Exclude), Ok(()));
    assert_eq!(PrivacyRules::default().add(&ENTRIES, "user", FieldTreatment::Exclude), Ok(()));
}

#[test]
fn unknown_members_are_refused_with_those_that_are_near() {
    let said = refusal(&ENTRIES, "user_name", FieldTreatment::Exclude);
    assert!(said.contains("did you mean `user.name`"), "{said}");
    let said = refusal(&ENTRIES, "note", FieldTreatment::Hash);
    assert!(said.contains("`notes`"), "{said}");
    let said = refusal(&ENTRIES, "zzz", FieldTreatment::Hash);
    assert!(said.contains("harvest-lake schema"), "{said}");
    refusal(&ENTRIES, "notes.x", FieldTreatment::Exclude);
    refusal(&ENTRIES, "", FieldTreatment::Exclude);
}

#[test]
fn only_text_is_hashed_and_nothing_is_treated_twice() {
    assert!(refusal(&ENTRIES, "link", FieldTreatment::Hash).contains("exclude it instead"));
    PrivacyRules::default().add(&ENTRIES, "link", FieldTreatment::Exclude).unwrap();
    assert!(refusal(&ENTRIES, "lines.id", FieldTreatment::Hash).contains("exclude it instead"));
    assert!(refusal(&ENTRIES, "lines", FieldTreatment::Hash).contains("exclude it instead"));
    let mut rules = PrivacyRules::default();
    rules.add(&ENTRIES, "lines", FieldTreatment::Exclude).unwrap();
    rules.add(&ENTRIES, "lines", FieldTreatment::Exclude).unwrap();
    assert!(rules.add(&ENTRIES, "lines.description", FieldTreatment::Hash).is_err());
    rules.add(&ENTRIES, "notes", FieldTreatment::Hash).unwrap();
    let said = rules.add(&ENTRIES, "notes", FieldTreatment::Exclude).unwrap_err().to_string();
    assert!(said.contains("both excluded and hashed"), "{said}");
    assert_eq!(rules.iter().count(), 2);
    // In either order, with one treatment.
    for (first, second) in [("user", "user.name"), ("user.name", "user")] {
        let mut rules = PrivacyRules::default();
        rules.add(&ENTRIES, first, FieldTreatment::Exclude).unwrap();
        let said = rules.add(&ENTRIES, second, FieldTreatment::Exclude).unwrap_err().to_string();
        assert!(said.contains("`entries.user.name` is a part of `entries.user`"), "{said}");
    }
}

#[test]
fn what_lies_in_an_excluded_member_is_excluded() {
    let mut rules = PrivacyRules::default();
    rules.add(&ENTRIES, "lines.description", FieldTreatment::Exclude).unwrap();
    rules.add(&ENTRIES, "user", FieldTreatment::Exclude).unwrap();
    rules.add(&ENTRIES, "notes", FieldTreatment::Hash).unwrap();
    for path in ["lines[].description", "user", "user.name"] {
        assert!(rules.excludes(path), "{path}");
    }
    for path in ["lines", "lines[].id", "notes", "users"] {
        assert!(!rules.excludes(path), "{path}");
    }
}
