//! Entries of schedulers that run `sync` in this folder: printed, and put in place by a person.

use std::path::{Path, PathBuf};

use deployment::config::{self, GivenSettings};
use engine::ids::AccountId;
use engine::time::SignedDuration;
use serde_json::json;

use crate::arguments::SchedulerKind;
use crate::error::CliError;
use crate::exit::CliExit;
use crate::said::CommandAnswer;
use crate::text;

/// Returns the entry for the current folder and this program, at the interval of the settings.
pub(super) fn entry(
    scheduler: SchedulerKind,
    given: &GivenSettings,
) -> Result<CommandAnswer, CliError> {
    // Which account it is does not matter.
    let interval = config::settings(given, AccountId(1))?.sync_interval;
    let failed = |source| CliError::Init { file: "the entry", source };
    let entry = ScheduleEntry {
        program: std::env::current_exe().map_err(failed)?,
        folder: std::env::current_dir().map_err(failed)?,
        interval,
    };
    let text = match scheduler {
        SchedulerKind::Systemd => entry.systemd(),
        SchedulerKind::Cron => entry.cron(),
        SchedulerKind::Launchd => entry.launchd(),
    };
    let json = json!({ "scheduler": scheduler.name(), "entry": text });
    Ok(CommandAnswer::new(text, json, CliExit::Done))
}

/// A sync that is to run again and again.
struct ScheduleEntry {
    program: PathBuf,
    folder: PathBuf,
    interval: SignedDuration,
}

impl ScheduleEntry {
    fn seconds(&self) -> u64 {
        u64::try_from(self.interval.as_secs()).unwrap_or(0).max(60)
    }

    /// Service and timer of a person's systemd.
    fn systemd(&self) -> String {
        let (program, folder) = (systemd_word(&self.program), systemd_path(&self.folder));
        let seconds = self.seconds();
        format!(
            "# ~/.config/systemd/user/harvest-lake.service\n\
             [Unit]\n\
             Description=Copy of a Harvest account\n\
             Wants=network-online.target\n\
             After=network-online.target\n\n\
             [Service]\n\
             Type=oneshot\n\
             WorkingDirectory={folder}\n\
             ExecStart={program} sync --quiet\n\n\
             # ~/.config/systemd/user/harvest-lake.timer\n\
             [Unit]\n\
             Description=Copy of a Harvest account\n\n\
             [Timer]\n\
             OnActiveSec=1min\n\
             OnUnitActiveSec={seconds}s\n\n\
             [Install]\n\
             WantedBy=timers.target\n\n\
             # Both in place: systemctl --user enable --now harvest-lake.timer\n\
             # Without a login: loginctl enable-linger\n"
        )
    }

    /// Line of a crontab. cron knows minutes and hours of the day: a sync runs at least as often as
    /// the interval asks for.
    fn cron(&self) -> String {
        let minutes = self.seconds() / 60;
        let below = |whole: u64, wanted: u64| {
            (1..=wanted.min(whole)).rev().find(|n| whole.is_multiple_of(*n))
        };
        let times = match minutes {
            0..60 => format!("*/{} * * * *", below(60, minutes.max(1)).unwrap_or(1)),
            60..120 => "0 * * * *".to_owned(),
            120..1440 => format!("0 */{} * * *", below(24, minutes / 60).unwrap_or(1)),
            _ => "0 6 * * *".to_owned(),
        };
        // cron takes a percent sign for the end of a line.
        let word = |path: &Path| text::word(&path.display().to_string()).replace('%', "\\%");
        let (folder, program) = (word(&self.folder), word(&self.program));
        format!(
            "# Into `crontab -e`; cron mails what is printed, which is nothing if all is well\n\
             {times} cd {folder} && {program} sync --quiet\n"
        )
    }

    /// Property list of an agent of launchd.
    fn launchd(&self) -> String {
        let (program, folder) = (xml(&self.program), xml(&self.folder));
        let seconds = self.seconds();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
             \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
             <!-- ~/Library/LaunchAgents/harvest-lake.plist, then: launchctl load FILE -->\n\
             <plist version=\"1.0\">\n\
             <dict>\n  \
             <key>Label</key><string>harvest-lake</string>\n  \
             <key>ProgramArguments</key>\n  \
             <array><string>{program}</string><string>sync</string><string>--quiet</string></array>\n  \
             <key>WorkingDirectory</key><string>{folder}</string>\n  \
             <key>StartInterval</key><integer>{seconds}</integer>\n  \
             <key>StandardErrorPath</key><string>{folder}/harvest-lake.log</string>\n\
             </dict>\n\
             </plist>\n"
        )
    }
}

/// Path of a unit's setting, in which a percent sign begins a specifier.
fn systemd_path(path: &Path) -> String {
    path.display().to_string().replace('%', "%%")
}

/// Word of a command of a unit, in quotes where it needs them.
fn systemd_word(path: &Path) -> String {
    let path = systemd_path(path).replace('$', "$$");
    if path.contains([' ', '"', '\'', '\\', ';']) {
        format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        path
    }
}

fn xml(path: &Path) -> String {
    path.display().to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(folder: &str, minutes: i64) -> ScheduleEntry {
        ScheduleEntry {
            program: PathBuf::from("/opt/harvest-lake"),
            folder: PathBuf::from(folder),
            interval: SignedDuration::from_mins(minutes),
        }
    }

    #[test]
    fn cron_syncs_at_least_as_often_as_the_interval_asks_for() {
        for (minutes, times) in [
            (0, "*/1 * * * *"),
            (7, "*/6 * * * *"),
            (30, "*/30 * * * *"),
            (60, "0 * * * *"),
            (90, "0 * * * *"),
            (300, "0 */4 * * *"),
            (720, "0 */12 * * *"),
            (1440, "0 6 * * *"),
            (10_080, "0 6 * * *"),
        ] {
            let line = entry("/x", minutes).cron();
            let expected = format!("\n{times} cd /x && /opt/harvest-lake sync --quiet\n");
            assert!(line.ends_with(&expected), "{minutes}: {line}");
        }
    }

    #[test]
    fn a_folder_with_any_name_is_quoted_as_each_scheduler_asks_for() {
        let entry = entry("/my lake/50%<&", 60);
        assert!(entry.cron().contains("cd '/my lake/50\\%<&' &&"), "{}", entry.cron());
        let unit = entry.systemd();
        assert!(unit.contains("WorkingDirectory=/my lake/50%%<&\n"), "{unit}");
        assert!(unit.contains("OnUnitActiveSec=3600s\n"), "{unit}");
        let list = entry.launchd();
        assert!(list.contains("<string>/my lake/50%&lt;&amp;</string>"), "{list}");
        assert_eq!(systemd_word(Path::new("/a b/$x")), "\"/a b/$$x\"");
    }
}
