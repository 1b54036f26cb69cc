//! Flags of the settings, as `deployment::config` declares them.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use deployment::config::{
    GivenSettings, SETTINGS, SettingDefault, SettingForm, SettingName, SettingScope,
};

/// Settings of every command. A set of scopes has one bit for each, because a parameter of a type
/// can be a number, but no list.
pub(crate) const EVERYWHERE: u16 = bit(SettingScope::Everywhere);
/// The lake.
pub(crate) const LAKE: u16 = bit(SettingScope::Lake);
/// Account, lake and state.
pub(crate) const PLACE: u16 = bit(SettingScope::Account) | bit(SettingScope::Place) | LAKE;
/// Account, lake and state, and access to the Harvest API.
pub(crate) const API: u16 = bit(SettingScope::Api) | bit(SettingScope::Identity) | PLACE;
/// Choice of streams.
pub(crate) const STREAMS: u16 = bit(SettingScope::Streams);
/// Part of the history to read.
pub(crate) const HISTORY: u16 = bit(SettingScope::History);
/// Fields of records that are left out or stored as hashes.
pub(crate) const PRIVACY: u16 = bit(SettingScope::Privacy);
/// All settings of a sync.
pub(crate) const RUN: u16 = bit(SettingScope::Run) | API | STREAMS | HISTORY | PRIVACY | NOTICE;
/// News about streams in trouble.
pub(crate) const NOTICE: u16 = bit(SettingScope::Notice);
/// Interval at which changes are read.
pub(crate) const INTERVAL: u16 = bit(SettingScope::Plan);
/// Forecasts.
pub(crate) const PLAN: u16 = INTERVAL | API | STREAMS | HISTORY;
/// Logins, for which an account is chosen.
pub(crate) const LOGIN: u16 = bit(SettingScope::Account) | bit(SettingScope::Identity);
/// Estimates of a month, which need no account.
pub(crate) const COST: u16 = INTERVAL | STREAMS;

const fn bit(scope: SettingScope) -> u16 {
    1 << scope as u16
}

/// Title of the section of a command's help; `None`: the flags stand among those that are no
/// settings.
const fn heading(scope: SettingScope) -> Option<&'static str> {
    match scope {
        SettingScope::Everywhere | SettingScope::Functions => None,
        SettingScope::Account | SettingScope::Place | SettingScope::Lake => {
            Some("Account and lake")
        }
        SettingScope::Identity | SettingScope::Api => Some("Harvest API"),
        SettingScope::Streams => Some("Streams"),
        SettingScope::History => Some("History"),
        SettingScope::Privacy => Some("Privacy"),
        SettingScope::Run | SettingScope::Plan => Some("Runs"),
        SettingScope::Notice => Some("News of trouble"),
    }
}

/// Settings of the scopes `SCOPES` that were given as flags.
#[derive(Clone, Debug, Default)]
pub struct SettingFlags<const SCOPES: u16> {
    given: BTreeMap<SettingName, String>,
}

impl<const SCOPES: u16> SettingFlags<SCOPES> {
    /// Sets `setting` as its flag would.
    pub(crate) fn set(&mut self, setting: SettingName, value: impl Into<String>) {
        self.given.insert(setting, value.into());
    }

    /// Returns the value of a setting that was given as a flag.
    pub(crate) fn get(&self, setting: SettingName) -> Option<&str> {
        self.given.get(&setting).map(String::as_str)
    }

    /// Sets the flags in `given`, over values from variables.
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        for (setting, value) in &self.given {
            given.set(*setting, value.as_str());
        }
    }

    fn settings() -> impl Iterator<Item = SettingName> {
        SETTINGS.iter().copied().filter(|setting| SCOPES & bit(setting.scope) != 0)
    }
}

impl<const SCOPES: u16> Args for SettingFlags<SCOPES> {
    fn augment_args(command: Command) -> Command {
        command.args(Self::settings().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<const SCOPES: u16> FromArgMatches for SettingFlags<SCOPES> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in Self::settings() {
            let value = match setting.form {
                SettingForm::Value { .. } => matches.get_one(setting.variable).cloned(),
                SettingForm::Switch { .. } => {
                    matches.get_flag(setting.variable).then(|| "true".to_owned())
                }
                SettingForm::Variable { .. } => None,
            };
            if let Some(value) = value {
                self.set(setting, value);
            }
        }
        Ok(())
    }
}

/// Returns the flag of `setting`; `None`: it has none. Its id is the variable, which no argument
/// that is no setting has.
fn argument(setting: SettingName) -> Option<Arg> {
    let argument = Arg::new(setting.variable)
        .long(setting.flag()?.trim_start_matches('-'))
        .help(format!("{} [{}]", setting.help, aside(setting)))
        .help_heading(heading(setting.scope))
        .global(setting.scope == SettingScope::Everywhere);
    Some(match setting.form {
        SettingForm::Value { placeholder, alone, .. } => match alone {
            Some(alone) => argument.num_args(0..=1).default_missing_value(alone),
            None => argument.num_args(1),
        }
        .value_name(placeholder),
        SettingForm::Switch { .. } | SettingForm::Variable { .. } => {
            argument.action(ArgAction::SetTrue)
        }
    })
}

/// Variable and default, for the help.
fn aside(setting: SettingName) -> String {
    let default = match (setting.form, setting.default) {
        (SettingForm::Switch { .. }, _) | (_, SettingDefault::Required | SettingDefault::Unset) => {
            None
        }
        (
            _,
            SettingDefault::Text(default)
            | SettingDefault::Described(default)
            | SettingDefault::Found(default),
        ) => Some(default),
    };
    match default {
        Some(default) => format!("{}; default: {default}", setting.variable),
        None => setting.variable.to_owned(),
    }
}
