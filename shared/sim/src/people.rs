//! Users, roles, rates, and the company.

use crate::calendar::{Day, Moment};
use crate::decimal::DecimalNumber;
use crate::table::Record;

/// Implements `Record` for a type with `id`, `created` and `updated`, listed by creation.
macro_rules! listed_by_creation {
    ($($record:ty),+) => {$(
        impl Record for $record {
            fn id(&self) -> i64 {
                self.id
            }
            fn rank(&self) -> i64 {
                self.created.0
            }
            fn updated(&self) -> Moment {
                self.updated
            }
            fn touch(&mut self, now: Moment) {
                self.updated = now;
            }
        }
    )+};
}
pub(crate) use listed_by_creation;

/// The account as `/company` shows it.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) expense_feature: bool,
    pub(crate) invoice_feature: bool,
    pub(crate) estimate_feature: bool,
    pub(crate) weekly_capacity: i64,
    pub(crate) color_scheme: Option<String>,
}

/// A person of the account.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) telephone: Option<String>,
    pub(crate) timezone: &'static str,
    pub(crate) is_contractor: bool,
    pub(crate) is_active: bool,
    pub(crate) all_future_projects: bool,
    pub(crate) weekly_capacity: i64,
    pub(crate) default_rate: Option<DecimalNumber>,
    pub(crate) cost_rate: Option<DecimalNumber>,
    pub(crate) roles: Vec<String>,
    pub(crate) access_roles: Vec<String>,
    pub(crate) avatar: u64,
    pub(crate) employee_id: Option<String>,
    pub(crate) teammates: Vec<i64>,
    pub(crate) billable_rates: Vec<UserRate>,
    pub(crate) cost_rates: Vec<UserRate>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

impl User {
    /// First and last name.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    /// Whether the person holds this access role.
    pub(crate) fn has(&self, role: &str) -> bool {
        self.access_roles.iter().any(|held| held == role)
    }
}

/// Billable rate or cost of a user from one day to another.
#[derive(Clone, Debug)]
pub(crate) struct UserRate {
    pub(crate) id: i64,
    pub(crate) amount: DecimalNumber,
    pub(crate) start: Option<Day>,
    pub(crate) end: Option<Day>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A business role; its users are those with its name in their `roles`.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

listed_by_creation!(User, Role);
