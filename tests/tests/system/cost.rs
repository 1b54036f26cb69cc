//! The estimate of `harvest-lake cost`, compared with counted calls of simulated days.

use deployment::cost::estimate::CompanyProfile;
use deployment::cost::month::MonthlyUse;
use e2e::deployed::{Conditions, Deployed, in_simulated_time};
use engine::time::SignedDuration;
use lives::world::World;
use runtime::settings::Settings;
use sim::AccountScale;

/// Hours of work in the simulated days, from Wednesday 0:00: 8 to 18 each day.
const AT_WORK: f64 = 20.0 / 48.0;

#[test]
fn the_estimate_of_a_month_is_near_to_what_is_counted() {
    in_simulated_time(async {
        let scale = AccountScale::demo();
        let mut world = World::new(&scale, 7);
        world.settings = Settings::new(world.settings.account);
        let deployed =
            Deployed::new(world, Conditions { processor: false, ..Conditions::default() });
        deployed.load(SignedDuration::from_hours(12), |_, _| {}).await;
        // To midnight: the first hours after a load are not like others.
        while deployed.now().to_string().get(11..13) != Some("00") {
            deployed.minute().await;
        }
        let before = deployed.usage().await;
        for _ in 0..48 {
            deployed.an_hour_of_work(scale.users);
            for _ in 0..60 {
                deployed.minute().await;
            }
        }
        let counted = (deployed.usage().await - before).month(48);
        let company = CompanyProfile {
            people: 12.0,
            entries: 5_000.0,
            interval: 1.0,
            streams: 33.0,
            changes: 1.0,
            at_work: AT_WORK,
        };
        let estimated = MonthlyUse { log: 0.0, ..company.month() };
        let ratio = |of: fn(&MonthlyUse) -> f64| of(&estimated) / of(&counted);
        let mut wrong = Vec::new();
        for (what, ratio) in [
            ("small worker", ratio(|month| month.small_worker)),
            ("worker", ratio(|month| month.worker)),
            ("invocations", ratio(|month| month.invocations)),
            ("reads", ratio(|month| month.read_units)),
            ("writes", ratio(|month| month.write_units)),
            ("puts", ratio(|month| month.puts)),
            ("gets", ratio(|month| month.gets)),
            ("dollars", ratio(MonthlyUse::dollars)),
        ] {
            eprintln!("{what}: {ratio:.2}");
            if !(0.8..1.25).contains(&ratio) {
                wrong.push(format!("{what}: {ratio:.2}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:?} of {counted:?}");
    });
}
