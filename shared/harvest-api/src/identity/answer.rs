//! Answers of Harvest ID: granted tokens, and the accounts that a token opens.

use core::fmt;

use engine::ids::AccountId;

use crate::loose::{JsonLiteral, LooseObject};

/// Assumed lifetime of a token in seconds if the answer gives none: 17 hours, far below Harvest's
/// usual 14 days. Too short costs a renewal; too long would end in a refused request.
const ASSUMED_SECONDS: i64 = 17 * 60 * 60;

/// Tokens that Harvest granted. `Debug` hides them.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenGrant {
    /// The new access token.
    pub access_token: String,
    /// Refresh token to use next; `None` if the old one, where there is one, stays valid.
    pub refresh_token: Option<String>,
    /// Lifetime of the access token in seconds.
    pub expires_in_seconds: i64,
}

impl fmt::Debug for TokenGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenGrant")
            .field("expires_in_seconds", &self.expires_in_seconds)
            .finish_non_exhaustive()
    }
}

/// Harvest account that a token opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// Id, for the header of requests.
    pub id: AccountId,
    /// Name of the company.
    pub name: String,
}

/// Person of a token, and the Harvest accounts that the token opens. Accounts of Forecast, the other
/// product of the company, are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenHolder {
    /// First and last name.
    pub person: String,
    /// The accounts, in Harvest's order.
    pub accounts: Vec<OpenAccount>,
}

/// Parses the accounts of a token; `None` if the answer has no such list. An account without an id or
/// of another product than Harvest is left out.
pub(super) fn holder(body: &str) -> Option<TokenHolder> {
    let body = LooseObject::read(body)?;
    let text = |object: &LooseObject<'_>, name| object.get(name).and_then(JsonLiteral::text);
    let user = body.get("user").and_then(JsonLiteral::object);
    let name = |part| user.as_ref().and_then(|user| text(user, part)).unwrap_or_default();
    let person = format!("{} {}", name("first_name"), name("last_name")).trim().to_owned();
    let account = |item: JsonLiteral<'_>| {
        let item = item.object()?;
        let id = item.get("id").and_then(JsonLiteral::integer).map(AccountId)?;
        let harvest = text(&item, "product").is_some_and(|product| product == "harvest");
        harvest.then(|| OpenAccount { id, name: text(&item, "name").unwrap_or_default() })
    };
    let accounts = body.get("accounts")?.items()?.into_iter().filter_map(account).collect();
    Some(TokenHolder { person, accounts })
}

/// Parses an answer that grants tokens. A token must be text; the lifetime may be any form of a
/// positive number of seconds.
pub(super) fn granted(body: &str) -> Option<TokenGrant> {
    let body = LooseObject::read(body)?;
    let token =
        |member| body.get(member).filter(|value| value.is_text()).and_then(JsonLiteral::text);
    let lasts =
        body.get("expires_in").and_then(JsonLiteral::integer).filter(|seconds| *seconds > 0);
    Some(TokenGrant {
        access_token: token("access_token").filter(|token| !token.is_empty())?,
        refresh_token: token("refresh_token").filter(|token| !token.is_empty()),
        expires_in_seconds: lasts.unwrap_or(ASSUMED_SECONDS),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_harvest_alone_are_taken_from_what_the_token_opens() {
        let found = holder(
            r#"{"user":{"id":1,"first_name":"Ada","last_name":null},"accounts":[
                {"id":5,"name":"Plans","product":"forecast"},
                {"id":6.0,"name":"Studio","product":"harvest"},
                {"id":"x","name":"?","product":"harvest"},
                {"id":"7","product":"harvest"}, 5]}"#,
        );
        let account = |id, name: &str| OpenAccount { id: AccountId(id), name: name.to_owned() };
        let accounts = vec![account(6, "Studio"), account(7, "")];
        assert_eq!(found, Some(TokenHolder { person: "Ada".to_owned(), accounts }));
        for none in ["[]", "{}", r#"{"accounts":null}"#, "x"] {
            assert_eq!(holder(none), None, "{none}");
        }
    }

    #[test]
    fn an_answer_of_the_token_endpoint_is_read_as_far_as_it_matters() {
        let check = |members: &str, lasts| {
            let body = format!(r#"{{"access_token":"a","refresh_token":"r"{members}}}"#);
            let renewal = granted(&body).unwrap();
            assert_eq!(renewal.access_token, "a", "{members}");
            assert_eq!(renewal.refresh_token.as_deref(), Some("r"), "{members}");
            assert_eq!(renewal.expires_in_seconds, lasts, "{members}");
        };
        check("", ASSUMED_SECONDS);
        check(r#","expires_in":60"#, 60);
        check(r#","expires_in":60.0"#, 60);
        check(r#","expires_in":"60""#, 60);
        check(r#","expires_in":null,"scope":["\ud800"],"token_type":5"#, ASSUMED_SECONDS);
        check(r#","expires_in":-1"#, ASSUMED_SECONDS);
        check(r#","expires_in":{}"#, ASSUMED_SECONDS);
        for none in ["[]", "{}", r#"{"access_token":5}"#, r#"{"access_token":""}"#, "x"] {
            assert_eq!(granted(none), None, "{none}");
        }
        let kept = granted(r#"{"access_token":"a","refresh_token":null}"#).unwrap();
        assert_eq!(kept.refresh_token, None);
    }
}
