//! Settings of the operator, parsed once.
//!
//! Every setting is declared once, in the table of `declared`: one variable, on the command line a
//! flag that wins over it, and a name in the file of settings, which both win over.

mod declared;
mod error;
mod file;
mod given;
mod hook;
mod parse;
mod place;
mod privacy;
mod setting;
#[cfg(test)]
mod tests;
mod token;

use harvest_api::BaseUrl;
use runtime::settings::Settings;

use crate::access::FileReaders;
use crate::cloud::{CloudClients, WorkerNames};

pub use declared::SETTINGS;
pub use error::ConfigError;
pub use file::{SECRETS_FILE, SETTINGS_FILE, file_name, settings_file};
pub use given::{GivenSettings, function_name, has_own_s3_endpoint, refuses_colour};
pub use hook::{HookOccasion, HookTarget};
pub(crate) use parse::STATE;
pub use parse::{account, lake, log, no_changes, readers, settings};
pub use place::{LakePlace, StatePlace, TokenPlace};
pub use setting::{
    SettingDeclaration, SettingDefault, SettingForm, SettingName, SettingScope, StackSource,
};
pub use token::token_file;

/// All settings of the operator, checked as far as that is possible without a request.
#[derive(Clone, Debug)]
pub struct DeploymentSettings {
    /// Settings of runs.
    pub settings: Settings,
    /// Users of this machine that may read the files written.
    pub readers: FileReaders,
    /// Base URL of Harvest's API.
    pub base: BaseUrl,
    /// Place of the token; `None`: not set.
    pub token: Option<TokenPlace>,
    /// Contact in the User-Agent.
    pub contact: String,
    /// Place of the lake.
    pub lake: LakePlace,
    /// Place of the state.
    pub state: StatePlace,
    /// Name or ARN of the function that works on one stream; only the orchestrator needs it.
    pub worker: Option<String>,
    /// Name or ARN of the same function with little memory; `None`: there is none.
    pub small_worker: Option<String>,
    /// Name or ARN of the event bus for completed and failed passes; `None`: no events are sent.
    pub event_bus: Option<String>,
    /// Receiver of news about streams that came into trouble; `None`: there is none.
    pub on_failure: Option<HookTarget>,
    /// Receiver of news about streams that are out of trouble; `None`: there is none.
    pub on_recovery: Option<HookTarget>,
    /// AWS, for a lake, state or secret there.
    pub cloud: CloudClients,
}

impl DeploymentSettings {
    /// Returns the functions that work on one stream. One function does all work if there is no small
    /// one.
    ///
    /// # Errors
    /// Fails if no function is set.
    pub fn workers(&self) -> Result<WorkerNames, ConfigError> {
        let large = self.worker.clone().ok_or(ConfigError::NoWorker)?;
        let small = self.small_worker.clone().unwrap_or_else(|| large.clone());
        Ok(WorkerNames { small, large })
    }

    /// Returns the receiver of news on `occasion`; `None`: there is none.
    #[must_use]
    pub const fn hook(&self, occasion: HookOccasion) -> Option<&HookTarget> {
        match occasion {
            HookOccasion::Failure => self.on_failure.as_ref(),
            HookOccasion::Recovery => self.on_recovery.as_ref(),
        }
    }

    /// Returns the place of the token.
    ///
    /// # Errors
    /// Where it is not set.
    pub fn token(&self) -> Result<&TokenPlace, ConfigError> {
        self.token.as_ref().ok_or(ConfigError::NoToken)
    }
}
