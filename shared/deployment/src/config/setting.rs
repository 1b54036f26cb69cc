//! Form of the declaration of a setting.

use core::fmt;
use core::ops::Deref;

/// Name of one setting: its declaration in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingName(pub(super) &'static SettingDeclaration);

/// All that is fixed about one setting. Flags, help, documentation and checks of the template
/// follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SettingDeclaration {
    /// The variable of the environment.
    pub variable: &'static str,
    /// Form on the command line.
    pub form: SettingForm,
    /// Value of a setting that is not given.
    pub default: SettingDefault,
    /// Meaning in one sentence without a full stop: the help of the flag.
    pub help: &'static str,
    /// Commands that have the flag.
    pub scope: SettingScope,
    /// Source of the value in a deployed stack.
    pub stack: StackSource,
}

/// Form of a setting on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingForm {
    /// A flag with a value.
    Value {
        /// The flag, with its dashes.
        flag: &'static str,
        /// Placeholder of the value in the help.
        placeholder: &'static str,
        /// Value of the flag alone; `None`: the flag needs a value.
        alone: Option<&'static str>,
    },
    /// A flag without a value; the variable is true or false.
    Switch {
        /// The flag, with its dashes.
        flag: &'static str,
    },
    /// No flag: a secret, because other users of the machine see flags, or a setting that only
    /// functions have.
    Variable {
        /// Reason, as the documentation has it in place of the flag.
        why: &'static str,
    },
}

/// Value of a setting that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingDefault {
    /// Text that is parsed as a given one is.
    Text(&'static str),
    /// Value or rule that depends on other settings or on the account, in words for people.
    Described(&'static str),
    /// Value that commands find on a person's machine, in words; a stack must give one.
    Found(&'static str),
    /// No value.
    Unset,
    /// None: the setting must be given.
    Required,
}

/// Group of settings that a command has or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SettingScope {
    /// Of every command.
    Everywhere,
    /// The account.
    Account,
    /// The state.
    Place,
    /// The lake.
    Lake,
    /// Harvest's servers, and logins there.
    Identity,
    /// Access to the Harvest API.
    Api,
    /// Choice of streams.
    Streams,
    /// Part of the history to read.
    History,
    /// Fields of records that are left out or stored as hashes.
    Privacy,
    /// Runs on streams.
    Run,
    /// News about streams in trouble.
    Notice,
    /// Forecasts of runs; the functions schedule by it.
    Plan,
    /// The deployed functions alone.
    Functions,
}

/// Source of a setting's value in a deployed stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StackSource {
    /// A parameter of the template.
    Parameter {
        /// Its name.
        name: &'static str,
    },
    /// The stack itself, from its resources.
    Resources {
        /// Resources and parameters, for the documentation.
        of: &'static str,
    },
    /// None: the functions have the default.
    Nothing {
        /// Reason.
        why: &'static str,
    },
}

impl SettingDeclaration {
    /// Returns the flag, with its dashes; `None`: the setting has none.
    #[must_use]
    pub const fn flag(&self) -> Option<&'static str> {
        match self.form {
            SettingForm::Value { flag, .. } | SettingForm::Switch { flag } => Some(flag),
            SettingForm::Variable { .. } => None,
        }
    }
}

impl Deref for SettingName {
    type Target = SettingDeclaration;

    fn deref(&self) -> &SettingDeclaration {
        self.0
    }
}

/// Flag and variable, as errors name them.
impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flag() {
            Some(flag) => write!(f, "`{flag}` (`{}`)", self.variable),
            None => write!(f, "`{}`", self.variable),
        }
    }
}

pub(super) const fn value(flag: &'static str, placeholder: &'static str) -> SettingForm {
    SettingForm::Value { flag, placeholder, alone: None }
}

pub(super) const fn switch(flag: &'static str) -> SettingForm {
    SettingForm::Switch { flag }
}

pub(super) const fn variable(why: &'static str) -> SettingForm {
    SettingForm::Variable { why }
}

pub(super) const fn parameter(name: &'static str) -> StackSource {
    StackSource::Parameter { name }
}

pub(super) const fn nothing(why: &'static str) -> StackSource {
    StackSource::Nothing { why }
}
