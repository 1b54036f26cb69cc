//! Result of a command, and what it should be.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use serde_json::Value;

/// Result of a command.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: Option<i32>,
    /// Signal that ended the command.
    pub signal: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Returns the output without the long part of a summary.
    fn brief(&self) -> String {
        let out: String = self.out.chars().take(2000).collect();
        format!("{out}\n{}", self.err)
    }

    /// Returns standard output and standard error.
    pub fn said(&self) -> String {
        format!("{}\n{}", self.out, self.err)
    }

    /// Asserts that the command ended with `code`.
    pub fn with(self, code: i32) -> Self {
        assert_eq!((self.code, self.signal), (Some(code), None), "{}", self.brief());
        self
    }

    /// Asserts that the output contains each of `words`.
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.said().contains(word), "{word:?} is missing in: {}", self.brief());
        }
        self
    }

    /// Asserts that the document follows the schema of the command of `line`, if it has `--json`.
    pub fn answers(self, line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A command line that cannot be parsed prints none.
        if words.contains(&"--json")
            && !self.out.is_empty()
            && let Some(code) = self.code
        {
            crate::json::check_answer(&words, &self.json(), code);
        }
        self
    }

    /// Parses the one JSON document of a command with `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.said()))
    }

    /// Returns error type and message of each stream that failed.
    pub fn failures(&self) -> BTreeMap<String, (String, String)> {
        let json = self.json();
        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        let failures = json["failures"].as_array().unwrap_or_else(|| panic!("{}", self.said()));
        failures
            .iter()
            .map(|one| (text(one, "stream"), (text(one, "error_type"), text(one, "error"))))
            .collect()
    }

    /// Returns the outcome of the last run of each stream.
    pub fn outcomes(&self) -> BTreeMap<String, String> {
        let json = self.json();
        let streams = json["streams"].as_array().unwrap_or_else(|| panic!("{}", self.said()));
        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        streams.iter().map(|one| (text(one, "stream"), text(one, "outcome"))).collect()
    }

    /// Asserts that only these streams failed, and all others that ran are complete.
    pub fn only_failed(self, streams: &[&str]) -> Self {
        let failed: Vec<String> = self.failures().into_keys().collect();
        let mut wanted = streams.to_vec();
        wanted.sort_unstable();
        assert_eq!(failed, wanted, "{}", self.brief());
        for (stream, outcome) in self.outcomes() {
            let expected = if wanted.contains(&stream.as_str()) { "failed" } else { "complete" };
            assert_eq!(outcome, expected, "{stream}: {}", self.brief());
        }
        self
    }
}

/// Waits for the end of a command. Asserts that the output has neither the token nor a panic.
pub fn finish(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let ended = Ended {
        code: output.status.code(),
        signal: output.status.signal(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!ended.said().contains(sim::ADMINISTRATOR_TOKEN), "{}", ended.said());
    assert!(!ended.said().contains("panicked"), "{}", ended.said());
    ended
}
