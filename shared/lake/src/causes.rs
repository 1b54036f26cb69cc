//! Errors with their causes as one line of text.

use core::error::Error;

/// Returns the message of `error` and of its causes, in one line.
#[must_use]
pub fn chained(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
