//! Work of processes: ticks with their runs, syncs at the command line, or one process with a wrong
//! clock.

use engine::spec::StreamSpec;
use engine::time::SignedDuration;
use rand::RngExt;
use serde_json::{Value, json};

use super::Life;
use super::conduct::{self, RandomConduct};
use super::wave::{self, WaveEnd, WaveOrder};
use crate::mishap::Mishap;
use crate::world::{Conduct, Jump, World, sync_as};

impl Life<'_> {
    /// Lets processes work: one or two ticks with their runs, or syncs at the command line, or one
    /// process with a wrong clock.
    pub(super) async fn work(&mut self) {
        let token = self.token().await;
        if let Some(conduct) = self.wrong_clock() {
            self.watch.forget_removed();
            // Permits assume clocks that agree, and only the server's time shows that one is wrong.
            *self.world.date_ahead.lock().unwrap() = SignedDuration::ZERO;
            self.world.account.lock().unwrap().clear_faults();
            self.world.sleep(1).await;
            let its = RandomConduct { conduct, moments: u64::MAX };
            self.syncs(vec![its]).await;
            self.world.sleep(1).await;
            self.world.account.lock().unwrap().reset_statistics();
        } else if self.chronicle.random.random_bool(0.25) {
            let mut random = self.random();
            let number = random.random_range(1..3);
            let theirs = (0..number).map(|_| conduct::conduct(&mut random, token)).collect();
            self.syncs(theirs).await;
        } else {
            self.waves(token).await;
        }
    }

    /// Runs ticks of the orchestrator beside each other.
    pub(super) async fn waves(&mut self, token: &'static str) {
        let mut orders = Vec::new();
        let late = std::mem::take(&mut self.late);
        let is_overtaken = self.chronicle.befalls(Mishap::Overtaken);
        self.chronicle.fired(Mishap::Overtaken, u64::from(is_overtaken));
        for number in 0..if is_overtaken { 2 } else { self.chronicle.one(&[1, 1, 1, 2]) } {
            // A lease that is not renewed lasts shorter than the least of these.
            let seconds = if is_overtaken { 150..400 } else { 1..400 };
            let seconds = number * self.chronicle.random.random_range(seconds);
            let event = if is_overtaken { json!({ "now": true }) } else { self.event() };
            self.permitted |= event["accept_deletes"] == true;
            self.chronicle.tell(format!("after {seconds} s: {event}, by {token}"));
            orders.push(WaveOrder {
                after: SignedDuration::from_secs(seconds),
                event,
                late: if number == 0 { late.clone() } else { Vec::new() },
                token,
                is_overtaken: is_overtaken && number == 0,
                random: self.random(),
            });
        }
        let waves = orders.into_iter().map(|order| wave::wave(&self.world, order));
        for end in futures::future::join_all(waves).await {
            self.ended(end);
        }
    }

    fn ended(&mut self, end: WaveEnd) {
        self.late.extend(end.late);
        for (mishap, times) in end.fired {
            self.chronicle.fired(mishap, times);
        }
        for phase in end.killed_at {
            self.chronicle.tell(format!("killed at {phase:?}"));
            *self.totals.killed_at.entry(phase).or_default() += 1;
        }
        for (subject, word) in end.outcomes {
            self.chronicle.tell(format!("{subject}: {word}"));
            *self.totals.outcomes.entry(word).or_default() += 1;
        }
    }

    /// Returns the event of a tick: mostly that of the schedule.
    fn event(&mut self) -> Value {
        let name = self.chronicle.random.random_range(0..self.streams.len());
        match self.chronicle.random.random_range(0..10) {
            0 => json!({ "now": true }),
            1 => json!({ "pass": "full" }),
            2 => {
                let accept = self.chronicle.random.random_bool(0.5);
                json!({ "streams": [self.streams[name].name], "accept_deletes": accept })
            }
            _ => json!({}),
        }
    }

    /// Runs syncs at the command line beside each other.
    async fn syncs(&mut self, theirs: Vec<RandomConduct>) {
        let mut random = self.random();
        let mut processes = Vec::new();
        for its in theirs {
            let wish = conduct::wish(&mut random);
            self.chronicle.tell(format!("sync: {wish:?}, {its:?}"));
            processes.push((self.world.start(its.conduct), its.moments, wish));
        }
        let work = processes.iter().map(|(process, moments, wish)| async move {
            let synced = process.until(*moments, Box::pin(sync_as(&process.context, *wish))).await;
            (synced, process.phase())
        });
        let mut end = WaveEnd::default();
        for (synced, phase) in futures::future::join_all(work).await {
            match synced {
                None => end.killed_at.push(phase),
                Some(Err(error)) => {
                    end.outcomes.push(("sync".to_owned(), error.error_type().to_owned()));
                }
                Some(Ok(done)) => {
                    for report in &done.reports {
                        let outcome = report
                            .error()
                            .map_or(report.outcome.name(), |error| error.error_type());
                        end.outcomes.push((report.stream.to_owned(), outcome.to_owned()));
                    }
                }
            }
        }
        end.fired.push((Mishap::Killed, end.killed_at.len() as u64));
        self.ended(end);
    }

    /// Returns the token of this tick's processes.
    async fn token(&mut self) -> &'static str {
        let lost = self.chronicle.befalls(Mishap::RoleLost);
        if lost && are_loaded(&self.world, &self.streams).await {
            self.chronicle.fired(Mishap::RoleLost, 1);
            return sim::MANAGER_TOKEN;
        }
        if self.chronicle.befalls(Mishap::TokenRevoked) {
            self.chronicle.fired(Mishap::TokenRevoked, 1);
            return "revoked";
        }
        sim::ADMINISTRATOR_TOKEN
    }

    /// Returns a conduct with a wrong clock, for a process that works alone; `None`: clocks are
    /// right.
    fn wrong_clock(&mut self) -> Option<Conduct> {
        let mut wrong = None;
        for mishap in [Mishap::ClockAhead, Mishap::ClockBehind, Mishap::ClockJump] {
            if !self.chronicle.befalls(mishap) {
                continue;
            }
            let mut random = self.random();
            let its = conduct::conduct(&mut random, sim::ADMINISTRATOR_TOKEN).conduct;
            let minutes = self.chronicle.one(&[4, 11, 60, 26 * 60, 30 * 24 * 60]);
            let seconds = self.chronicle.one(&[1, 5, 30]);
            let off = SignedDuration::from_mins(minutes);
            let its = if mishap == Mishap::ClockAhead {
                Conduct { ahead: off, ..its }
            } else if mishap == Mishap::ClockBehind {
                Conduct { ahead: -off, ..its }
            } else {
                let by = self.chronicle.one(&[off, -off]);
                let jump = Jump { after: SignedDuration::from_secs(seconds), by };
                Conduct { ahead: SignedDuration::ZERO, jump: Some(jump), ..its }
            };
            self.chronicle.tell(format!("a process ahead by {:?}, {:?}", its.ahead, its.jump));
            self.chronicle.fired(mishap, 1);
            wrong = Some(its);
        }
        wrong
    }
}

/// Whether all streams were loaded, which only administrators do here. Records that another person's
/// first load cannot see come with a sweep, not with incremental passes.
async fn are_loaded(world: &World, streams: &[&'static StreamSpec]) -> bool {
    for spec in streams {
        if world.item(spec.name).await.position.full.last_begun.is_none() {
            return false;
        }
    }
    true
}
