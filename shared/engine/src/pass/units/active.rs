//! A unit that is being read, and the pager that reads it.

use super::super::Unit;
use super::super::pager::Pager;
use crate::spec::{StreamKind, StreamSpec};
use crate::time::Timestamp;
use crate::window::FixedFeeAmounts;

/// A unit that is being read.
#[derive(Clone, Debug)]
pub(super) struct ActiveUnit {
    pub(super) unit: Unit,
    pub(super) pager: Pager,
    /// Time of the first request that was answered: rows written since then are not deleted.
    pub(super) begun: Option<Timestamp>,
    /// Records in the present reading of the unit, usable or not.
    pub(super) records: u64,
    /// Those of them that cannot be rows: any row of the table may be one of them.
    pub(super) quarantined: u64,
    /// Number of times that the unit was read and found empty.
    pub(super) empties: u32,
    /// Whether the unit was empty and the table has to tell whether it holds rows of it.
    pub(super) awaits_held: bool,
}

impl ActiveUnit {
    /// Forgets the counts of a reading that begins anew. `begun` stays: an early time only deletes
    /// fewer rows.
    pub(super) fn restart_counts(&mut self) {
        self.records = 0;
        self.quarantined = 0;
    }
}

/// Returns the pager that reads one unit of the stream.
pub(super) fn pager(spec: &StreamSpec, unit: Unit, fixed_fees: FixedFeeAmounts) -> Pager {
    let mut filters = match unit {
        Unit::Stream | Unit::Parent(_) => Vec::new(),
        Unit::Window(period) => vec![
            ("from".to_owned(), period.start.to_string()),
            ("to".to_owned(), period.end.to_string()),
        ],
    };
    // Without the parameter, Harvest answers amounts of 0.
    if let (StreamKind::ReportWindow(report), FixedFeeAmounts::Rates) = (&spec.kind, fixed_fees)
        && report.values_fixed_fees
    {
        filters.push(("include_fixed_fee".to_owned(), "true".to_owned()));
    }
    Pager::new(spec.paging(), &unit_path(spec.path, unit), filters, None)
}

/// Returns the path with the parent's id in it.
pub(in crate::pass) fn unit_path(path: &str, unit: Unit) -> String {
    match unit {
        Unit::Parent(parent) => path.replace("{parent}", &parent.id.to_string()),
        Unit::Stream | Unit::Window(_) => path.to_owned(),
    }
}
