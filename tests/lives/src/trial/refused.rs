//! Parts of streams that are refused: report windows, and children of one parent.

use rand::RngExt;

use crate::mishap::{Chronicle, Mishap};
use crate::world::World;

/// Part of a stream that is refused.
#[derive(Clone, Debug)]
pub(super) struct RefusedUnit {
    pub(super) stream: &'static str,
    pub(super) path: String,
    /// Beginning of the keys of a window's rows.
    pub(super) window: Option<String>,
    pub(super) parent: Option<i64>,
}

pub(super) fn refused_unit(
    world: &World,
    chronicle: &mut Chronicle,
    mishap: Mishap,
) -> Option<RefusedUnit> {
    if mishap == Mishap::RefusedWindow {
        let months: Vec<_> = world.oracle().months().into_iter().collect();
        let month = chronicle.one(&months).start;
        let mut reports = vec![
            ("time_report_clients", "time/clients"),
            ("time_report_projects", "time/projects"),
            ("time_report_tasks", "time/tasks"),
            ("time_report_team", "time/team"),
            ("expense_report_team", "expenses/team"),
            ("uninvoiced_report", "uninvoiced"),
        ];
        reports.retain(|(stream, _)| world.settings.includes(stream));
        if reports.is_empty() {
            return None;
        }
        let (stream, path) = chronicle.one(&reports);
        let path = format!("/v2/reports/{path}?from={month}");
        return Some(RefusedUnit { stream, path, window: Some(format!("{month}|")), parent: None });
    }
    let mut lists = vec![
        ("invoice_payments", "invoices", "payments"),
        ("invoice_messages", "invoices", "messages"),
        ("estimate_messages", "estimates", "messages"),
        ("user_billable_rates", "users", "billable_rates"),
        ("user_cost_rates", "users", "cost_rates"),
        ("user_project_assignments", "users", "project_assignments"),
    ];
    lists.retain(|(stream, ..)| world.settings.includes(stream));
    if lists.is_empty() {
        return None;
    }
    let (stream, parents, last) = chronicle.one(&lists);
    let ids = world.oracle().true_versions(streams::find(parents).unwrap());
    let ids: Vec<i64> = ids.into_keys().collect();
    let parent = *ids.get(chronicle.random.random_range(0..1000) % ids.len().max(1))?;
    let path = format!("/v2/{parents}/{parent}/{last}");
    Some(RefusedUnit { stream, path, window: None, parent: Some(parent) })
}
