//! Settings in files: `init` writes them, and every command finds them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use e2e::scene::{Ended, Scene, finish};

/// A person in a folder, with nothing set but the address of Harvest.
struct Person {
    scene: Scene,
    folder: PathBuf,
}

impl Person {
    fn new(seed: u64) -> Self {
        let scene = Scene::new(seed);
        let folder = scene.folder().join("work");
        fs::create_dir_all(folder.join(".git")).unwrap();
        fs::create_dir_all(folder.join("below")).unwrap();
        Self { scene, folder }
    }

    fn command(&self, folder: &Path, line: &str) -> Command {
        let mut command = self.scene.command(line);
        for variable in
            ["CONFIG", "ACCOUNT_ID", "ACCESS_TOKEN", "LAKE", "GENERAL", "REPORTS", "MAX_WORKERS"]
        {
            command.env_remove(format!("HARVEST_{variable}"));
        }
        command.env("HOME", self.scene.folder()).current_dir(folder);
        command
    }

    fn run(&self, line: &str) -> Ended {
        finish(self.command(&self.folder, line).spawn().unwrap()).answers(line)
    }

    fn init(&self, line: &str, token: &str) -> Ended {
        let mut command = self.command(&self.folder, line);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{token}").unwrap();
        finish(child).answers(line)
    }

    fn files(&self) -> Vec<String> {
        let files = e2e::scene::files(&self.folder);
        let name = |path: &PathBuf| path.strip_prefix(&self.folder).unwrap().display().to_string();
        files.iter().map(name).collect()
    }
}

#[test]
fn a_person_who_has_a_token_has_a_lake_with_two_commands() {
    let person = Person::new(61);
    assert_eq!(person.init("init", "fake-unknown").code, Some(3));
    assert_eq!(person.files(), [""; 0], "a refused token leaves nothing");
    for line in ["init --general off", "init --lake s3://bucket/prefix"] {
        person.init(line, sim::ADMINISTRATOR_TOKEN).with(2);
        assert_eq!(person.files(), [""; 0], "{line}: a setting that cannot be used leaves nothing");
    }

    let line = "init --lake data/lake --general 100000/200ms --reports 100000/200ms \
                --on-recovery https://chat.example/hush --on-failure ./notify.sh";
    let told = person.init(line, sim::ADMINISTRATOR_TOKEN).with(0);
    told.says(&[
        "1000001",
        "harvest-lake.toml",
        ".env",
        "git ignores",
        "33 would answer",
        "next      harvest-lake plan --ask, then harvest-lake sync",
    ]);
    assert_eq!(person.files(), [".env", ".gitignore", "harvest-lake.toml"]);
    for file in [".env", "harvest-lake.toml"] {
        let mode = fs::metadata(person.folder.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let settings = fs::read_to_string(person.folder.join("harvest-lake.toml")).unwrap();
    assert!(!settings.contains(sim::ADMINISTRATOR_TOKEN), "{settings}");
    assert!(settings.contains("\naccount_id = 1000001\n"), "{settings}");
    // Whoever knows the URL can write into the channel.
    assert!(settings.contains("\non_failure = \"./notify.sh\"\n"), "{settings}");
    assert!(!settings.contains("hush"), "{settings}");
    let secrets = fs::read_to_string(person.folder.join(".env")).unwrap();
    assert!(secrets.contains("HARVEST_ON_RECOVERY='https://chat.example/hush'\n"), "{secrets}");
    assert!(settings.contains("\n# exclude = \"A,B\"   # default: none\n"), "{settings}");

    // From a folder below, without any setting.
    let below = person.folder.join("below");
    let synced = person.command(&below, "sync --json");
    finish({ synced }.spawn().unwrap()).answers("sync --json").with(0);
    assert!(person.folder.join("data/lake/tables/clients").is_dir());
    let told = finish(person.command(&below, "status").spawn().unwrap()).with(0);
    assert!(told.out.contains("tables are current; the oldest is as of now"), "{}", told.out);
    // The verdict, the last day, and a hint.
    assert_eq!(told.out.lines().filter(|line| !line.is_empty()).count(), 3, "{}", told.out);
    let again = finish(person.command(&below, "sync").spawn().unwrap()).with(0);
    assert_eq!(again.out.lines().count(), 2, "{}", again.out);
    assert!(again.out.contains("nothing has changed"), "{}", again.out);
    let quiet = finish(person.command(&below, "sync --quiet").spawn().unwrap()).with(0);
    assert_eq!(quiet.said().trim(), "");
    let loud = finish(person.command(&below, "sync company --verbose").spawn().unwrap()).with(0);
    assert!(loud.err.contains("GET /company status=200"), "{}", loud.err);

    // A variable wins over the file, and a flag over both.
    for (line, lake) in
        [("status", "from-a-variable"), ("status --lake from-a-flag", "from-a-flag")]
    {
        let mut command = person.command(&person.folder, line);
        let told = finish(command.env("HARVEST_LAKE", "from-a-variable").spawn().unwrap()).with(2);
        told.says(&[&format!("no lake in `{lake}`")]);
    }
    person.init("init", sim::ADMINISTRATOR_TOKEN).with(2).says(&["--force"]);
    let document = person.init("init --force --json", sim::ADMINISTRATOR_TOKEN).with(0).json();
    assert_eq!(document["check"]["account_id"], 1_000_001);
}

#[test]
fn a_mistake_in_the_file_is_told_with_its_line() {
    let person = Person::new(62);
    let file = person.folder.join("harvest-lake.toml");
    fs::write(&file, "lake = \"lake\"\naccont_id = 1\n").unwrap();
    for line in ["sync", "status", "streams"] {
        person.run(line).with(2).says(&["harvest-lake.toml:2: ", "did you mean `account_id`"]);
    }
    person.run("streams --config /dev/null").with(0);
    person.run("status --config none.toml").with(2).says(&["none.toml", "cannot be read"]);
    fs::write(&file, "account_id = 1000001\nsync_interval = \"soon\"\n").unwrap();
    person.run("plan").with(2).says(&["harvest-lake.toml:2: ", "--sync-interval", "soon"]);
    fs::write(&file, "access_token = \"x\"\n").unwrap();
    person.run("status").with(2).says(&["HARVEST_ACCESS_TOKEN", ".env"]);
}

#[test]
fn the_entry_of_a_scheduler_is_printed_and_nothing_is_written() {
    let person = Person::new(63);
    for (scheduler, words) in [
        ("systemd", &["OnUnitActiveSec=21600s", "ExecStart="][..]),
        ("cron", &["0 */6 * * * cd "]),
        ("launchd", &["<integer>21600</integer>"]),
    ] {
        let line = format!("init --schedule {scheduler} --sync-interval 6h");
        person.run(&line).with(0).says(words).says(&["sync"]);
        let document = person.run(&format!("{line} --json")).with(0).json();
        assert_eq!(document["scheduler"], scheduler);
    }
    assert_eq!(person.files(), [""; 0]);
}
