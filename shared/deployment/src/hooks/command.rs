//! A command that hears of news: `sh -c`, the document on standard input.

use core::fmt;
use std::io::ErrorKind;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use engine::time::{SignedDuration, plus};
use runtime::announce::{AnnounceError, Announcement, Announcer};
use runtime::clock::Clock;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use crate::config::{HookOccasion, SettingName};

/// Settings that the command does not inherit as variables: the secrets.
const SECRETS: [SettingName; 4] =
    [SettingName::TOKEN, SettingName::HASH_KEY, SettingName::ON_FAILURE, SettingName::ON_RECOVERY];

/// Announcer that runs a command for each message. The command has a process group of its own, which
/// is killed if it takes too long.
pub struct CommandAnnouncer {
    occasion: HookOccasion,
    line: String,
    patience: SignedDuration,
    clock: Arc<dyn Clock>,
}

impl CommandAnnouncer {
    /// Returns the announcer that runs `line` by `sh -c`, for `patience` at most.
    #[must_use]
    pub fn new(
        occasion: HookOccasion,
        line: &str,
        patience: SignedDuration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { occasion, line: line.to_owned(), patience, clock }
    }

    fn start(&self, announcement: &Announcement) -> std::io::Result<Child> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.line);
        for secret in SECRETS {
            command.env_remove(secret.variable);
        }
        command
            .env("HARVEST_LAKE_EVENT", self.occasion.name())
            .env("HARVEST_LAKE_STREAMS", announcement.streams().join(","))
            .env("HARVEST_LAKE_TEXT", announcement.text())
            .stdin(Stdio::piped())
            // Standard output belongs to the answer of this program.
            .stdout(std::io::stderr())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }
}

#[async_trait]
impl Announcer for CommandAnnouncer {
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let failed = |what| {
            let place = format!("the command of `{}`", self.occasion.key());
            AnnounceError { place, what }
        };
        let mut child = self
            .start(announcement)
            .map_err(|error| failed(format!("could not be started: {error}")))?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let document = announcement.detail.to_string();
        let deadline = plus(self.clock.now(), self.patience);
        let ended = tokio::select! {
            ended = Box::pin(talk(&mut child, &document)) => ended,
            () = self.clock.sleep_until(deadline) => {
                // Also what it has started. An error means that all of it has just ended.
                if let Some(group) = group {
                    kill_process_group(group, Signal::KILL).ok();
                }
                let seconds = self.patience.as_secs();
                return Err(failed(format!(
                    "was still at work after {seconds} s, and was killed: let it leave what takes \
                     long to another process"
                )));
            }
        };
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(failed(format!("failed ({status}): see what it says above"))),
            Err(error) => Err(failed(format!("could not be told: {error}"))),
        }
    }
}

/// Writes the document, and waits for the end of the command. One that does not read it all is none
/// the worse for it.
async fn talk(child: &mut Child, document: &str) -> std::io::Result<ExitStatus> {
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(document.as_bytes()).await {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    child.wait().await
}

impl fmt::Debug for CommandAnnouncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandAnnouncer").field("occasion", &self.occasion).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use runtime::announce::{TroublePlace, conformance};
    use runtime::clock::SystemClock;
    use serde_json::Value;

    use super::*;

    fn announcer(line: &str, patience: SignedDuration) -> CommandAnnouncer {
        CommandAnnouncer::new(HookOccasion::Failure, line, patience, Arc::new(SystemClock))
    }

    fn heard(file: &Path) -> Vec<Value> {
        let text = fs::read_to_string(file).unwrap_or_default();
        fs::remove_file(file).ok();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_command_conforms() {
        let folder = tempfile::tempdir().unwrap();
        let (file, gate) = (folder.path().join("heard"), folder.path().join("gate"));
        let line = format!(
            ": s3cret; if rm '{}' 2> /dev/null; then exit 7; fi; cat >> '{1}'; echo >> '{1}'",
            gate.display(),
            file.display()
        );
        let command = announcer(&line, super::super::PATIENCE);
        let refuse = async || fs::write(&gate, "").unwrap();
        conformance::check(&command, async || heard(&file), refuse).await;
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_is_killed_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let line = format!("sleep 600 & echo $! > '{}'; wait", pids.display());
        let command = announcer(&line, SignedDuration::from_millis(500));
        let trial = Announcement::of_trial(7, TroublePlace::Lake("./lake"), "all");
        let error = command.announce(&trial).await.unwrap_err().to_string();
        assert!(error.contains("was killed"), "{error}");
        let pid: i32 = fs::read_to_string(&pids).unwrap().trim().parse().unwrap();
        // Ended, and perhaps not yet collected by the process that inherits it. The kernel ends it when
        // it would run next.
        let is_alive = || {
            let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        assert!((0..1_000_000).any(|_| !is_alive()), "{pid} runs on");
    }

    #[tokio::test]
    async fn a_command_gets_a_few_variables_and_need_not_read_the_document() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let line = format!(
            "exec < /dev/null; echo \"$HARVEST_LAKE_EVENT $HARVEST_LAKE_TEXT\" > '{}'",
            file.display()
        );
        let trial = Announcement::of_trial(7, TroublePlace::Lake("./lake"), "all");
        announcer(&line, super::super::PATIENCE).announce(&trial).await.unwrap();
        let told = fs::read_to_string(&file).unwrap();
        assert_eq!(told, format!("failure {}\n", trial.text()));
    }
}
