//! Output of log events.

use core::str::FromStr;

use engine::time::Timestamp;
use serde_json::json;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_subscriber::EnvFilter;

/// Form of log events, as a person chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogForm {
    /// Lines for people.
    Text,
    /// An object in each line, for programs.
    Json,
}

impl FromStr for LogForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{text}` is neither text nor json")),
        }
    }
}

/// Style of everything that is written to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// With colours: on a terminal.
    Colours,
    /// As plain text.
    Plain,
    /// As objects.
    Json,
}

/// Choice of log events, and their form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Events that are written, such as `warn,runtime=debug`.
    pub filter: String,
    /// Their form.
    pub form: LogForm,
}

/// Checks a choice of log events: levels, and modules with their levels.
///
/// # Errors
/// A sentence about the part that is neither.
pub(crate) fn filter(text: &str) -> Result<String, String> {
    for part in text.split(',').map(str::trim) {
        // A word alone would be the name of a module, and most likely is a mistyped level.
        let is_level =
            part.contains(['=', '[', '{', ']', '}']) || part.parse::<LevelFilter>().is_ok();
        if !is_level || part.parse::<tracing_subscriber::filter::Directive>().is_err() {
            return Err(format!(
                "`{part}` is no choice of log events: write error, warn, info, debug, trace or off, \
                 or a module with its level, such as runtime=debug"
            ));
        }
    }
    Ok(text.to_owned())
}

/// Writes log events that pass `filter` (`warn`, `runtime=debug`, ...) as lines to standard error.
/// A second call has no effect.
pub fn init(filter: &str, style: LogStyle) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(style == LogStyle::Colours)
        // Reporting there that standard error is full or closed would end the process.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let set = match style {
        LogStyle::Colours | LogStyle::Plain => set_global_default(lines.finish()),
        LogStyle::Json => set_global_default(lines.json().finish()),
    };
    if set.is_err() {
        tracing::debug!("log events go where an earlier call sent them");
    }
}

/// Returns the line of an error in the form that events have as objects.
#[must_use]
pub fn error_line(now: Timestamp, message: &str) -> String {
    json!({ "timestamp": now, "level": "ERROR", "fields": { "message": message } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_events_is_levels_and_modules_with_levels() {
        for good in ["warn", "off", "info,hyper=off", "runtime=debug", "WARN, runtime::gate=trace"]
        {
            assert_eq!(filter(good).as_deref(), Ok(good));
        }
        for (bad, part) in [
            ("foo=bar=baz", "foo=bar=baz"),
            ("wran", "wran"),
            ("warn,runtime=loud", "runtime=loud"),
            ("", ""),
        ] {
            let error = filter(bad).unwrap_err();
            assert!(error.starts_with(&format!("`{part}` is no choice")), "{error}");
        }
    }
}
