//! Classes of errors: the name for programs that each has, and what a run or a command still does
//! after it.

use lake::blocking::RewriteError;
use lake::partition::PartitionError;
use lake::upgrade::UpgradeError;

use super::RunError;

impl RunError {
    /// Whether the pages read before the error are whole, so that they may be written and count as
    /// read.
    pub(crate) const fn keeps_what_is_in(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Api { .. } | Self::Page { .. } | Self::Stopped { .. } => {
                true
            }
            Self::Waits { .. }
            | Self::NoHistory { .. }
            | Self::Credentials { .. }
            | Self::NoSuchAccount { .. }
            | Self::AccountUnread { .. }
            | Self::NoCredentials
            | Self::Secret { .. }
            | Self::NoHashKey { .. }
            | Self::Refresh { .. }
            | Self::RolesLost { .. }
            | Self::OtherPerson { .. }
            | Self::OtherCompany { .. }
            | Self::DeletesRefused { .. }
            | Self::Contradictory { .. }
            | Self::Unusable { .. }
            | Self::ModuleOff { .. }
            | Self::ModuleUnknown { .. }
            | Self::OtherGrid { .. }
            | Self::OtherFixedFees { .. }
            | Self::LostLease { .. }
            | Self::ErasedMeanwhile { .. }
            | Self::Table { .. }
            | Self::Store { .. }
            | Self::State { .. }
            | Self::Defect { .. } => false,
        }
    }

    /// Whether it is the error of a pass that was read to its end, and does not count.
    pub(crate) const fn is_of_a_read_pass(&self) -> bool {
        matches!(
            self,
            Self::DeletesRefused { .. } | Self::Contradictory { .. } | Self::Unusable { .. }
        )
    }

    /// Whether the file of a table is gone: a run may have replaced it since the table was opened.
    #[must_use]
    pub fn is_vanished(&self) -> bool {
        matches!(self.of_partition(), Some(PartitionError::Missing { .. }))
    }

    /// Returns the error of a file of the table, if it is one: as it is, or within the error of the
    /// work that needed the file.
    fn of_partition(&self) -> Option<&PartitionError> {
        let Self::Store { source, .. } = self else { return None };
        let rewriting = || match source.downcast_ref()? {
            RewriteError::Partition(error) => Some(error),
            RewriteError::Collect(_) => None,
        };
        let upgrading = || match source.downcast_ref()? {
            UpgradeError::Partition(error) => Some(error),
            UpgradeError::Taken(_) => None,
        };
        source.downcast_ref().or_else(rewriting).or_else(upgrading)
    }

    /// Returns a stable name for logs, alarms and the caller of a function.
    #[must_use]
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Credentials { .. } => "CredentialsRefused",
            Self::NoSuchAccount { .. } => "NoSuchAccount",
            Self::NoCredentials => "WaitingForCredentials",
            Self::Secret { .. } => "SecretUnusable",
            Self::NoHashKey { .. } => "NoHashKey",
            Self::Refresh { .. } => "RefreshFailed",
            Self::Refused { .. } => "StreamRefused",
            Self::Api { .. } | Self::AccountUnread { .. } => "HarvestFailed",
            Self::Waits { .. } => "Waits",
            Self::NoHistory { .. } => "HistoryUnknown",
            Self::Page { .. } => "PageUnusable",
            Self::Contradictory { .. } => "AnswersContradictory",
            Self::Stopped { .. } => "ReadingStopped",
            Self::RolesLost { .. } => "RolesLost",
            Self::OtherPerson { .. } => "OtherPerson",
            Self::OtherCompany { .. } => "OtherCompany",
            Self::DeletesRefused { .. } => "DeletesRefused",
            Self::Unusable { .. } => "RecordsUnusable",
            Self::ModuleOff { .. } => "ModuleOff",
            Self::ModuleUnknown { .. } => "ModuleUnknown",
            Self::OtherGrid { .. } => "OtherGrid",
            Self::OtherFixedFees { .. } => "OtherFixedFees",
            Self::LostLease { .. } => "LostLease",
            Self::ErasedMeanwhile { .. } => "ErasedMeanwhile",
            Self::Table { .. } => "TableUnusable",
            Self::Store { .. } if self.of_partition().is_some_and(is_about_a_file) => {
                "TableUnusable"
            }
            Self::Store { .. } => "StoreFailed",
            Self::State { .. } => "StateFailed",
            Self::Defect { .. } => "Defect",
        }
    }
}

/// Whether the store works, and a file of a table in it is missing, damaged, or has values that the
/// table's columns cannot hold.
const fn is_about_a_file(error: &PartitionError) -> bool {
    matches!(
        error,
        PartitionError::Missing { .. }
            | PartitionError::Swapped { .. }
            | PartitionError::Damaged { .. }
            | PartitionError::Unfit { .. }
            | PartitionError::Unsupported { .. }
    )
}
