//! Users, roles, rates, and the company.
//!
//! Fields that a person may not see are missing here, not null: a recorded `/users/me` of an
//! ordinary member has neither `default_hourly_rate` nor `cost_rate`.

use super::RenderContext;
use crate::calendar::Moment;
use crate::dice::scramble;
use crate::json::JsonWriter;
use crate::people::{Role, User, UserRate};

/// Appends `/company`, left open. It has no id and no times, and tells which modules are on.
pub(crate) fn company(look: &RenderContext<'_>, json: &mut JsonWriter) {
    let company = &look.books.company;
    json.open();
    json.text("base_uri", &format!("https://{}", company.domain));
    json.text("full_domain", &company.domain);
    json.text("name", &company.name);
    json.flag("is_active", true);
    json.text("week_start_day", company.week_start_day);
    json.flag("wants_timestamp_timers", true);
    json.text("time_format", "hours_minutes");
    json.text("date_format", "%Y-%m-%d");
    json.text("plan_type", "simple-v4");
    json.flag("expense_feature", company.expense_feature);
    json.flag("invoice_feature", company.invoice_feature);
    json.flag("estimate_feature", company.estimate_feature);
    json.flag("approval_feature", true);
    json.flag("team_feature", true);
    json.text("clock", "12h");
    json.text("currency_code_display", "iso_code_none");
    json.text("currency_symbol_display", "symbol_before");
    json.text("decimal_symbol", ".");
    json.text("thousands_separator", ",");
    json.maybe_text("color_scheme", company.color_scheme.as_deref());
    json.int("weekly_capacity", company.weekly_capacity);
    json.text("currency", company.currency);
    json.flag("saml_sign_in_required", false);
    json.flag("day_entry_notes_required", false);
}

/// Appends a user of the listing, left open.
pub(crate) fn user(look: &RenderContext<'_>, json: &mut JsonWriter, user: &User) {
    json.open();
    json.int("id", user.id);
    json.text("first_name", &user.first_name);
    json.text("last_name", &user.last_name);
    json.text("email", &user.email);
    json.maybe_text("telephone", user.telephone.as_deref());
    json.text("timezone", user.timezone);
    json.flag("has_access_to_all_future_projects", user.all_future_projects);
    json.flag("is_contractor", user.is_contractor);
    json.flag("is_active", user.is_active);
    stamps(json, user.created, user.updated);
    json.int("weekly_capacity", user.weekly_capacity);
    if look.viewer.sees_rates() {
        json.maybe_number("default_hourly_rate", user.default_rate);
    }
    if look.viewer.sees_costs() {
        json.maybe_number("cost_rate", user.cost_rate);
    }
    json.texts("roles", user.roles.iter().map(String::as_str));
    json.texts("access_roles", user.access_roles.iter().map(String::as_str));
    json.text("avatar_url", &avatar(user));
    json.maybe_text("employee_id", user.employee_id.as_deref());
    json.flag("calendar_integration_enabled", user.avatar.is_multiple_of(5));
    let source = user.avatar.is_multiple_of(5).then_some("google");
    json.maybe_text("calendar_integration_source", source);
    json.flag("can_create_projects", user.has("administrator") || user.has("project_creator"));
}

/// Appends `/users/me`: a user with `permissions_claims`, which only this user sees.
pub(crate) fn me(look: &RenderContext<'_>, json: &mut JsonWriter, who: &User) {
    json.salt(who.id);
    json.spell(look.spelling.of_account());
    user(look, json, who);
    json.list("permissions_claims");
    json.end_list();
    look.close(json, who.id);
}

/// Returns the URL of a user's portrait.
pub(crate) fn avatar(user: &User) -> String {
    let picture = scramble(user.avatar, 7) % 100_000;
    format!("https://cache.harvestapp.com/assets/profile_images/portrait_{picture}.png?1498516481")
}

/// Appends a teammate of a manager, left open.
pub(crate) fn teammate(json: &mut JsonWriter, user: &User) {
    json.open();
    json.int("id", user.id);
    json.text("first_name", &user.first_name);
    json.text("last_name", &user.last_name);
    json.text("email", &user.email);
}

/// Appends a billable or cost rate, left open.
pub(crate) fn rate(json: &mut JsonWriter, rate: &UserRate) {
    json.open();
    json.int("id", rate.id);
    json.number("amount", rate.amount);
    json.maybe_day("start_date", rate.start);
    json.maybe_day("end_date", rate.end);
    stamps(json, rate.created, rate.updated);
}

/// Appends a business role with the ids of its users, left open. It has no list of users of its
/// own: they are those with its name.
pub(crate) fn role(look: &RenderContext<'_>, json: &mut JsonWriter, role: &Role) {
    json.open();
    json.int("id", role.id);
    json.text("name", &role.name);
    stamps(json, role.created, role.updated);
    let holders = look.books.users.iter().filter(|user| user.roles.contains(&role.name));
    json.ints("user_ids", holders.map(|user| user.id));
}

/// Appends `created_at` and `updated_at`.
pub(super) fn stamps(json: &mut JsonWriter, created: Moment, updated: Moment) {
    json.moment("created_at", created);
    json.moment("updated_at", updated);
}
