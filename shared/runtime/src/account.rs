//! Questions to Harvest outside of streams: the person of the token, the modules that are on, how
//! far back the account goes.
//!
//! Of person and company only the members that a decision needs are read, in every form in which
//! they may come. An unusable member fails nothing. It is reported as a doubt, and counts as
//! follows:
//!
//! | unusable member | counts as |
//! | --- | --- |
//! | `access_roles` of `/users/me` | a role of its own, which never suffices for known roles |
//! | `id` of `/users/me` | the same person as before |
//! | a module of `/company` | switched on, except before deletes: these are refused |
//! | `full_domain` of `/company` | the same account as before |

mod asking;
mod extent;

use engine::account::UNKNOWN_ROLES;
use engine::pass::RequestTarget;
use engine::printable::printable;
use engine::retry::RequestFailure;
use engine::spec::{Module, RateClass};
use engine::time::{SignedDuration, Timestamp, plus};
use harvest_api::{ApiAnswer, JsonLiteral, LooseObject};

use crate::context::Context;
use crate::error::{RunError, from_api};
use crate::heard::TokenPerson;

pub(crate) use asking::wait;
pub use asking::{PermitPatience, ask, tell, try_ask};
pub use extent::extent;

/// The account's company.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountCompany {
    /// Name of the company.
    pub name: String,
    /// Its address at Harvest; empty without permission to read it.
    pub domain: String,
    /// Modules that are off, by the name of their member in `/company`: `expense_feature`.
    pub modules_off: Vec<String>,
    /// Modules of which nothing is known, by the same names.
    pub modules_unknown: Vec<String>,
    /// Sentences for people about members that were not usable.
    pub doubts: Vec<String>,
}

/// Time that a question for the person of the token waits for other runs, to serve them as well:
/// 200 milliseconds.
const GATHERED: SignedDuration = SignedDuration::from_millis(200);

/// Number of characters of a name that are printed.
const LONGEST_NAME: usize = 100;

/// Members of `/company` that say whether a module is on.
const FEATURES: [&str; 3] =
    [Module::Expense.feature(), Module::Invoice.feature(), Module::Estimate.feature()];

/// Path of the person of the token.
const PERSON: &str = "/users/me";
/// Path of the company. Reading it may need a permission that the person lacks.
const COMPANY: &str = "/company";

/// Asks for the person of the token: `/users/me`, which every role may read.
///
/// # Errors
/// Fails if Harvest does not answer usably, or may not be asked soon.
pub async fn person(
    context: &Context,
    stream: &'static str,
    patience: PermitPatience,
) -> Result<TokenPerson, RunError> {
    let target = RequestTarget::path(PERSON);
    let answer = ask(context, stream, RateClass::General, &target, patience).await?;
    Ok(person_of(&object(stream, PERSON, &answer)?))
}

/// Reads an answer as an object. A list or a text in its place is an error, because then nothing in
/// it can be trusted.
fn object<'a>(
    stream: &'static str,
    path: &str,
    answer: &'a ApiAnswer,
) -> Result<LooseObject<'a>, RunError> {
    LooseObject::read(&answer.body).ok_or_else(|| RunError::Page {
        stream,
        path: path.to_owned(),
        source: "it is no object".into(),
    })
}

/// Reads the person from the answer of `/users/me`.
fn person_of(me: &LooseObject<'_>) -> TokenPerson {
    let mut doubts = Vec::new();
    let name = ["first_name", "last_name"].map(|member| me.get(member).and_then(JsonLiteral::text));
    let name = shown(&name.into_iter().flatten().collect::<Vec<_>>().join(" "));
    let id = me.get("id").and_then(JsonLiteral::integer);
    if id.is_none() {
        doubts.push(format!(
            "{PERSON} tells no usable id ({}): another person with the same roles is not noticed",
            found(me, "id")
        ));
    }
    let roles = roles_of(me, &mut doubts);
    TokenPerson { id, name, roles, doubts }
}

/// Returns the roles, sorted. An empty list says that the person has none; any other value without
/// a usable role says nothing.
fn roles_of(me: &LooseObject<'_>, doubts: &mut Vec<String>) -> Vec<String> {
    let items = me.get("access_roles").and_then(JsonLiteral::items);
    let said = items.as_ref().is_some_and(Vec::is_empty);
    let items: Vec<JsonLiteral<'_>> =
        items.into_iter().flatten().filter(|item| !item.is_null()).collect();
    let mut roles: Vec<String> = items.iter().filter_map(|item| item.text()).collect();
    if roles.is_empty() && !said {
        roles.push(UNKNOWN_ROLES.to_owned());
        doubts.push(format!(
            "{PERSON} tells no usable `access_roles` ({}): what this person may see is not known, \
             so nothing is written over rows that a person with known roles wrote",
            found(me, "access_roles")
        ));
    } else if roles.len() < items.len() {
        doubts.push(format!(
            "{PERSON} names a role that is no text; the others count: {}",
            roles.join(", ")
        ));
    }
    roles.sort();
    roles.dedup();
    roles
}

/// Returns a name as it may be printed: on one line, of bounded length.
fn shown(name: &str) -> String {
    printable(name).chars().take(LONGEST_NAME).collect()
}

/// Describes for people the value found in place of a usable member.
fn found(object: &LooseObject<'_>, member: &str) -> &'static str {
    match object.get(member).map(JsonLiteral::kind) {
        None => "it is missing or null",
        Some("a list") => "it is a list without any",
        Some(kind) => kind,
    }
}

/// Returns the person of the token as asked at `since` or later, and whether this call sent the
/// question. One question serves all runs that wait for it meanwhile.
///
/// # Errors
/// Fails if Harvest does not answer usably, or asked to wait.
pub async fn person_since(
    context: &Context,
    stream: &'static str,
    since: Timestamp,
) -> Result<(TokenPerson, bool), RunError> {
    let mut last = context.person.person.lock().await;
    if let Some((asked_at, person)) = &*last
        && *asked_at >= since
    {
        return Ok((person.clone(), false));
    }
    // Runs that end at about the same time wait for the lock meanwhile and share the answer.
    context.clock.sleep_until(plus(context.clock.now(), GATHERED)).await;
    let asked_at = context.clock.now();
    let person = person(context, stream, PermitPatience::Budget).await?;
    *last = Some((asked_at, person.clone()));
    Ok((person, true))
}

/// Asks which modules are on: `/company`. Without permission to read it, nothing is known of any.
///
/// # Errors
/// Fails if Harvest does not answer usably, or may not be asked soon.
pub async fn company(
    context: &Context,
    stream: &'static str,
    patience: PermitPatience,
) -> Result<AccountCompany, RunError> {
    let target = RequestTarget::path(COMPANY);
    match try_ask(context, stream, RateClass::General, &target, patience).await? {
        Ok(answer) => Ok(company_of(&object(stream, COMPANY, &answer)?)),
        Err(error) if *error.failure() == RequestFailure::Forbidden => Ok(AccountCompany {
            modules_unknown: FEATURES.map(str::to_owned).to_vec(),
            ..AccountCompany::default()
        }),
        Err(error) => Err(from_api(stream, context.settings.account.0, Box::new(error))),
    }
}

/// Reads the company from the answer of `/company`.
///
/// A module counts as off only if Harvest says so. To take a module for off by mistake would leave
/// its streams out without a failure; to take it for on lets them fail with a message at worst.
fn company_of(body: &LooseObject<'_>) -> AccountCompany {
    let mut company = AccountCompany {
        name: body
            .get("name")
            .and_then(JsonLiteral::text)
            .map(|name| shown(&name))
            .unwrap_or_default(),
        ..AccountCompany::default()
    };
    for feature in FEATURES {
        match body.get(feature).and_then(JsonLiteral::flag) {
            Some(true) => {}
            Some(false) => company.modules_off.push(feature.to_owned()),
            None => {
                company.modules_unknown.push(feature.to_owned());
                company.doubts.push(format!(
                    "{COMPANY} does not say usably whether `{feature}` is on ({}): its streams are read, and no row is deleted unless you accept it",
                    found(body, feature)
                ));
            }
        }
    }
    match body.get("full_domain").and_then(JsonLiteral::text) {
        Some(domain) => company.domain = domain,
        None => company.doubts.push(format!(
            "{COMPANY} tells no usable `full_domain` ({}): another account that answers in this \
             one's place is not noticed by it",
            found(body, "full_domain")
        )),
    }
    company
}

#[cfg(test)]
mod tests;
