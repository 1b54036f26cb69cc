//! Date intervals: report windows and the grid they lie on.

use serde::{Deserialize, Serialize};

use crate::time::Date;

/// A report window: both days inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Period {
    /// First day.
    pub start: Date,
    /// Last day, inclusive.
    pub end: Date,
}
