//! Parts of streams that are refused: report windows, and children of one parent.

use std::collections::BTreeSet;

use rand::RngExt;
use runtime::Context;
use sim::{Mutation, RateKind};

use crate::mishap::{Chronicle, Mishap};
use crate::oracle::After;
use crate::world::{World, now, sync};

/// Part of a stream that is refused.
#[derive(Clone, Debug)]
pub(super) struct RefusedUnit {
    pub(super) stream: &'static str,
    pub(super) path: String,
    /// Beginning of the keys of a window's rows.
    pub(super) window: Option<String>,
    pub(super) parent: Option<i64>,
    /// Keys of the rows that the parent had, and has.
    pub(super) children: BTreeSet<String>,
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
        return Some(RefusedUnit {
            stream,
            path,
            window: Some(format!("{month}|")),
            parent: None,
            children: BTreeSet::new(),
        });
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
    Some(RefusedUnit {
        stream,
        path,
        window: None,
        parent: Some(parent),
        children: BTreeSet::new(),
    })
}

impl RefusedUnit {
    /// Changes a child of the parent that is refused, if the account can change one.
    pub(super) fn change_child(&mut self, world: &World) {
        let Some(parent) = self.parent else { return };
        let (spec, id) = (streams::find(self.stream).unwrap(), Some(parent));
        let rate = |kind| Mutation::ChangeRate { user: id, kind, cents: None, start_date: None };
        let message = |stream: &str| Mutation::AddMessage { stream: stream.to_owned(), id };
        let change = match self.stream {
            "invoice_payments" => Some(Mutation::AddPayment { id }),
            "invoice_messages" => Some(message("invoices")),
            "estimate_messages" => Some(message("estimates")),
            "user_billable_rates" => Some(rate(RateKind::Billable)),
            "user_cost_rates" => Some(rate(RateKind::Cost)),
            _ => None,
        };
        self.children = world.oracle().true_children(spec, parent);
        if let Some(change) = change {
            drop(world.account.lock().unwrap().apply(now(world), &change));
            self.children.extend(world.oracle().true_children(spec, parent));
        }
    }

    /// Runs a sync after the refusal, and returns the children that the table has not taken over: the parent was
    /// parked, and the next incremental pass reads it.
    ///
    /// # Errors
    /// Fails if not even the account can be read.
    pub(super) async fn left_out(
        &self,
        world: &World,
        context: &Context,
    ) -> Result<Vec<String>, String> {
        if self.parent.is_none() {
            return Ok(Vec::new());
        }
        world.sleep(1).await;
        sync(context, None).await.map_err(|error| error.chain())?;
        let mut differences = world.oracle().differences_of(self.stream, After::FullPasses).await;
        let is_child =
            |line: &String| self.children.contains(line.split(' ').nth(1).unwrap_or_default());
        differences.retain(is_child);
        Ok(differences.into_iter().map(|line| format!("after a refusal: {line}")).collect())
    }
}
