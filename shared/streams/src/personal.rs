//! Personal data in records, apart from what people did: names, addresses, free text.

use engine::privacy::PersonalFields;

const fn of(
    stream: &'static str,
    person: &'static str,
    members: &'static [&'static str],
) -> PersonalFields {
    PersonalFields { stream, person, members }
}

/// Streams whose records refer to a user by id, with the members removed when the user is erased.
pub static PERSONAL: &[PersonalFields] = &[
    of(
        "users",
        "id",
        &["first_name", "last_name", "email", "telephone", "avatar_url", "employee_id"],
    ),
    of("user_teammates", "id", &["first_name", "last_name", "email"]),
    of("user_assignments", "user.id", &["user.name"]),
    of("time_entries", "user.id", &["user.name", "notes", "external_reference"]),
    of("expenses", "user.id", &["user.name", "notes", "receipt"]),
    of("invoices", "creator.id", &["creator.name"]),
    of("estimates", "creator.id", &["creator.name"]),
    of("time_report_team", "user_id", &["user_name", "avatar_url"]),
    of("expense_report_team", "user_id", &["user_name"]),
];

#[cfg(test)]
mod tests {
    use engine::privacy::{FieldTreatment, PrivacyRules};

    use super::*;

    #[test]
    fn what_is_personal_is_declared_and_can_go() {
        for PersonalFields { stream, person, members } in PERSONAL {
            let spec = crate::find(stream).unwrap();
            let mut rules = PrivacyRules::default();
            for path in *members {
                assert_eq!(
                    rules.add(spec, path, FieldTreatment::Exclude),
                    Ok(()),
                    "{stream}.{path}"
                );
            }
            let first = person.split('.').next().unwrap();
            assert!(spec.fields.iter().any(|field| field.name == first), "{stream}.{person}");
        }
    }
}
