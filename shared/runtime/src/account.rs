//! What is asked of Harvest outside of streams: who the token is, which modules are on, how far
//! back the account goes.

use engine::budget::HORIZON_INCREMENTAL;
use engine::item::Extent;
use engine::pass::Target;
use engine::retry::{Attempts, Decision, Failure};
use engine::spec::{Module, RateClass};
use engine::time::{Date, SignedDuration, Timestamp, plus};
use harvest_api::{Answer, ApiError};
use serde::Deserialize;

use crate::context::Context;
use crate::drive::from_api;
use crate::error::RunError;
use crate::gate::NoPermit;

/// The person of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their id; `None` where Harvest does not say.
    pub id: Option<i64>,
    /// First and last name.
    pub name: String,
    /// `access_roles`; empty where Harvest does not say.
    pub roles: Vec<String>,
}

/// The account's company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// Its address at Harvest; empty without permission to read it.
    pub domain: String,
    /// Features of modules that are off.
    pub modules_off: Vec<String>,
}

/// How long a question of who the token is waits for more runs that want to know.
const GATHERED: SignedDuration = SignedDuration::from_millis(200);

/// What a request outside of streams is called in errors.
const ACCOUNT: &str = "account";

/// Sends one request with permits and retries, in the name of `stream`.
///
/// # Errors
/// The last failure, once the retries are used up.
pub async fn ask(
    context: &Context,
    stream: &'static str,
    class: RateClass,
    target: &Target,
) -> Result<Answer, RunError> {
    match try_ask(context, stream, class, target).await? {
        Ok(answer) => Ok(answer),
        Err(error) => Err(from_api(stream, context.settings.account.0, Box::new(error))),
    }
}

/// As [`ask`], but Harvest's refusal is an answer, too.
///
/// # Errors
/// Where the state store fails.
pub async fn try_ask(
    context: &Context,
    stream: &'static str,
    class: RateClass,
    target: &Target,
) -> Result<Result<Answer, ApiError>, RunError> {
    let state = |source| RunError::State { stream, source };
    let mut attempts = Attempts::default();
    loop {
        match context.gate.permit(class, HORIZON_INCREMENTAL).await {
            Ok(_) => {}
            Err(NoPermit::ComeBack(at)) => {
                context.clock.sleep_until(at).await;
                continue;
            }
            Err(NoPermit::State(source)) => return Err(state(source)),
        }
        let token = context.tokens.cell().get();
        let error = match context.api.get(target).await {
            Err(error)
                if error.is_refused_token()
                    && context.tokens.is_renewed(context, token.as_ref()).await =>
            {
                continue;
            }
            Ok(answer) if is_json(&answer.body) => {
                context.person.date(answer.date, context.clock.now());
                return Ok(Ok(answer));
            }
            Ok(_) => ApiError::new(Failure::Malformed, format!("GET {}", name(target))),
            Err(error) => error,
        };
        if let Failure::RateLimited { retry_after } = error.failure() {
            context.gate.block(class, *retry_after).await.map_err(state)?;
        }
        match attempts.on_failure(error.failure(), context.random.next()) {
            Decision::Again { after } => {
                context.clock.sleep_until(plus(context.clock.now(), after)).await;
            }
            Decision::GiveUp => return Ok(Err(error)),
        }
    }
}

fn is_json(body: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok()
}

fn name(target: &Target) -> &str {
    match target {
        Target::Path { path, .. } => path,
        Target::Link(_) => "a link",
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(
    stream: &'static str,
    path: &str,
    answer: &Answer,
) -> Result<T, RunError> {
    serde_json::from_str(&answer.body).map_err(|source| RunError::Page {
        stream,
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// Who the token is: `/users/me`, which every role may read.
///
/// # Errors
/// Where Harvest does not answer usably.
pub async fn person(context: &Context, stream: &'static str) -> Result<Person, RunError> {
    #[derive(Deserialize)]
    struct Me {
        #[serde(default)]
        id: Option<i64>,
        #[serde(default)]
        first_name: Option<String>,
        #[serde(default)]
        last_name: Option<String>,
        #[serde(default)]
        access_roles: Option<Vec<String>>,
    }
    let path = "/users/me";
    let answer = ask(context, stream, RateClass::General, &Target::path(path)).await?;
    let me: Me = parsed(stream, path, &answer)?;
    let name = [me.first_name, me.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut roles = me.access_roles.unwrap_or_default();
    roles.sort();
    Ok(Person { id: me.id, name, roles })
}

/// Who the token is, asked at `since` or later: one question serves all runs that came to it
/// meanwhile. Also whether this call sent it.
///
/// # Errors
/// Where Harvest does not answer usably.
pub async fn person_since(
    context: &Context,
    stream: &'static str,
    since: Timestamp,
) -> Result<(Person, bool), RunError> {
    let mut last = context.person.person.lock().await;
    if let Some((asked_at, person)) = &*last
        && *asked_at >= since
    {
        return Ok((person.clone(), false));
    }
    // Runs that end at about the same time wait for the lock meanwhile and share the answer.
    context.clock.sleep_until(plus(context.clock.now(), GATHERED)).await;
    let asked_at = context.clock.now();
    let person = person(context, stream).await?;
    *last = Some((asked_at, person.clone()));
    Ok((person, true))
}

/// Which modules are on: `/company`. Without permission to read it, all count as on.
///
/// # Errors
/// Where Harvest does not answer usably.
pub async fn company(context: &Context, stream: &'static str) -> Result<Company, RunError> {
    let path = "/company";
    let answer = match try_ask(context, stream, RateClass::General, &Target::path(path)).await? {
        Ok(answer) => answer,
        Err(error) if *error.failure() == Failure::Forbidden => {
            return Ok(Company {
                name: String::new(),
                domain: String::new(),
                modules_off: Vec::new(),
            });
        }
        Err(error) => {
            return Err(from_api(stream, context.settings.account.0, Box::new(error)));
        }
    };
    let body: serde_json::Value = parsed(stream, path, &answer)?;
    let off =
        |feature: &&str| body.get(feature).and_then(serde_json::Value::as_bool) == Some(false);
    let features = [Module::Expense, Module::Invoice, Module::Estimate].map(Module::feature);
    let modules_off = features.iter().filter(|name| off(name)).map(|&name| name.to_owned());
    let text = |name| body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    Ok(Company {
        name: text("name").to_owned(),
        domain: text("full_domain").to_owned(),
        modules_off: modules_off.collect(),
    })
}

/// The oldest and newest days of the account, from first and last pages of one record each.
/// A list that Harvest refuses to this person, or whose module is off, counts as empty.
///
/// # Errors
/// Where Harvest does not answer usably.
pub async fn extent(context: &Context) -> Result<Extent, RunError> {
    let (entries, expenses, issued) = futures::future::try_join3(
        days(context, "time_entries", "spent_date"),
        days(context, "expenses", "spent_date"),
        days(context, "invoices", "issue_date"),
    )
    .await?;
    let spent = match (entries, expenses) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (Some(days), None) | (None, Some(days)) => Some(days),
        (None, None) => None,
    };
    Ok(Extent { read_at: context.clock.now(), spent, issued })
}

async fn days(
    context: &Context,
    list: &'static str,
    field: &str,
) -> Result<Option<(Date, Date)>, RunError> {
    // Records without a date would hide how far the others go.
    let from = ("from".to_owned(), "1900-01-01".to_owned());
    let newest = one(context, list, vec![from.clone()], field).await?;
    let Some((Some(newest), total)) = newest else {
        return Ok(None);
    };
    if total <= 1 {
        return Ok(Some((newest, newest)));
    }
    let page = ("page".to_owned(), total.to_string());
    let oldest = one(context, list, vec![from, page], field).await?;
    // A record that was deleted meanwhile leaves the last page empty; the newest day remains.
    Ok(Some((oldest.and_then(|(day, _)| day).unwrap_or(newest), newest)))
}

async fn one(
    context: &Context,
    list: &'static str,
    mut query: Vec<(String, String)>,
    field: &str,
) -> Result<Option<(Option<Date>, u64)>, RunError> {
    let path = format!("/{list}");
    query.push(("per_page".to_owned(), "1".to_owned()));
    let target = Target::Path { path: path.clone(), query };
    let answer = match try_ask(context, ACCOUNT, RateClass::General, &target).await? {
        Ok(answer) => answer,
        Err(error) if matches!(error.failure(), Failure::Forbidden | Failure::NotFound) => {
            return Ok(None);
        }
        Err(error) => {
            return Err(from_api(list, context.settings.account.0, Box::new(error)));
        }
    };
    let body: serde_json::Value = parsed(list, &path, &answer)?;
    let day = body
        .get(list)
        .and_then(|records| records.get(0))
        .and_then(|record| record.get(field))
        .and_then(serde_json::Value::as_str)
        .and_then(|text| text.parse().ok());
    let total = body.get("total_entries").and_then(serde_json::Value::as_u64).unwrap_or(0);
    Ok(Some((day, total)))
}
