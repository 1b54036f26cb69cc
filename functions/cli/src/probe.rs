//! One small request for each stream, which tells its number of records.
//!
//! Harvest tells in each page of a list how many records there are (`total_entries`; Harvest API
//! v2, Pagination). A page with one record (`per_page=1`) is therefore enough to learn the size of
//! a list and whether the person of the token may read it. Streams whose records are children of
//! another stream are not asked: each parent has a list of its own.
//!
//! The number is for people and for forecasts alone. No decision about rows uses it.

use core::panic::AssertUnwindSafe;

use engine::pass::RequestTarget;
use engine::retry::{FailureReach, RequestFailure};
use engine::spec::{Paging, RateClass, StreamKind, StreamSpec};
use engine::time::{Timestamp, between, utc_day};
use futures::FutureExt as _;
use harvest_api::{ApiAnswer, ApiError, JsonLiteral, LooseObject};
use runtime::account::{self, AccountCompany, PermitPatience};
use runtime::gate::PATIENCE;
use runtime::{Context, RunError};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::text;

/// Answer for one stream, or the reason for which it was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamProbe {
    pub(crate) stream: &'static str,
    pub(crate) answer: ProbeAnswer,
}

/// Kinds of answers, and reasons for not asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProbeAnswer {
    /// Number of records; for reports, number of rows in the current window.
    Entries { entries: u64 },
    /// A usable answer without a number: the stream is a single object, or Harvest sent no total.
    There,
    /// Not asked: each record of the parent stream has a list of its own.
    Follows { parent: &'static str },
    /// Not asked: the module is off.
    ModuleOff { module: &'static str },
    /// Not asked: the settings exclude the stream.
    Excluded,
    /// Not asked: the budget has no permits before `until`.
    NoBudget { until: Timestamp },
    /// Harvest refuses the stream to the person of the token.
    Refused { why: String },
    /// The answer is not usable, or requests failed until the retries were used up.
    Failed { why: String },
}

impl StreamProbe {
    /// Returns the stream's part of the document. Members that say nothing about this answer are
    /// null.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({
            "stream": self.stream,
            "answer": self.answer.name(),
            "entries": null,
            "parent": null,
            "module": null,
            "waits_until": null,
            "error": null,
        });
        let member = match &self.answer {
            ProbeAnswer::There | ProbeAnswer::Excluded => return document,
            ProbeAnswer::Entries { entries } => ("entries", json!(entries)),
            ProbeAnswer::Follows { parent } => ("parent", json!(parent)),
            ProbeAnswer::ModuleOff { module } => ("module", json!(module)),
            ProbeAnswer::NoBudget { until } => ("waits_until", json!(until)),
            ProbeAnswer::Refused { why } | ProbeAnswer::Failed { why } => ("error", json!(why)),
        };
        if let (Some(document), (name, value)) = (document.as_object_mut(), member) {
            document.insert(name.to_owned(), value);
        }
        document
    }
}

impl ProbeAnswer {
    /// Returns the word of the document.
    const fn name(&self) -> &'static str {
        match self {
            Self::Entries { .. } => "entries",
            Self::There => "there",
            Self::Follows { .. } => "follows",
            Self::ModuleOff { .. } => "module_off",
            Self::Excluded => "excluded",
            Self::NoBudget { .. } => "waiting",
            Self::Refused { .. } => "refused",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether a sync of this stream would fail. A stream that was not asked counts as one that
    /// would not: nothing is known against it.
    pub(crate) const fn fails(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Failed { .. } => true,
            Self::Entries { .. }
            | Self::There
            | Self::Follows { .. }
            | Self::ModuleOff { .. }
            | Self::Excluded
            | Self::NoBudget { .. } => false,
        }
    }

    /// Returns the answer as text for a cell of a table. Reasons of failures are long and have
    /// lines of their own below it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Entries { entries } => text::plural(*entries, "record", "records"),
            Self::There => "one record".to_owned(),
            Self::Follows { parent } => format!("one list for each of the {parent}"),
            Self::ModuleOff { module } => format!("skipped: {module} is off"),
            Self::Excluded => "excluded by the settings".to_owned(),
            Self::NoBudget { until } => {
                format!("not asked: the budget has no room before {}", until.strftime("%H:%M UTC"))
            }
            Self::Refused { .. } => "refused (403)".to_owned(),
            Self::Failed { .. } => "failed".to_owned(),
        }
    }
}

/// Asks for `streams` at the same time, within the budgets. Returns their answers in the order of
/// the declarations.
///
/// # Errors
/// Fails if the credentials are not accepted, or the state store fails. Requests that are under way
/// then are dropped.
pub(crate) async fn probe(
    context: &Context,
    company: &AccountCompany,
    streams: impl IntoIterator<Item = &'static StreamSpec>,
) -> Result<Vec<StreamProbe>, RunError> {
    let mut asking = JoinSet::new();
    let (mut probes, mut wanted) = (Vec::new(), Vec::new());
    // The reasons that cost nothing come first: an excluded stream is reported as excluded, whatever
    // the budget has.
    for spec in streams {
        match unasked(context, company, spec) {
            Some(answer) => probes.push(StreamProbe { stream: spec.name, answer }),
            None => wanted.push(spec),
        }
    }
    let full = full_budgets(context, &wanted).await?;
    for spec in wanted {
        if let Some((_, until)) = full.iter().find(|(class, _)| *class == spec.rate_class) {
            let answer = ProbeAnswer::NoBudget { until: *until };
            probes.push(StreamProbe { stream: spec.name, answer });
            continue;
        }
        // A context is a bundle of shared parts; its clones share the permits, so that all requests
        // together keep the limits.
        let context = context.clone();
        // A panic while one stream is asked must not lose the answers of others, nor its own.
        asking.spawn(async move {
            let asked = AssertUnwindSafe(ask(&context, spec)).catch_unwind().await;
            asked.unwrap_or_else(|_| Ok(defect(spec.name)))
        });
    }
    // Answers come in any order.
    while let Some(answered) = asking.join_next().await {
        // The error cannot happen: the task catches panics and is never aborted.
        if let Ok(probe) = answered {
            probes.push(probe?);
        }
    }
    let place =
        |probe: &StreamProbe| streams::STREAMS.iter().position(|spec| spec.name == probe.stream);
    probes.sort_by_key(place);
    Ok(probes)
}

/// Returns the answer for a stream whose question panicked.
fn defect(stream: &'static str) -> StreamProbe {
    let why = "the question ended by a defect of harvest-lake; please report it".to_owned();
    StreamProbe { stream, answer: ProbeAnswer::Failed { why } }
}

/// Returns the rate classes without enough permits soon, and the time at which they have enough.
/// Their streams are not asked, so that a check does not wait.
///
/// Enough is one permit for each of the `wanted` streams of the class: all of them are asked, or
/// none.
async fn full_budgets(
    context: &Context,
    wanted: &[&'static StreamSpec],
) -> Result<Vec<(RateClass, Timestamp)>, RunError> {
    let now = context.clock.now();
    let mut full = Vec::new();
    for class in [RateClass::General, RateClass::Reports] {
        let questions = wanted.iter().filter(|spec| spec.rate_class == class).count();
        if questions == 0 {
            continue;
        }
        let state = |source| RunError::State { stream: class.name(), source };
        let done = context.gate.estimate(class, questions as u64).await.map_err(state)?;
        if between(now, done) > PATIENCE {
            full.push((class, done));
        }
    }
    Ok(full)
}

/// Returns the reason for which the stream is not asked at all; `None` if it is to be asked.
fn unasked(
    context: &Context,
    company: &AccountCompany,
    spec: &'static StreamSpec,
) -> Option<ProbeAnswer> {
    if !context.settings.includes(spec.name) {
        return Some(ProbeAnswer::Excluded);
    }
    let module = spec.module.map(engine::spec::Module::feature);
    let off = module.filter(|module| company.modules_off.iter().any(|name| name == module));
    if let Some(module) = off {
        return Some(ProbeAnswer::ModuleOff { module });
    }
    match &spec.kind {
        StreamKind::PerParent(parent) => Some(ProbeAnswer::Follows { parent: parent.trigger.name }),
        StreamKind::Listing(_) | StreamKind::Snapshot(_) | StreamKind::ReportWindow(_) => None,
    }
}

/// Asks for one stream.
///
/// # Errors
/// Fails if the credentials are not accepted, because no other stream can succeed then; or if the
/// state store fails.
async fn ask(context: &Context, spec: &'static StreamSpec) -> Result<StreamProbe, RunError> {
    let stream = spec.name;
    let target = RequestTarget::Path { path: spec.path.to_owned(), query: query(context, spec) };
    let asked =
        account::try_ask(context, stream, spec.rate_class, &target, PermitPatience::Brief).await;
    let answer = match asked {
        // The budget had room a moment ago. Another process took it, or Harvest has just asked to
        // wait.
        Err(RunError::Waits { waiting, .. }) => {
            let answer = ProbeAnswer::NoBudget { until: waiting.until };
            return Ok(StreamProbe { stream, answer });
        }
        asked => asked?,
    };
    let answer = match answer {
        Ok(answer) => counted(&answer),
        // A refusal that concerns the account, not the stream, in the middle of the check: the
        // token was revoked meanwhile.
        Err(error) if error.failure().reach() == FailureReach::StopAccount => {
            let account = context.settings.account.0;
            return Err(RunError::Credentials { account, source: Box::new(error) });
        }
        Err(error) => refused(&error),
    };
    Ok(StreamProbe { stream, answer })
}

/// Returns the parameters of the request: one record, and for a report the window of today, because
/// Harvest answers no report without `from` and `to`. A stream that is a single object has no
/// pages.
fn query(context: &Context, spec: &StreamSpec) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let one = pair("per_page", "1".to_owned());
    match spec.kind {
        StreamKind::Snapshot(Paging::Single) => Vec::new(),
        StreamKind::Listing(_) | StreamKind::Snapshot(_) | StreamKind::PerParent(_) => vec![one],
        StreamKind::ReportWindow(_) => {
            let day = |date: engine::time::Date| date.strftime("%Y-%m-%d").to_string();
            let window = context.settings.grid.window(utc_day(context.clock.now()));
            vec![pair("from", day(window.start)), pair("to", day(window.end)), one]
        }
    }
}

/// Returns the number of records that the answer tells.
fn counted(answer: &ApiAnswer) -> ProbeAnswer {
    match LooseObject::read(&answer.body) {
        Some(body) => match body.get("total_entries").and_then(JsonLiteral::count) {
            Some(entries) => ProbeAnswer::Entries { entries },
            None => ProbeAnswer::There,
        },
        None => ProbeAnswer::Failed { why: "the answer is no JSON object".to_owned() },
    }
}

/// Tells a refusal to this person (403), for which an administrator's token is the remedy, from any
/// other failure.
fn refused(error: &ApiError) -> ProbeAnswer {
    let why = error.to_string();
    if *error.failure() == RequestFailure::Forbidden {
        return ProbeAnswer::Refused { why };
    }
    ProbeAnswer::Failed { why }
}
