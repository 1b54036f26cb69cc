use super::*;

fn found(answers: Vec<(&'static str, Answered)>) -> Said {
    let mut given = Given::default();
    given.set(deployment::config::Setting::ACCOUNT, "7");
    let deployment = Deployment::parse(&given).unwrap();
    let (name, roles) = ("Ann Ba".to_owned(), vec!["member".to_owned()]);
    let person = Person { name, roles, ..Person::default() };
    let company = Company { name: "Acme".to_owned(), ..Company::default() };
    let streams = answers.into_iter().map(|(stream, answer)| Probe { stream, answer }).collect();
    let asked = Asked { person, company, streams };
    findings(&deployment, asked, LakeState::default(), Vec::new()).said(Paint::Plain)
}

#[test]
fn a_refused_stream_is_a_failure_with_advice_and_others_are_none() {
    let said = found(vec![
        ("clients", Answered::Refused { why: "403".to_owned() }),
        ("tasks", Answered::Refused { why: "403".to_owned() }),
        ("roles", Answered::Entries { entries: 5 }),
    ]);
    assert_eq!(said.exit, Exit::SomeFailed);
    assert!(said.text.contains("--exclude clients,tasks"), "{}", said.text);
    assert!(said.text.contains("not an administrator"), "{}", said.text);
    assert_eq!(said.json["streams"][2]["entries"], 5);
    let fine = found(vec![
        ("roles", Answered::Entries { entries: 5 }),
        ("invoices", Answered::ModuleOff { module: "invoice_feature" }),
        ("clients", Answered::Excluded),
    ]);
    assert_eq!(fine.exit, Exit::Done);
}
