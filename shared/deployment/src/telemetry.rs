//! Output of log events.

use tracing_subscriber::EnvFilter;

/// Style of log events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// With colours: on a terminal.
    Colours,
    /// As plain text.
    Plain,
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
        .with_writer(std::io::stderr)
        .finish();
    if tracing::subscriber::set_global_default(lines).is_err() {
        tracing::debug!("log events go where an earlier call sent them");
    }
}
