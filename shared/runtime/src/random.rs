//! Random numbers: the only place where chance enters. Waits between retries, the moments at which
//! the budget is written, and ids of attempts depend on it. With a fixed seed, tests in simulated
//! time repeat exactly.

use std::sync::Arc;

use engine::ids::AttemptId;
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// A random number generator that is shared.
#[derive(Clone, Debug)]
pub struct SharedRandom(Arc<std::sync::Mutex<StdRng>>);

impl SharedRandom {
    /// Returns a generator that gives the same numbers for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(std::sync::Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// Returns a generator seeded by the operating system.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "chance enters here and nowhere else")]
    pub fn from_system() -> Self {
        Self(Arc::new(std::sync::Mutex::new(rand::make_rng())))
    }

    /// Returns the next number.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).random()
    }

    /// Returns a new attempt id: eight random hexadecimal digits, a legal part of file names.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        AttemptId(format!("{:08x}", self.next() & 0xffff_ffff))
    }
}
