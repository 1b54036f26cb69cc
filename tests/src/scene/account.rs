//! Accounts for real processes.

use engine::time::Timestamp;
use sim::{Account, AccountScale, Mutation};

use super::now;

/// Size of an account whose first sync takes nearly 2,000 general requests.
pub fn two_thousand_requests() -> AccountScale {
    AccountScale {
        days: 2 * 365,
        users: 60,
        projects: 200,
        time_entries: 20_000,
        expenses: 2_000,
        invoices: 740,
        estimates: 250,
        ..AccountScale::issue()
    }
}

/// Makes an account for real processes. No timer runs: its hours would grow between the reading by a
/// process and the comparison, which a busy machine may have minutes apart.
///
/// The account depends on the instant at which it is made. A test that fails shows the instant, and
/// the variable `ACCOUNT_AT` makes the same account again.
#[expect(clippy::disallowed_methods, reason = "a setting of tests")]
pub fn settled_account(scale: &AccountScale, seed: u64) -> Account {
    let made_at = std::env::var("ACCOUNT_AT").map_or_else(|_| now(), |at| at.parse().unwrap());
    eprintln!("account {seed}: ACCOUNT_AT={made_at}");
    let mut account = Account::generate(scale, seed, made_at);
    stop_timers(&mut account, made_at);
    account
}

/// Makes random changes of an account for real processes, and stops the timers that they start.
pub fn mutate_settled(account: &mut Account, seed: u64, steps: u64) {
    account.mutate(now(), seed, steps);
    stop_timers(account, now());
}

fn stop_timers(account: &mut Account, at: Timestamp) {
    while account.apply(at, &Mutation::StopTimer { id: None }).is_ok() {}
}
