//! Streams that are named without a flag.

use clap::Args;
use deployment::config::{GivenSettings, SettingName};

/// Streams that a command is called for, in place of those that the settings choose.
#[derive(Clone, Debug, Default, Args)]
pub struct StreamNames {
    /// The streams [default: all that the settings choose]
    #[arg(value_name = "STREAM", conflicts_with = SettingName::STREAMS.variable)]
    pub names: Vec<String>,
}

impl StreamNames {
    /// Sets the choice of streams in `given` to the named ones, if there are any.
    pub(crate) fn give(&self, given: &mut GivenSettings) {
        if !self.names.is_empty() {
            given.set(SettingName::STREAMS, self.names.join(","));
        }
    }
}
