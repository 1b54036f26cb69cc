//! Proof of a date keyset reading: the days that it read whole.

use super::super::pager::ListProof;
use super::super::sweep::ProvenDays;
use super::{KeysetPager, KeysetStage};

impl KeysetPager {
    pub(in crate::pass) fn proof(&self) -> ListProof {
        let path = &self.list.path;
        let flaw = self.flaw.as_ref().map_or(ListProof::Proven, |flaw| flaw.proof(path));
        let moved = if let KeysetStage::Disordered(offset) = &self.rest {
            let unsorted = ListProof::Unproven(format!(
                "{path} is not sorted by day, newest first, or has answers without any usable day"
            ));
            unsorted.and(offset.proof())
        } else if let Some(day) = self.unproven_days.first() {
            ListProof::Unproven(format!("{path} kept changing on {day} while it was read"))
        } else if self.undated_unproven {
            ListProof::Unproven(format!(
                "{path}: the totals do not show that all records without a date were read"
            ))
        } else {
            ListProof::Proven
        };
        flaw.and(moved)
    }

    /// Returns the days that were read whole; `None` if the list is not sorted as documented, or
    /// its answers contradict each other.
    pub(in crate::pass) fn days(&self) -> Option<ProvenDays> {
        if self.flaw.is_some() || matches!(self.rest, KeysetStage::Disordered(_)) {
            return None;
        }
        Some(ProvenDays::By {
            from: self.from,
            except: self.unproven_days.iter().copied().collect(),
            undated: !self.undated_unproven && (self.nullable || self.from.is_none()),
        })
    }

    /// Returns a remark about records that should have a day and have none, for display.
    pub(in crate::pass) fn remark(&self) -> Option<String> {
        if self.nullable {
            return None;
        }
        self.undated.remark(&self.list.path)
    }
}
