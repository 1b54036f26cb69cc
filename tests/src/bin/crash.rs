//! A `sync` over the real local stores that dies at the moment named by `CRASH_AT=moment:n`.

use std::path::PathBuf;
use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use e2e::deadly::{Trace, traced};
use engine::pass::Pass;
use lives::world::sync;
use runtime::progress::NoProgress;

#[expect(clippy::disallowed_methods, reason = "a test program of its own")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a test program of its own")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut deployment = DeploymentSettings::parse(&GivenSettings::from_environment()?)?;
    deployment.settings.tidy_at_once = true;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    let death = variable("CRASH_AT")
        .and_then(|text| text.split_once(':').map(|(at, n)| (at.to_owned(), n.to_owned())))
        .and_then(|(at, n)| Some((at, n.parse().ok()?)));
    let trace = PathBuf::from(variable("CRASH_TRACE").ok_or("CRASH_TRACE is not set")?);
    let context = traced(&context, &Arc::new(Trace::new(&trace, death)));
    let pass = variable("CRASH_PASS").map(|_| Pass::Full);
    let failures = sync(&context, pass).await?.failures();
    for failure in &failures {
        eprintln!("{failure}");
    }
    if failures.is_empty() { Ok(()) } else { Err("some streams failed".into()) }
}
