//! Lists that can contradict themselves, and how they do.

use rand::RngExt;
use sim::{Contradiction, FaultEffect};

use crate::mishap::{Chronicle, Mishap};
use crate::world::World;

/// List that can contradict itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListSpot {
    /// Pattern of its requests.
    pub(super) path: &'static str,
    /// Stream of the list.
    pub(super) stream: &'static str,
    /// Number of records per page with which the list has several pages.
    pub(super) cap: usize,
}

const fn spot(path: &'static str, stream: &'static str, cap: usize) -> ListSpot {
    ListSpot { path, stream, cap }
}

const SPOTS: [ListSpot; 16] = [
    spot("/v2/clients?", "clients", 2),
    spot("/v2/contacts?", "contacts", 3),
    spot("/v2/projects?", "projects", 3),
    spot("/v2/users?", "users", 2),
    spot("/v2/roles?", "roles", 1),
    spot("/v2/user_assignments?", "user_assignments", 5),
    spot("/v2/time_entries?", "time_entries", 40),
    spot("/v2/expenses?", "expenses", 10),
    spot("/v2/invoices?", "invoices", 4),
    spot("/v2/estimates?", "estimates", 3),
    spot("/payments?", "invoice_payments", 1),
    spot("/billable_rates?", "user_billable_rates", 1),
    spot("/v2/reports/time/projects?", "time_report_projects", 2),
    spot("/v2/reports/expenses/team?", "expense_report_team", 1),
    spot("/v2/reports/uninvoiced?", "uninvoiced_report", 2),
    spot("/v2/reports/project_budget?", "project_budget_report", 2),
];

/// Kinds that are wrong answers to requests for lists.
pub(super) const OF_LISTS: [Mishap; 10] = [
    Mishap::SmallTotals,
    Mishap::LargeTotals,
    Mishap::TotalsOfPage,
    Mishap::EarlyEnds,
    Mishap::DoubledRecords,
    Mishap::BrokenLinks,
    Mishap::Circles,
    Mishap::EmptyPages,
    Mishap::IgnoredPages,
    Mishap::DeepPages,
];

/// Returns the lists of the world's streams.
pub(super) fn all_spots(world: &World) -> Vec<ListSpot> {
    SPOTS.into_iter().filter(|spot| world.settings.includes(spot.stream)).collect()
}

/// Returns the lists that `mishap` can befall.
pub(super) fn spots(world: &World, mishap: Mishap) -> Vec<ListSpot> {
    let reports = |spot: &ListSpot| spot.path.contains("/reports/");
    all_spots(world)
        .into_iter()
        .filter(|spot| !matches!(mishap, Mishap::IgnoredPages | Mishap::DeepPages) || reports(spot))
        .collect()
}

/// Returns a random effect of a kind that is wrong answers.
pub(super) fn effect(chronicle: &mut Chronicle, mishap: Mishap) -> FaultEffect {
    use Contradiction::{
        Circle, CountsIgnored, CountsOff, Doubled, EmptyLinks, EmptyNext, EmptyPages, EndsEarly,
        NoLinks, NullLinks, OwnPage, PageIgnored, TooDeep, TotalOfPage,
    };
    let total = FaultEffect::WrongTotal;
    let list = FaultEffect::Contradiction;
    let deep = |status| list(TooDeep { beyond: 1, status });
    let effects = [
        (Mishap::SmallTotals, [-1, -2, -10_000].map(total).to_vec()),
        (Mishap::LargeTotals, [1, 2, 500].map(total).to_vec()),
        (Mishap::TotalsOfPage, vec![list(TotalOfPage)]),
        (Mishap::EarlyEnds, [1, 2, 3].map(EndsEarly).map(list).to_vec()),
        (Mishap::DoubledRecords, vec![list(Doubled)]),
        (Mishap::BrokenLinks, [NoLinks, NullLinks, EmptyLinks, EmptyNext].map(list).to_vec()),
        (Mishap::Circles, [Circle, OwnPage].map(list).to_vec()),
        (Mishap::EmptyPages, vec![list(EmptyPages)]),
        (Mishap::IgnoredPages, vec![list(PageIgnored)]),
        (
            Mishap::OddCounts,
            [CountsOff(1), CountsOff(-1), CountsOff(-150), CountsIgnored].map(list).to_vec(),
        ),
        (Mishap::DeepPages, [404, 422, 500, 504].map(deep).to_vec()),
    ];
    let (_, effects) =
        effects.into_iter().find(|(kind, _)| *kind == mishap).expect("a kind of wrong answers");
    let which = if effects.len() > 1 { chronicle.random.random_range(0..effects.len()) } else { 0 };
    effects[which].clone()
}
