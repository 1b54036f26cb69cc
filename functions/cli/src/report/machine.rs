//! Answers of other commands about the lake, for the page.
//!
//! Nothing is worked out here: the documents are those that `status`, `plan` and `quarantine`
//! print. A state that cannot be read makes one of them absent, and the page says why.

use deployment::config::GivenSettings;
use runtime::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::arguments::{PlanArguments, QuarantineArguments, StatusArguments};
use crate::error::CliError;
use crate::plan;
use crate::quarantine;
use crate::said::{CommandAnswer, TextStyle};
use crate::status;

/// Returns the documents, each null if its command failed, and the reasons of those that did.
pub(super) async fn machine(given: &GivenSettings) -> Value {
    let mut problems = Vec::new();
    let mut document = |command: &str, answer: Result<CommandAnswer, CliError>| match answer {
        Ok(answer) => answer.document(),
        Err(error) => {
            problems.push(json!({ "command": command, "error": error.chain() }));
            Value::Null
        }
    };
    let style = TextStyle::PLAIN;
    let (asked, wanted) = (StatusArguments::default(), PlanArguments::default());
    let mut status = document("status", status::status(&asked, given.clone(), style).await);
    without_persons(&mut status);
    let plan = document("plan", plan::plan(&wanted, given.clone(), style).await);
    let wanted = QuarantineArguments::default();
    let listed = quarantine::quarantine(&wanted, given.clone(), style).await;
    let quarantine = document("quarantine", listed);
    json!({
        "at": SystemClock.now(),
        "status": status,
        "plan": plan,
        "quarantine": quarantine,
        "problems": problems,
    })
}

/// Removes the names of the token's person, now and before: the page has no personal data beyond
/// that of the tables.
fn without_persons(status: &mut Value) {
    if let Some(members) = status.as_object_mut() {
        members.insert("person".to_owned(), "".into());
        members.insert("person_changed".to_owned(), Value::Null);
    }
}
