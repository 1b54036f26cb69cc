//! Users, roles, rates, and the company.
//!
//! Two things are called roles: *business roles* ("Designer") are records of the stream `roles` and
//! group users; *access roles* (`administrator`, `manager`, `member` and finer ones) say what a
//! user may see. A user's rates are part of the user, since the API lists them below `/users/{id}`.

use crate::calendar::{Day, Moment};
use crate::decimal::DecimalNumber;
use crate::table::{Record, listed_by};

/// Account as `/company` shows it.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(crate) name: String,
    pub(crate) domain: String,
    /// Whether expenses are on. If a module is off, its lists answer 403 and their records stay.
    pub(crate) expense_feature: bool,
    pub(crate) invoice_feature: bool,
    pub(crate) estimate_feature: bool,
    /// Capacity of a person per week in seconds: 126,000 are 35 hours.
    pub(crate) weekly_capacity: i64,
    pub(crate) color_scheme: Option<String>,
    /// First day of the week in its timesheets and reports: Saturday, Sunday or Monday.
    pub(crate) week_start_day: &'static str,
    /// Currency of costs.
    pub(crate) currency: &'static str,
}

/// Person of the account. Users are archived (`is_active` false) rather than deleted, once they
/// have tracked time.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) telephone: Option<String>,
    /// Time zone by its name in Rails, such as `Eastern Time (US & Canada)`, not by that of IANA.
    pub(crate) timezone: &'static str,
    pub(crate) is_contractor: bool,
    pub(crate) is_active: bool,
    /// `has_access_to_all_future_projects`.
    pub(crate) all_future_projects: bool,
    /// Capacity per week in seconds.
    pub(crate) weekly_capacity: i64,
    /// `default_hourly_rate`: the newest billable rate when the user was made, or a rate for all
    /// time that was set since.
    pub(crate) default_rate: Option<DecimalNumber>,
    pub(crate) cost_rate: Option<DecimalNumber>,
    /// Names of the business roles. Renaming a role changes them, and moves the user.
    pub(crate) roles: Vec<String>,
    /// Access roles, which decide what the user sees (`viewer`).
    pub(crate) access_roles: Vec<String>,
    /// Number from which the portrait's URL and a few switches are derived.
    pub(crate) avatar: u64,
    pub(crate) employee_id: Option<String>,
    /// Ids of the users whose work a manager sees; empty for others. A change does not move the
    /// user.
    pub(crate) teammates: Vec<i64>,
    /// Rates that clients pay, oldest first, without gaps. A rate with a start does not move the
    /// user.
    pub(crate) billable_rates: Vec<UserRate>,
    /// Costs of the user for the company, in the same form.
    pub(crate) cost_rates: Vec<UserRate>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

impl User {
    /// Returns first and last name, as records that embed a user show them.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    /// Tells whether the person holds this access role.
    pub(crate) fn has(&self, role: &str) -> bool {
        self.access_roles.iter().any(|held| held == role)
    }
}

/// Billable rate or cost of a user from one day to another.
#[derive(Clone, Debug)]
pub(crate) struct UserRate {
    pub(crate) id: i64,
    pub(crate) amount: DecimalNumber,
    /// First day; `None` for the rate that applies from the beginning.
    pub(crate) start: Option<Day>,
    /// Last day, which is the one before the next rate starts; `None` for the newest rate.
    pub(crate) end: Option<Day>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// Business role. Its users are those with its name in their `roles`, and are looked up when the
/// role is rendered: `user_ids` changes without moving the role.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

listed_by!(|one| one.created.0; User, Role);
