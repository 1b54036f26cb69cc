//! Needs of a server: its program, a folder, a free port, and time to start.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use engine::time::{SignedDuration, plus};
use runtime::clock::{Clock as _, SystemClock};

/// Time that a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Returns the path of a tool that the project's scripts install for tests.
pub(super) fn tools(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools").join(path);
    assert!(found.exists(), "{} is missing: `make test` installs it", found.display());
    found
}

pub(super) fn throw_away(hint: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix(hint).tempdir().expect("a folder");
    // Statics are never dropped, so the folder is left to the system's cleaning.
    folder.keep()
}

/// Ports that servers get. Linux gives those from 32,768 on to connections; so the one ten thousand
/// above, too, is none that a connection of another test takes before the server does.
const PORTS: core::ops::Range<u16> = 20_000..22_768;

/// Returns a free port. The port ten thousand above is free, too: `SeaweedFS` uses it for gRPC, and
/// ends at once if it is taken.
#[must_use]
pub fn free_port() -> u16 {
    for _ in 0..1000 {
        let port = rand::random_range(PORTS);
        let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
    panic!("no free port");
}

pub(super) fn has_setpriv() -> bool {
    let asked = Command::new("setpriv").args(["--pdeathsig", "KILL", "true"]).output();
    asked.is_ok_and(|answer| answer.status.success())
}

/// Asks until the server answers.
#[expect(clippy::disallowed_methods, reason = "a real server starts in real time")]
pub(super) async fn until(name: &str, mut is_ready: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !is_ready().await {
            let later = plus(SystemClock.now(), SignedDuration::from_millis(200));
            SystemClock.sleep_until(later).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asking).await.is_ok(), "{name} does not start");
}
