//! Settings: whatever their texts are, they are used within their limits or refused by name, and no
//! message shows a secret.

use bolero::{TypeGenerator, check};
use deployment::config::{
    ConfigError, DeploymentSettings, GivenSettings, LakePlace, SETTINGS, SettingName, StatePlace,
    TokenPlace,
};
use engine::time::SignedDuration;
use harvest_api::BaseUrl;

use crate::odd::{OddText, OddValue};

/// A part of each secret, which no message may have.
const SECRET: &str = "hush-hush";
/// Values that are accepted, or nearly so.
const USUAL: &[&str] = &[
    "7",
    "./lake",
    "s3://bucket/prefix",
    "dynamodb://table",
    "abc.def",
    "https://api.harvestapp.com/v2",
    "http://127.0.0.1:8080/v2",
    "https://hush-hush@harvest.example/v2",
    "https://me:hush-hush@h/v2",
    "100/15s",
    "100/900s",
    "1/24h",
    "1000000/1ms",
    "0/1s",
    "1/25h",
    "95",
    "1",
    "100",
    "0",
    "101",
    "clients,tasks",
    "users.email,time_entries.notes",
    "users.email",
    "clients.name",
    "users.id",
    "a key of many letters",
    "2024-01-31",
    "2024-02-30",
    "month",
    "quarter",
    "year",
    "10",
    "1h",
    "90m",
    "7d",
    "1500ms",
    "3650d",
    "3651d",
    "9223372036854775807d",
    "8",
    "64",
    "65",
    "true",
    "no",
    "all",
    "13",
    "1200",
    "acme.harvestapp.com",
    "warn",
    "arn:aws:secretsmanager:eu-west-1:1:secret:x",
    "",
];

/// Settings of a deployment.
#[derive(Clone, Debug, TypeGenerator)]
struct FuzzedSettings {
    #[generator(bolero::produce::<Vec<(u8, SettingText)>>().with().len(0..=6usize))]
    given: Vec<(u8, SettingText)>,
    lacks_account: bool,
    token: Option<OddText>,
    key: Option<OddText>,
}

/// The text of a setting.
#[derive(Clone, Debug, TypeGenerator)]
enum SettingText {
    /// One that is usual for some setting.
    Usual(u8),
    /// Its default, or what follows from it.
    Default,
    /// Any text.
    Odd(OddText),
    /// A usual one with more behind it.
    Longer(u8, OddText),
    /// A value of JSON.
    Value(OddValue),
}

impl SettingText {
    fn text(&self, setting: SettingName) -> String {
        let usual = |which: u8| USUAL[usize::from(which) % USUAL.len()];
        match self {
            Self::Usual(which) => usual(*which).to_owned(),
            Self::Default => GivenSettings::default().get(setting).unwrap_or_default().to_owned(),
            Self::Odd(text) => text.plain(),
            Self::Longer(which, text) => format!("{}{}", usual(*which), text.plain()),
            Self::Value(value) => value.raw(),
        }
    }
}

impl FuzzedSettings {
    fn given(&self) -> Vec<(SettingName, String)> {
        let mut given = Vec::new();
        if !self.lacks_account {
            given.push((SettingName::ACCOUNT, "7".to_owned()));
        }
        let secret = |text: &OddText| format!("{}{SECRET}", text.plain());
        given.extend(self.token.as_ref().map(|text| (SettingName::TOKEN, secret(text))));
        given.extend(self.key.as_ref().map(|text| (SettingName::HASH_KEY, secret(text))));
        for (which, text) in &self.given {
            let setting = SETTINGS[usize::from(*which) % SETTINGS.len()];
            let text = text.text(setting);
            // A file of this machine could be any; none is below a folder that does not exist.
            let is_file = setting == SettingName::TOKEN_FILE;
            given.push((setting, if is_file { format!("nowhere/{text}") } else { text }));
        }
        given
    }
}

fn check_settings(input: &FuzzedSettings) {
    let texts = input.given();
    let mut given = GivenSettings::default();
    for (setting, text) in &texts {
        given.set(*setting, text.clone());
    }
    let last = |setting: SettingName| {
        texts.iter().rev().find(|(name, _)| *name == setting).map(|(_, text)| text.as_str())
    };
    assert!(!format!("{given:?}").contains(SECRET), "{texts:?}");
    match DeploymentSettings::parse(&given) {
        Ok(parsed) => {
            assert!(
                texts.iter().all(|(name, _)| last(*name).is_some_and(|it| !it.trim().is_empty()))
            );
            check_accepted(&parsed);
        }
        Err(error) => check_refused(&error, &last),
    }
}

fn check_accepted(parsed: &DeploymentSettings) {
    let shown = format!("{parsed:?}");
    let settings = &parsed.settings;
    let hours = SignedDuration::from_hours;
    assert!(settings.account.0 > 0, "{shown}");
    assert!((1..=64).contains(&settings.max_workers), "{shown}");
    assert!((1..=100).contains(&settings.budget_percent), "{shown}");
    assert!((1..=100).contains(&settings.report_years_back), "{shown}");
    assert!(settings.changes_retention.is_none_or(|months| (1..=1200).contains(&months)));
    let ten_years = hours(24 * 3650);
    let interval = settings.sync_interval;
    assert!((SignedDuration::from_secs(1)..=ten_years).contains(&interval), "{shown}");
    assert!((hours(1)..=ten_years).contains(&settings.retention), "{shown}");
    for limit in [settings.general, settings.reports] {
        assert_eq!(limit.to_string().parse(), Ok(limit));
        assert!((1..=1_000_000).contains(&limit.requests()));
    }
    let known = |name: &String| streams::find(name).is_some();
    assert!(settings.streams.iter().flatten().chain(&settings.exclude).all(known), "{shown}");
    assert_eq!(LakePlace::parse(&parsed.lake.to_string()).as_ref(), Ok(&parsed.lake));
    assert_eq!(StatePlace::parse(&parsed.state.to_string()).as_ref(), Ok(&parsed.state));
    let base = parsed.base.to_string();
    let again: BaseUrl = base.parse().unwrap();
    assert_eq!(again.to_string(), base);
    assert!(!parsed.base.is_plain() || parsed.base.is_loopback(), "{base}");
    assert!(!settings.privacy.lacks_key() || parsed.token.is_some());
    // Only what nobody takes for a secret may hold the text.
    let hidden = format!("{:?} {:?} {:?}", parsed.token, settings.privacy, parsed.base);
    let is_name = matches!(parsed.token, Some(TokenPlace::Secret(_) | TokenPlace::Parameter(_)));
    assert!(is_name || !hidden.contains(SECRET), "{hidden}");
}

fn check_refused<'t>(error: &ConfigError, given: &impl Fn(SettingName) -> Option<&'t str>) {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    // The text may be in a setting that is no secret, and is named with its value.
    let harmless = |setting: &SettingName| {
        ![SettingName::TOKEN, SettingName::HASH_KEY, SettingName::BASE_URL].contains(setting)
    };
    let told = SETTINGS
        .iter()
        .filter(|it| harmless(it))
        .any(|setting| given(*setting).is_some_and(|text| text.contains(SECRET)));
    let in_url = given(SettingName::BASE_URL)
        .is_some_and(|url| url.contains(SECRET) && !url.contains("hush-hush@"));
    assert!(told || in_url || !said.contains(SECRET), "{said}");
    let named = match error {
        ConfigError::Empty { setting } => {
            assert!(given(*setting).is_some_and(|text| text.trim().is_empty()), "{said}");
            setting.variable
        }
        ConfigError::Invalid { setting, .. } | ConfigError::Stream { setting, .. } => {
            assert!(given(*setting).is_some(), "a default is refused: {said}");
            setting.variable
        }
        ConfigError::NoAccount | ConfigError::NothingSet => "HARVEST_ACCOUNT_ID",
        ConfigError::NoHashKey => "HARVEST_HASH_KEY",
        ConfigError::NoState { .. } => "HARVEST_STATE",
        ConfigError::TokenFile { .. } => "nowhere/",
        ConfigError::Api(_) => "",
        // Nobody has logged in here, no file is read, and this build has AWS.
        ConfigError::WhichLogin { .. }
        | ConfigError::File { .. }
        | ConfigError::InFile { .. }
        | ConfigError::NoToken
        | ConfigError::NoAws { .. }
        | ConfigError::NoWorker
        | ConfigError::NoText { .. } => {
            panic!("no such error belongs here: {said}")
        }
    };
    assert!(said.contains(named), "{said}");
}

#[test]
fn fuzzed() {
    check!(name = "settings").with_type::<FuzzedSettings>().for_each(check_settings);
}
