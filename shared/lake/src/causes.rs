//! Errors with their causes as one line of text.

use core::error::Error;

/// The message of `error` and those of its causes, one after the other.
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
