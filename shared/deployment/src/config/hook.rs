//! Receivers of news on somebody's machine: a command or a webhook.

use core::fmt;

use url::Url;

use super::setting::SettingName;

/// Occasion on which a receiver is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOccasion {
    /// Streams came into trouble.
    Failure,
    /// Streams are out of trouble.
    Recovery,
}

impl HookOccasion {
    /// Returns the word for it that a command finds in its environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Recovery => "recovery",
        }
    }

    /// Returns the name of that setting in the file of settings.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Failure => "on_failure",
            Self::Recovery => "on_recovery",
        }
    }

    /// Returns the setting that names its receiver.
    #[must_use]
    pub const fn setting(self) -> SettingName {
        match self {
            Self::Failure => SettingName::ON_FAILURE,
            Self::Recovery => SettingName::ON_RECOVERY,
        }
    }
}

/// Receiver of news. Neither `Debug` nor `Display` shows more than scheme and host of a URL: whoever
/// knows the rest can write into somebody's channel.
#[derive(Clone, PartialEq, Eq)]
pub enum HookTarget {
    /// A command line for `sh -c`.
    Command(String),
    /// A URL of `http` or `https`, to which the news are posted.
    Webhook(Url),
}

impl HookTarget {
    /// Parses a URL or a command line.
    ///
    /// # Errors
    /// A sentence about a URL that cannot be called, without its text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let is_scheme = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
        };
        let scheme =
            text.split_once("://").map(|(scheme, _)| scheme).filter(|text| is_scheme(text));
        let Some(scheme) = scheme else { return Ok(Self::Command(text.to_owned())) };
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(format!(
                "`{scheme}://` cannot be called: give a URL of https, or a command"
            ));
        }
        match Url::parse(text) {
            Ok(url) if !text.contains(char::is_whitespace) => Ok(Self::Webhook(url)),
            // Its text may be a secret.
            Ok(_) | Err(_) => {
                Err(format!("what begins with `{scheme}://` is no URL: copy it once more, whole"))
            }
        }
    }
}

impl fmt::Display for HookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(_) => f.write_str("the command"),
            Self::Webhook(url) => f.write_str(&url.origin().ascii_serialization()),
        }
    }
}

impl fmt::Debug for HookTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_posted_to_and_everything_else_is_a_command() {
        let url = |text: &str| Ok(HookTarget::Webhook(text.parse().unwrap()));
        let command = |text: &str| Ok(HookTarget::Command(text.to_owned()));
        let refused = |text: &str| Err(text.to_owned());
        for (text, expected) in [
            (
                "https://hooks.slack.com/services/T/B/x",
                url("https://hooks.slack.com/services/T/B/x"),
            ),
            ("HTTP://localhost:8080/x", url("http://localhost:8080/x")),
            ("mail -s trouble me@example.com", command("mail -s trouble me@example.com")),
            ("curl https://x.example/y", command("curl https://x.example/y")),
            ("./notify.sh", command("./notify.sh")),
            (
                "slack://x",
                refused("`slack://` cannot be called: give a URL of https, or a command"),
            ),
            (
                "https://",
                refused("what begins with `https://` is no URL: copy it once more, whole"),
            ),
            (
                "https://a.example/s3cret x",
                refused("what begins with `https://` is no URL: copy it once more, whole"),
            ),
        ] {
            assert_eq!(HookTarget::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn an_occasion_has_the_name_of_its_setting() {
        for occasion in [HookOccasion::Failure, HookOccasion::Recovery] {
            let key = super::super::file_name(occasion.setting());
            assert_eq!(key.as_deref(), Some(occasion.key()));
        }
    }

    #[test]
    fn a_receiver_is_shown_without_its_secret() {
        let shown = |text: &str| {
            let target = HookTarget::parse(text).unwrap();
            format!("{target} {target:?}")
        };
        let host = "https://a.example:8443";
        assert_eq!(
            shown("https://me:s3cret@a.example:8443/s3cret?k=s3cret"),
            format!("{host} {host}")
        );
        assert_eq!(shown("post --key s3cret"), "the command the command");
    }
}
