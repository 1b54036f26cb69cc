//! Parsing of the settings.

use core::str::FromStr;
use std::collections::BTreeSet;

use engine::ids::AccountId;
use engine::pace::FlushSpeed;
use engine::time::SignedDuration;
use runtime::settings::{NoChanges, Settings};
use streams::find_stream;

use super::error::ConfigError;
use super::given::{GivenSettings, function_memory};
use super::hook::HookTarget;
use super::privacy::privacy;
use super::setting::SettingName;
use super::token::{login, only_login, token};
use super::{DeploymentSettings, LakePlace, StatePlace, TokenPlace};
use crate::access::FileReaders;
use crate::cloud::CloudClients;
use crate::telemetry::{self, LogSettings};

/// Name of the state's file in a local lake.
pub(crate) const STATE: &str = ".state.sqlite";
const LEAST_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// Shortest retention: with a shorter one the log could lose entries that a running attempt needs.
const LEAST_RETENTION: SignedDuration = SignedDuration::from_hours(1);
/// Shortest age of data that counts as trouble: the interval of passes is an hour by default.
const LEAST_TROUBLE: SignedDuration = SignedDuration::from_hours(1);
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 3650);
const MOST_WORKERS: usize = 64;
const MOST_MONTHS: u32 = 1200;
const MOST_YEARS: u16 = 100;

impl DeploymentSettings {
    /// Parses the given settings; the others have their defaults.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn parse(given: &GivenSettings) -> Result<Self, ConfigError> {
        given.check()?;
        let account = match account(given)? {
            Some(account) => account,
            None => only_login(given)?,
        };
        let settings = settings(given, account)?;
        let lake = lake(given)?;
        let state = match (read(given, SettingName::STATE, StatePlace::parse)?, lake.folder()) {
            (Some(state), _) => state,
            (None, Some(folder)) => StatePlace::File(folder.join(STATE)),
            (None, None) => return Err(ConfigError::NoState { lake: lake.to_string() }),
        };
        let token = match token(given)? {
            Some(token) => Some(token),
            None => login(given, account),
        };
        let kept = !matches!(token, Some(TokenPlace::Given(_)) | None);
        if settings.privacy.lacks_key() && !kept {
            return Err(ConfigError::NoHashKey);
        }
        let text = |setting| given.get(setting).map(str::to_owned);
        Ok(Self {
            settings,
            readers: readers(given)?,
            base: given.get(SettingName::BASE_URL).unwrap_or_default().parse()?,
            token,
            contact: text(SettingName::CONTACT).unwrap_or_default(),
            lake,
            state,
            worker: text(SettingName::WORKER),
            small_worker: text(SettingName::SMALL_WORKER),
            event_bus: text(SettingName::EVENT_BUS),
            on_failure: read(given, SettingName::ON_FAILURE, HookTarget::parse)?,
            on_recovery: read(given, SettingName::ON_RECOVERY, HookTarget::parse)?,
            cloud: CloudClients::from_environment(),
        })
    }
}

/// Settings of runs on this account.
///
/// # Errors
/// The first setting that cannot be used.
pub fn settings(given: &GivenSettings, account: AccountId) -> Result<Settings, ConfigError> {
    let mut settings = Settings::new(account);
    settings.streams = streams(given, SettingName::STREAMS)?;
    settings.exclude = streams(given, SettingName::EXCLUDE)?.unwrap_or_default();
    let all = |named: &BTreeSet<String>| !named.is_empty() && named.is_subset(&settings.exclude);
    if settings.streams.as_ref().is_some_and(all) {
        let why = "it leaves out every stream that is named: nothing would be read".to_owned();
        let invalid = ConfigError::Invalid { setting: SettingName::EXCLUDE, why };
        return Err(given.placed(SettingName::EXCLUDE, invalid));
    }
    settings.no_changes = no_changes(given)?;
    settings.changes_retention =
        read(given, SettingName::CHANGES_RETENTION, |text| number(text, &(1..=MOST_MONTHS)))?;
    settings.accept_domain = given.get(SettingName::ACCEPT_DOMAIN).map(str::to_owned);
    settings.privacy = privacy(given)?;
    settings.start_date = read(given, SettingName::START_DATE, |text| {
        let day = (text.len() == 10).then(|| text.parse().ok()).flatten();
        day.ok_or_else(|| format!("`{text}` is no day: write 2024-01-31"))
    })?;
    settings.sync_interval = value(given, SettingName::SYNC_INTERVAL, bounded(LEAST_INTERVAL))?;
    settings.retention = value(given, SettingName::RETENTION, bounded(LEAST_RETENTION))?;
    settings.metrics = value(given, SettingName::METRICS, parsed)?;
    settings.trouble_after = value(given, SettingName::TROUBLE_AFTER, bounded(LEAST_TROUBLE))?;
    settings.max_workers =
        value(given, SettingName::MAX_WORKERS, |text| number(text, &(1..=MOST_WORKERS)))?;
    settings.budget_percent =
        value(given, SettingName::BUDGET_PERCENT, |text| number(text, &(1..=100)))?;
    settings.keep = value(given, SettingName::KEEP, flag)?;
    settings.accept_role = value(given, SettingName::ACCEPT_ROLE, flag)?;
    settings.accept_deletes = value(given, SettingName::ACCEPT_DELETES, flag)?;
    settings.grid = value(given, SettingName::REPORT_WINDOW, parsed)?;
    settings.fixed_fees = value(given, SettingName::REPORT_FIXED_FEES, parsed)?;
    settings.report_years_back =
        value(given, SettingName::REPORT_YEARS_BACK, |text| number(text, &(1..=MOST_YEARS)))?;
    settings.general = value(given, SettingName::GENERAL, parsed)?;
    settings.reports = value(given, SettingName::REPORTS, parsed)?;
    if let Some(memory) = function_memory() {
        settings.flush_speed = FlushSpeed::of_function(memory);
    }
    Ok(settings)
}

/// Parses choice and form of log events.
///
/// # Errors
/// Where one of the two cannot be used.
pub fn log(given: &GivenSettings) -> Result<LogSettings, ConfigError> {
    let filter = value(given, SettingName::LOG, telemetry::filter)?;
    Ok(LogSettings { filter, form: value(given, SettingName::LOG_FORMAT, parsed)? })
}

/// Parses the account; `None`: it is not given.
///
/// # Errors
/// Where it is no id.
pub fn account(given: &GivenSettings) -> Result<Option<AccountId>, ConfigError> {
    read(given, SettingName::ACCOUNT, |text| {
        let id = text.parse().ok().filter(|id| *id > 0).map(AccountId);
        id.ok_or_else(|| format!("`{text}` is no account id: a number such as 1234567"))
    })
}

/// Parses the place of the lake.
///
/// # Errors
/// Where it is neither a folder nor a bucket.
pub fn lake(given: &GivenSettings) -> Result<LakePlace, ConfigError> {
    value(given, SettingName::LAKE, LakePlace::parse)
}

/// Parses a setting whose default is a text; for any other, an empty text stands for what is not
/// given.
fn value<T>(
    given: &GivenSettings,
    setting: SettingName,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, ConfigError> {
    parse(given.get(setting).unwrap_or_default())
        .map_err(|why| given.placed(setting, ConfigError::Invalid { setting, why }))
}

/// Parses a setting that may be left out; `None`: it is.
fn read<T>(
    given: &GivenSettings,
    setting: SettingName,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    let parsed = given.get(setting).map(parse).transpose();
    parsed.map_err(|why| given.placed(setting, ConfigError::Invalid { setting, why }))
}

fn parsed<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn number<T: FromStr + PartialOrd + core::fmt::Display>(
    text: &str,
    range: &core::ops::RangeInclusive<T>,
) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("`{text}` is no number from {} to {}", range.start(), range.end()))
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(format!("`{text}` is neither true nor false")),
    }
}

/// Parses a duration such as `15s`, `1500ms`, `90m`, `1h` or `7d`.
fn duration(text: &str) -> Option<SignedDuration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at_checked(unit_at)?;
    let millis: i64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(millis).map(SignedDuration::from_millis)
}

fn bounded(least: SignedDuration) -> impl Fn(&str) -> Result<SignedDuration, String> {
    move |text| {
        let duration = duration(text)
            .ok_or_else(|| format!("`{text}` is no duration: write 15s, 1500ms, 90m, 1h or 7d"))?;
        if (least..=LONGEST).contains(&duration) {
            return Ok(duration);
        }
        Err(format!("`{text}` is not between {} s and ten years", least.as_secs()))
    }
}

/// Parses the streams whose changes are not kept: names, or `all`.
///
/// # Errors
/// Where a name is that of no stream.
pub fn no_changes(given: &GivenSettings) -> Result<NoChanges, ConfigError> {
    let setting = SettingName::NO_CHANGES;
    if given.get(setting).is_some_and(|text| text.eq_ignore_ascii_case("all")) {
        return Ok(NoChanges::All);
    }
    Ok(NoChanges::Streams(streams(given, setting)?.unwrap_or_default()))
}

fn streams(
    given: &GivenSettings,
    setting: SettingName,
) -> Result<Option<BTreeSet<String>>, ConfigError> {
    let Some(text) = given.get(setting) else {
        return Ok(None);
    };
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let found = names.map(|name| {
        let spec = find_stream(name);
        spec.map(|spec| spec.name.to_owned())
            .map_err(|source| given.placed(setting, ConfigError::Stream { setting, source }))
    });
    found.collect::<Result<_, _>>().map(Some)
}

/// Parses the users that may read the files written; the owner alone where it is not set.
///
/// # Errors
/// Where the value is neither true nor false.
pub fn readers(given: &GivenSettings) -> Result<FileReaders, ConfigError> {
    let shared = value(given, SettingName::SHARED, flag)?;
    Ok(if shared { FileReaders::Umask } else { FileReaders::Owner })
}
