//! Admission to the account: whether there is a token, and whether Harvest refused it.

use crate::item::{AccountItem, roles_suffice};
use crate::time::{SignedDuration, Timestamp, between};
use crate::token::{OAuthItem, SecretVersion};

/// Remaining life of an access token below which it is renewed: 20 minutes.
pub const RENEWED_BEFORE: SignedDuration = SignedDuration::from_mins(20);
/// Time between two tries of a refused token.
const PROBE_INTERVAL: SignedDuration = SignedDuration::from_hours(1);

/// Stand-in for the roles of a person whose roles Harvest does not tell. It is compared as a role:
/// rows written with known roles require more than it, and rows written with it require an
/// administrator or again a person with unknown roles.
pub const UNKNOWN_ROLES: &str = "(unknown)";

/// Requests that may be sent to Harvest now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// All requests.
    Open,
    /// The request for the token's person alone, until that is answered.
    Probe,
    /// None before this instant: the token was refused.
    Paused(Timestamp),
}

/// Whether a person sees at least as much as the one who read the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonSight {
    /// The person does.
    Enough,
    /// A role is missing.
    RolesLost,
    /// The roles suffice, but it is another person: a manager's view depends on the person.
    OtherPerson,
}

/// Person of a token, as far as it determines the records that the token can read.
#[derive(Clone, Copy, Debug)]
pub struct PersonRoles<'a> {
    /// The person's id; `None` where it is not known.
    pub person: Option<i64>,
    /// Their access roles.
    pub roles: &'a [String],
}

/// Compares whether `now` sees at least what `before` saw. An administrator sees everything.
#[must_use]
pub fn sight(before: PersonRoles<'_>, now: PersonRoles<'_>) -> PersonSight {
    let administrator = now.roles.iter().any(|role| role == "administrator");
    let other = before.person.zip(now.person).is_some_and(|(before, now)| before != now);
    if !roles_suffice(before.roles, now.roles) {
        PersonSight::RolesLost
    } else if other && !administrator && !before.roles.is_empty() {
        PersonSight::OtherPerson
    } else {
        PersonSight::Enough
    }
}

/// Whether the account that answers, at the address `found`, is the one that answered before, at
/// `recorded`. `accepted`: new address that the operator has confirmed. An address that may not be
/// read is empty and proves nothing.
#[must_use]
pub fn is_same_account(recorded: &str, found: &str, accepted: Option<&str>) -> bool {
    // Names of hosts have no case.
    let is_found = |address: &str| address.eq_ignore_ascii_case(found);
    recorded.is_empty() || found.is_empty() || is_found(recorded) || accepted.is_some_and(is_found)
}

/// Returns the requests that may be sent now, with the token of secret `version`.
#[must_use]
pub fn admission(item: &AccountItem, version: Option<&SecretVersion>, now: Timestamp) -> Admission {
    let Some(refused) = &item.refused else {
        return Admission::Open;
    };
    let again = crate::time::plus(refused.probed_at, PROBE_INTERVAL);
    if refused.version.as_ref() != version || now >= again {
        return Admission::Probe;
    }
    Admission::Paused(again)
}

/// Whether the access token is to be renewed now.
#[must_use]
pub fn refresh_is_due(oauth: Option<&OAuthItem>, now: Timestamp) -> bool {
    oauth.is_none_or(|oauth| between(now, oauth.expires_at) < RENEWED_BEFORE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::plus;
    use crate::token::{AccessToken, RefusedToken};

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn refused(version: &str) -> AccountItem {
        let version = Some(SecretVersion(version.to_owned()));
        let refused = Some(RefusedToken { since: START, probed_at: START, version });
        AccountItem { refused, ..AccountItem::default() }
    }

    #[test]
    fn who_is_another_person_sees_enough_only_as_an_administrator() {
        let roles = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let (admin, manager) = (roles(&["administrator"]), roles(&["manager"]));
        let more = roles(&["client_and_task_manager", "manager"]);
        let check = |before: (&[String], Option<i64>), now: (&[String], Option<i64>)| {
            let seer = |(roles, person)| PersonRoles { person, roles };
            sight(seer(before), seer(now))
        };
        assert_eq!(check((&manager, Some(1)), (&manager, Some(1))), PersonSight::Enough);
        assert_eq!(check((&manager, Some(1)), (&more, Some(1))), PersonSight::Enough);
        assert_eq!(check((&manager, Some(1)), (&more, Some(2))), PersonSight::OtherPerson);
        assert_eq!(check((&more, Some(1)), (&manager, Some(1))), PersonSight::RolesLost);
        assert_eq!(check((&admin, Some(1)), (&manager, Some(2))), PersonSight::RolesLost);
        assert_eq!(check((&manager, Some(1)), (&admin, Some(2))), PersonSight::Enough);
        // The person is not known, or no row was written yet.
        assert_eq!(check((&manager, None), (&manager, Some(2))), PersonSight::Enough);
        assert_eq!(check((&[], None), (&manager, Some(2))), PersonSight::Enough);
    }

    #[test]
    fn an_account_is_known_by_its_address() {
        assert!(is_same_account("a.example", "a.example", None));
        assert!(is_same_account("a.example", "A.Example", None));
        assert!(!is_same_account("a.example", "b.example", None));
        assert!(is_same_account("a.example", "b.example", Some("b.example")));
        assert!(!is_same_account("a.example", "b.example", Some("a.example")));
        assert!(is_same_account("", "b.example", None));
        assert!(is_same_account("a.example", "", None));
    }

    #[test]
    fn a_refused_token_is_tried_once_an_hour_and_another_at_once() {
        let (old, new) = (SecretVersion("1".to_owned()), SecretVersion("2".to_owned()));
        let hour = plus(START, PROBE_INTERVAL);
        let soon = plus(START, SignedDuration::from_mins(59));
        let item = refused("1");
        assert_eq!(admission(&item, Some(&old), soon), Admission::Paused(hour));
        assert_eq!(admission(&item, Some(&old), hour), Admission::Probe);
        assert_eq!(admission(&item, Some(&new), soon), Admission::Probe);
        assert_eq!(admission(&item, None, soon), Admission::Probe);
        assert_eq!(admission(&AccountItem::default(), Some(&old), soon), Admission::Open);
    }

    #[test]
    fn a_token_is_renewed_in_time() {
        let lasts = |minutes| OAuthItem {
            access_token: AccessToken::new("hush".to_owned()),
            expires_at: plus(START, SignedDuration::from_mins(minutes)),
            made_at: None,
        };
        assert!(refresh_is_due(None, START));
        assert!(refresh_is_due(Some(&lasts(19)), START));
        assert!(!refresh_is_due(Some(&lasts(20)), START));
        assert!(!format!("{:?}", lasts(1)).contains("hush"));
    }
}
