use super::*;

fn me(body: &str) -> TokenPerson {
    person_of(&LooseObject::read(body).unwrap())
}

fn company_said(body: &str) -> AccountCompany {
    company_of(&LooseObject::read(body).unwrap())
}

const ALL_ON: &str =
    r#""expense_feature":true,"invoice_feature":true,"estimate_feature":true,"full_domain":"a.b""#;

#[test]
fn of_a_person_only_what_decides_is_looked_at() {
    for (member, name) in [
        (r#""first_name":"Ann","last_name":"A""#, "Ann A"),
        (r#""first_name":5,"last_name":true"#, "5 true"),
        (r#""first_name":null,"last_name":{"x":1}"#, ""),
        (r#""first_name":["Ann"],"email":1e999,"roles":[null,{}],"\ud800":1"#, ""),
        (r#""first_name":"Ann","first_name":"Bea""#, "Bea"),
    ] {
        let person = me(&format!(r#"{{"id":1,"access_roles":["manager"],{member}}}"#));
        assert_eq!(person.name, name, "{member}");
        assert_eq!((person.id, person.doubts.len()), (Some(1), 0), "{member}");
        assert_eq!(person.roles, ["manager"], "{member}");
    }
    let odd = me(r#"{"id":1,"access_roles":["manager"],"first_name":"\ud800"}"#);
    assert!(!odd.name.is_empty() && odd.doubts.is_empty());
}

#[test]
fn ids_and_roles_come_in_many_forms() {
    for id in ["7", "7.0", "\"7\"", "8,\"id\":7"] {
        let person = me(&format!(r#"{{"access_roles":["b","a",null,"b"],"id":{id}}}"#));
        assert_eq!((person.id, person.doubts), (Some(7), vec![]), "{id}");
        assert_eq!(person.roles, ["a", "b"]);
    }
    let none = me(r#"{"id":7,"access_roles":[]}"#);
    assert_eq!((none.roles.len(), none.doubts.len()), (0, 0), "there are none, and it says so");
}

#[test]
fn what_decides_and_is_not_usable_is_told_and_never_counts_as_enough() {
    use engine::account::{PersonRoles, PersonSight, sight};

    for roles in [
        "",
        r#","access_roles":null"#,
        r#","access_roles":5"#,
        r#","access_roles":[null]"#,
        r#","access_roles":[{}]"#,
        r#","access_roles":"administrator""#,
        r#","access_roles":{}"#,
    ] {
        let person = me(&format!(r#"{{"id":7{roles}}}"#));
        assert_eq!(person.doubts.len(), 1, "{roles}");
        assert!(person.doubts[0].contains("access_roles"), "{roles}: {:?}", person.doubts);
        let before = ["manager".to_owned()];
        let now = PersonRoles { person: person.id, roles: &person.roles };
        let known = PersonRoles { person: Some(7), roles: &before };
        assert_eq!(sight(known, now), PersonSight::RolesLost, "{roles}");
        assert_eq!(sight(now, known), PersonSight::RolesLost, "{roles}");
        assert_eq!(sight(now, now), PersonSight::Enough, "{roles}");
    }
    let some = me(r#"{"id":7,"access_roles":[{},"administrator"]}"#);
    assert_eq!((some.roles.len(), some.doubts.len()), (1, 1));
    for id in ["", r#""id":null,"#, r#""id":7.5,"#, r#""id":"x","#, r#""id":[7],"#] {
        let person = me(&format!(r#"{{{id}"access_roles":["manager"]}}"#));
        assert_eq!((person.id, person.doubts.len()), (None, 1), "{id}");
    }
}

#[test]
fn of_a_company_only_what_decides_is_looked_at() {
    for (members, name) in [
        (r#""name":"Acme""#, "Acme"),
        (r#""name":7"#, "7"),
        (r#""name":null,"clock":"\ud800","week_start_day":[1e999]"#, ""),
    ] {
        let company = company_said(&format!("{{{ALL_ON},{members}}}"));
        assert_eq!((company.name.as_str(), company.doubts.len()), (name, 0), "{members}");
        assert_eq!((company.domain.as_str(), company.modules_off.len()), ("a.b", 0), "{members}");
    }
    let off = company_said(&format!(
        r#"{{{ALL_ON},"invoice_feature":false,"estimate_feature":"false","expense_feature":"true"}}"#
    ));
    assert_eq!(off.modules_off, ["invoice_feature", "estimate_feature"]);
    assert_eq!(off.doubts.len(), 0);
}

#[test]
fn a_module_of_which_nothing_usable_is_said_counts_as_on_and_is_told() {
    for value in ["null", "0", "\"no\"", "[]", "{}"] {
        let company = company_said(&format!(r#"{{{ALL_ON},"invoice_feature":{value}}}"#));
        assert_eq!((company.modules_off.len(), company.doubts.len()), (0, 1), "{value}");
        assert!(company.doubts[0].contains("invoice_feature"), "{value}");
        let company = company_said(&format!(r#"{{{ALL_ON},"full_domain":{value}}}"#));
        let usable = matches!(value, "0" | "\"no\"");
        assert_eq!(company.doubts.is_empty(), usable, "{value}: {:?}", company.doubts);
    }
}
