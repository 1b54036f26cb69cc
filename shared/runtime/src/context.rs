//! Everything that a run needs beside its stream.

use std::path::PathBuf;
use std::sync::Arc;

use engine::ids::AttemptId;
use engine::present::Present;
use harvest_api::HarvestApi;
use lake::store::ObjectStore;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use state::StateStore;

use crate::clock::Clock;
use crate::config::Settings;
use crate::credentials::TokenKeeper;
use crate::gate::Gate;
use crate::heard::LastHeard;
use crate::progress::Progress;

/// The parts of one deployment, shared by all runs of a process.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the operator set.
    pub settings: Arc<Settings>,
    /// Harvest.
    pub api: Arc<dyn HarvestApi>,
    /// The token that Harvest is asked with.
    pub tokens: Arc<TokenKeeper>,
    /// Permits to send.
    pub gate: Arc<Gate>,
    /// Cursors, leases, budgets.
    pub state: Arc<dyn StateStore>,
    /// The lake's objects.
    pub store: Arc<dyn ObjectStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub random: Random,
    /// Who hears how it goes.
    pub progress: Arc<dyn Progress>,
    /// Tells whether the owner of a lease is known to be dead (local: its OS lock is free).
    pub owners: Arc<dyn Owners>,
    /// Who the token is and what time it is at Harvest, as this process last heard.
    pub person: Arc<LastHeard>,
    /// Where runs spill; `None`: the system's temporary folder.
    pub scratch: Option<PathBuf>,
}

impl Context {
    /// The time, as far as it is known.
    #[must_use]
    pub fn present(&self) -> Present {
        self.person.present(self.clock.now())
    }
}

/// Knows which owners of leases have ended.
pub trait Owners: Send + Sync + core::fmt::Debug {
    /// The id under which this process holds leases.
    fn own_id(&self) -> String;

    /// Whether the process of `owner` is known to have ended.
    fn is_dead(&self, owner: &str) -> bool;
}

/// A seeded generator that is shared.
#[derive(Clone, Debug)]
pub struct Random(Arc<std::sync::Mutex<StdRng>>);

impl Random {
    /// A generator that gives the same numbers for the same seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(std::sync::Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A generator seeded by the operating system.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "chance enters here and nowhere else")]
    pub fn from_system() -> Self {
        Self(Arc::new(std::sync::Mutex::new(rand::make_rng())))
    }

    /// The next number.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).random()
    }

    /// A new attempt id: eight random hexadecimal digits, a legal part of file names.
    #[must_use]
    pub fn attempt(&self) -> AttemptId {
        AttemptId(format!("{:08x}", self.next() & 0xffff_ffff))
    }
}
