//! `harvest-lake status --watch`: shows the state again and again.

use deployment::config::GivenSettings;
use engine::time::{SignedDuration, Timestamp, plus};
use runtime::clock::{Clock, SystemClock};
use serde_json::Value;

use super::status;
use crate::arguments::StatusArguments;
use crate::error::CliError;
use crate::interrupt::InterruptFlag;
use crate::output::AnswerWriter;
use crate::said::{CommandAnswer, TextStyle};
use crate::signals::StopSignal;

/// Escape codes that clear the screen and go to its first line.
const CLEAR: &str = "\u{1b}[2J\u{1b}[H";

/// Shows the state again and again, each time after `seconds`, until a signal ends it. The last
/// screen stays, and the exit code is that of the signal: 130 for Ctrl-C.
///
/// # Errors
/// Fails if standard output is no terminal, or as [`status`] does.
pub(crate) async fn watched(
    arguments: &StatusArguments,
    given: GivenSettings,
    paint: TextStyle,
    seconds: u16,
    output: &mut AnswerWriter<'_>,
) -> Result<CommandAnswer, CliError> {
    if paint.width.is_none() {
        return Err(CliError::NoTerminal);
    }
    let interrupt = InterruptFlag::default();
    interrupt.listen(|| ());
    let pause = SignedDuration::from_secs(seconds.into());
    let show = async |now: Timestamp| {
        let mut said = status(arguments, given.clone(), paint).await?;
        let time = paint.faint(&now.strftime("%H:%M:%S UTC").to_string());
        said.text = format!("{CLEAR}{time}\n{}", said.text);
        output.say(&said);
        Ok(())
    };
    let stop = again(&SystemClock, pause, &interrupt, show).await?;
    Ok(CommandAnswer::new(String::new(), Value::Null, stop.exit()))
}

/// Calls `show` with the time, again after each `pause`, until something asks to stop. A look that is
/// under way then is not awaited: it changes nothing.
///
/// # Errors
/// Fails as soon as `show` does.
async fn again(
    clock: &dyn Clock,
    pause: SignedDuration,
    interrupt: &InterruptFlag,
    mut show: impl AsyncFnMut(Timestamp) -> Result<(), CliError>,
) -> Result<StopSignal, CliError> {
    loop {
        let now = clock.now();
        let round = async {
            show(now).await?;
            clock.sleep_until(plus(now, pause)).await;
            Ok::<(), CliError>(())
        };
        tokio::select! {
            ended = round => ended?,
            () = interrupt.asked() => {}
        }
        if let Some(stop) = interrupt.by() {
            return Ok(stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    /// Clock that jumps to the instant that is waited for, until the one at which it hangs.
    #[derive(Debug)]
    struct JumpingClock {
        now: Mutex<Timestamp>,
        hangs_at: Timestamp,
        interrupt: InterruptFlag,
    }

    #[async_trait]
    impl Clock for JumpingClock {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }

        async fn sleep_until(&self, at: Timestamp) {
            if at >= self.hangs_at {
                self.interrupt.ask(StopSignal::Interrupt);
                std::future::pending::<()>().await;
            }
            *self.now.lock().unwrap() = at;
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn clock(hangs_at: i64) -> JumpingClock {
        let (now, hangs_at) = (Mutex::new(at(0)), at(hangs_at));
        JumpingClock { now, hangs_at, interrupt: InterruptFlag::default() }
    }

    #[tokio::test]
    async fn it_is_shown_after_each_pause_and_ctrl_c_ends_the_pause() {
        let clock = clock(30);
        let mut shown = Vec::new();
        let show = async |now| {
            shown.push(now);
            Ok(())
        };
        let pause = SignedDuration::from_secs(10);
        let stop = again(&clock, pause, &clock.interrupt, show).await.unwrap();
        assert_eq!(stop.exit().code(), 130);
        assert_eq!(shown, [at(0), at(10), at(20)]);
    }

    #[tokio::test]
    async fn a_signal_ends_a_look_that_hangs_and_an_error_ends_it_at_once() {
        let clock = clock(30);
        let show = async |_| {
            clock.interrupt.ask(StopSignal::Terminate);
            std::future::pending().await
        };
        let stop = again(&clock, SignedDuration::from_secs(1), &clock.interrupt, show).await;
        assert_eq!(stop.unwrap().exit().code(), 143);
        let show = async |_| Err(CliError::NoTerminal);
        let fresh = InterruptFlag::default();
        let failed = again(&clock, SignedDuration::from_secs(1), &fresh, show).await;
        assert!(matches!(failed, Err(CliError::NoTerminal)), "{failed:?}");
    }
}
