//! A deployment in simulated time: the schedule, both functions as Lambda runs them, and counts of
//! everything that costs money.

mod counted_state;
mod counted_store;
mod day;
mod functions;
mod harvest;
mod journal;
mod ledger;
mod load;
mod month;
mod spill;
mod told;
mod usage;

pub use counted_state::StateTally;
pub use counted_store::{StoreTally, TableTally};
pub use functions::{Conditions, Deployed, Kills, in_simulated_time};
pub use journal::{End, Invocation, Journal};
pub use ledger::{Ledger, Payer, Processor};
pub use load::Load;
pub use told::Pace;
pub use usage::{FunctionUse, Usage};

/// Converts a whole number to a floating-point one, for ratios in reports.
fn float(value: u64) -> f64 {
    let high = u32::try_from(value >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(value & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
