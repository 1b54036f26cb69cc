//! Faults of a process.

use engine::time::SignedDuration;

use super::clock::Jump;
use crate::storm::{Death, Freeze, Trouble};

/// Faults of a process.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// Death, if it dies.
    pub death: Option<Death>,
    /// Freeze, if it stands still.
    pub freeze: Option<Freeze>,
    /// Difference between its clock and the time.
    pub ahead: SignedDuration,
    /// Jump of its clock, if any.
    pub jump: Option<Jump>,
    /// Trouble of its calls of the stores.
    pub trouble: Trouble,
    /// Its token.
    pub token: &'static str,
}

impl Conduct {
    /// Whether nothing goes wrong with the process, and its clock is right to a fraction of a second.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_right = self.ahead.abs() < SignedDuration::from_secs(1) && self.jump.is_none();
        let lives = self.death.is_none() && self.freeze.is_none();
        is_right && lives && self.trouble == Trouble::default()
    }

    /// Whether nothing but the clock is wrong.
    #[must_use]
    pub fn is_sound_but_for_the_clock(&self) -> bool {
        Self { ahead: SignedDuration::ZERO, jump: None, ..*self }.is_sound()
    }
}

impl Default for Conduct {
    fn default() -> Self {
        Self {
            death: None,
            freeze: None,
            ahead: SignedDuration::ZERO,
            jump: None,
            trouble: Trouble::default(),
            token: sim::ADMINISTRATOR_TOKEN,
        }
    }
}
