use super::*;

fn found(answers: Vec<(&'static str, ProbeAnswer)>) -> CommandAnswer {
    let mut given = GivenSettings::default();
    given.set(deployment::config::SettingName::ACCOUNT, "7");
    let deployment = DeploymentSettings::parse(&given).unwrap();
    let (name, roles) = ("Ann Ba".to_owned(), vec!["member".to_owned()]);
    let person = TokenPerson { name, roles, ..TokenPerson::default() };
    let company = AccountCompany { name: "Acme".to_owned(), ..AccountCompany::default() };
    let streams =
        answers.into_iter().map(|(stream, answer)| StreamProbe { stream, answer }).collect();
    let asked = HarvestAnswers { person, company, streams };
    findings(&deployment, asked, LakeState::default(), Vec::new()).said(TextStyle::PLAIN)
}

#[test]
fn a_refused_stream_is_a_failure_with_advice_and_others_are_none() {
    let said = found(vec![
        ("clients", ProbeAnswer::Refused { why: "403".to_owned() }),
        ("tasks", ProbeAnswer::Refused { why: "403".to_owned() }),
        ("roles", ProbeAnswer::Entries { entries: 5 }),
    ]);
    assert_eq!(said.exit, CliExit::SomeFailed);
    assert!(said.text.contains("--exclude clients,tasks"), "{}", said.text);
    assert!(said.text.contains("not an administrator"), "{}", said.text);
    assert_eq!(said.json["streams"][2]["entries"], 5);
    let fine = found(vec![
        ("roles", ProbeAnswer::Entries { entries: 5 }),
        ("invoices", ProbeAnswer::ModuleOff { module: "invoice_feature" }),
        ("clients", ProbeAnswer::Excluded),
    ]);
    assert_eq!(fine.exit, CliExit::Done);
}
