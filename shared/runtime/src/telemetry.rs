//! Where log events go.

use tracing_subscriber::EnvFilter;

/// How log events look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// With colours: on a terminal.
    Colours,
    /// As plain text.
    Plain,
}

/// Log events as lines on standard error, from `filter` on (`warn`, `runtime=debug`, ...).
/// A second call changes nothing.
pub fn init(filter: &str, style: LogStyle) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(style == LogStyle::Colours)
        // Where standard error is full or closed, saying so there would end the process.
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .finish();
    if tracing::subscriber::set_global_default(lines).is_err() {
        tracing::debug!("log events go where an earlier call sent them");
    }
}
