//! Errors with their causes as one line of text.

use core::error::Error;

/// Returns the message of `error` and of its causes, in one line.
#[must_use]
pub fn chained(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Transparent errors show their cause as their own message.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
