//! Requirements on every announcer, as assertions. Each implementation runs all of them: memory in
//! this crate, commands in `deployment`, webhooks in `tests` against a server.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test suite, public so that other packages can run it"
)]

use serde_json::{Value, json};

use super::{Announcement, Announcer, IN_TROUBLE, TroublePlace};

/// Part of the receiver's name that an error must not show. The caller puts it into the URL or the
/// command line.
pub const SECRET: &str = "s3cret";
/// Number of entries of the list in long news: more bytes than a pipe holds.
const MANY: usize = 20_000;

/// Runs the whole suite. `heard` takes what has arrived since its last call, and `refuse` makes the
/// receiver refuse the next news.
pub async fn check(
    announcer: &dyn Announcer,
    heard: impl AsyncFn() -> Vec<Value>,
    refuse: impl AsyncFn(),
) {
    let trial = Announcement::of_trial(7, TroublePlace::Lake("./Žižek's \"lake\"\n"), "all");
    announcer.announce(&trial).await.expect("taken");
    let short = core::slice::from_ref(&trial.detail);
    assert_eq!(heard().await, short, "short news arrive as they are");
    let long = long();
    announcer.announce(&long).await.expect("taken");
    announcer.announce(&trial).await.expect("taken");
    let found = heard().await;
    assert!(found == [long.detail, trial.detail.clone()], "long news arrive whole, once, in order");
    refuse().await;
    let error = announcer.announce(&trial).await.expect_err("refused");
    assert!(!error.to_string().contains(SECRET), "{error}");
    assert!(!format!("{error:?} {announcer:?}").contains(SECRET), "{error:?} {announcer:?}");
    heard().await;
    announcer.announce(&trial).await.expect("taken again");
    assert_eq!(heard().await, [trial.detail], "a refusal is that of one message");
}

/// News with a long list.
fn long() -> Announcement {
    let many: Vec<String> = (0..MANY).map(|at| format!("stream {at}")).collect();
    let detail = json!({ "began": ["a stream"], "ended": [], "in_trouble": many, "text": "many" });
    Announcement { detail_type: IN_TROUBLE, detail }
}
