use super::browser::BrowserReturn;
use super::*;

fn holder(ids: &[i64]) -> TokenHolder {
    let account = |id: &i64| OpenAccount { id: AccountId(*id), name: format!("Studio {id}") };
    TokenHolder { person: "Ada".to_owned(), accounts: ids.iter().map(account).collect() }
}

#[test]
fn the_account_is_the_wanted_one_the_only_one_or_asked_for() {
    let nobody = |_: &[OpenAccount]| panic!("not asked");
    assert_eq!(chosen(&holder(&[5]), None, nobody).unwrap().id, AccountId(5));
    let wanted = Some(AccountId(6));
    assert_eq!(chosen(&holder(&[5, 6]), wanted, nobody).unwrap().name, "Studio 6");
    let asked = chosen(&holder(&[5, 6]), None, |_| Ok(Some(AccountId(5)))).unwrap();
    assert_eq!(asked.id, AccountId(5));
    for (ids, wanted, exit, said) in [
        (&[][..], None, CliExit::CredentialsRefused, "no account of Harvest to Ada"),
        (&[5, 7], Some(6), CliExit::CredentialsRefused, "not open account 6, but 5 (Studio 5), 7"),
        (&[5, 7], None, CliExit::Usage, "5 (Studio 5), 7 (Studio 7): give one"),
    ] {
        let error = chosen(&holder(ids), wanted.map(AccountId), |_| Ok(None)).unwrap_err();
        assert_eq!(error.exit(), exit, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn only_an_address_with_the_state_of_the_login_counts() {
    for (query, expected) in [
        ("code=a%26b&state=s&scope=harvest%3A5", BrowserReturn::Code("a&b".to_owned())),
        ("state=s&error=access_denied", BrowserReturn::Denied("access_denied".to_owned())),
        ("code=a&state=other", BrowserReturn::Foreign),
        ("code=a", BrowserReturn::Foreign),
        ("state=s", BrowserReturn::Foreign),
        ("state=s&code=", BrowserReturn::Foreign),
        ("", BrowserReturn::Foreign),
    ] {
        assert_eq!(BrowserReturn::of(query, "s"), expected, "{query}");
    }
}

#[test]
fn a_key_of_hashes_stays_beside_new_credentials() {
    let key = || Some("a key of many letters".to_owned());
    let personal = StoredCredentials::Personal("a.b".to_owned());
    assert_eq!(
        personal.text(key()),
        r#"{"access_token":"a.b","hash_key":"a key of many letters"}"#
    );
    let secret = OAuthSecret {
        client_id: "i".to_owned(),
        client_secret: "s".to_owned(),
        refresh_token: "r".to_owned(),
        hash_key: None,
    };
    let text = StoredCredentials::Application(secret.clone()).text(key());
    let content = runtime::credentials::SecretContent::parse(&text).unwrap();
    let kept = OAuthSecret { hash_key: key(), ..secret };
    assert_eq!(content.token, runtime::credentials::SecretCredentials::OAuth(kept));
}
