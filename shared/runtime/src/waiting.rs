//! Waits before which no request may be sent. They end a run in good order and are no failure.

use core::fmt;

use engine::spec::RateClass;
use engine::time::Timestamp;

/// Reason for which no request may be sent before some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Harvest asked to wait.
    Harvest,
    /// The budget is used.
    Budget,
}

/// An instant before which no request of a rate class may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestWait {
    /// The class of the requests.
    pub class: RateClass,
    /// The instant.
    pub until: Timestamp,
    /// Reason of the wait.
    pub reason: WaitFor,
}

impl fmt::Display for RequestWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, until) = (self.class.name(), self.until.strftime("%F %T UTC"));
        match self.reason {
            WaitFor::Harvest => write!(
                f,
                "Harvest asked to wait until {until} (`Retry-After`): no {class} request is sent \
                 before then"
            ),
            WaitFor::Budget => write!(f, "the {class} budget has no room before {until}"),
        }
    }
}
