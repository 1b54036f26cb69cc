//! A small stand-in for the Lambda service: functions are processes of the built binaries, invoked
//! through the Invoke API and served by the Runtime API.
//!
//! As on AWS, an environment answers one invocation at a time, is reused while warm, is frozen
//! between invocations, and is killed at the function's time-out. Asynchronous invocations are
//! delivered at least once, are tried again after an error, and then go to the failure queue.

mod environment;
mod function;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::time::{SignedDuration, plus};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use environment::Environment;
pub(crate) use environment::signal;
pub use function::Function;

use crate::http;

/// One attempt at an invocation.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Name of the function.
    pub function: String,
    /// Event.
    pub event: Value,
    /// Answer of the function; `Err` for an error, a time-out or a death.
    pub answer: Result<Value, Value>,
    /// Duration.
    pub took: Duration,
}

/// Faults of the service.
#[derive(Clone, Copy, Debug)]
pub struct Unreliable {
    /// Seed of the random choices.
    pub seed: u64,
    /// Percentage of the events that are delivered twice.
    pub twice: u32,
    /// Longest delay of an event before it is delivered; events come out of order.
    pub late: Duration,
    /// Time that an event waits after a failed attempt (on AWS a minute, then two).
    pub again_after: Duration,
}

impl Default for Unreliable {
    fn default() -> Self {
        let again_after = Duration::from_millis(200);
        Self { seed: 1, twice: 0, late: Duration::ZERO, again_after }
    }
}

/// Service that runs as long as this value lives.
#[derive(Clone, Debug)]
pub struct Lambda(Arc<Service>);

#[derive(Debug)]
struct Service {
    functions: BTreeMap<String, Hosted>,
    conduct: Unreliable,
    dice: Mutex<StdRng>,
    attempts: Mutex<Vec<Attempt>>,
    /// Number of asynchronous events that are not finished.
    open: AtomicU64,
    sqs: Option<aws_sdk_sqs::Client>,
}

#[derive(Debug)]
struct Hosted {
    function: Function,
    room: Semaphore,
    warm: Mutex<Vec<Environment>>,
    pids: Mutex<Vec<u32>>,
    cold_starts: Mutex<Vec<Duration>>,
}

impl Lambda {
    /// Hosts the functions that `build` returns; returns the service and its endpoint. `build` gets
    /// the endpoint, too, because functions that invoke others have to know it.
    pub async fn host(
        conduct: Unreliable,
        sqs: Option<aws_sdk_sqs::Client>,
        build: impl FnOnce(&str) -> Vec<Function>,
    ) -> (Self, String) {
        let listener = http::listen().await;
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let hosted = build(&endpoint).into_iter().map(|function| {
            let room = Semaphore::new(function.concurrency);
            let name = function.name.clone();
            let (warm, pids, cold_starts) = (Mutex::default(), Mutex::default(), Mutex::default());
            (name, Hosted { function, room, warm, pids, cold_starts })
        });
        let lambda = Self(Arc::new(Service {
            functions: hosted.collect(),
            conduct,
            dice: Mutex::new(StdRng::seed_from_u64(conduct.seed)),
            attempts: Mutex::default(),
            open: AtomicU64::new(0),
            sqs,
        }));
        let service = lambda.clone();
        http::serve(listener, move |request| {
            let service = service.clone();
            async move { service.api(request).await }
        });
        (lambda, endpoint)
    }

    async fn api(&self, request: http::Asked) -> http::Answered {
        let mut parts = request.path.split('/').skip(2);
        let (Some("functions"), Some(name), Some("invocations")) =
            (parts.next(), parts.next(), parts.next())
        else {
            return http::Answered::new(404, &json!({ "Message": "not here" }));
        };
        let name = name.rsplit(['/', ':']).next().unwrap_or(name);
        // The name may be encoded: `arn%3Aaws%3A...%3Afunction%3Aname`.
        let name = name.rsplit("%3A").next().unwrap_or(name).to_owned();
        if !self.0.functions.contains_key(&name) {
            return http::Answered::new(404, &json!({ "Message": format!("no {name}") }));
        }
        let event: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        if request.header("x-amz-invocation-type") == Some("Event") {
            self.send(&name, &event);
            return http::Answered::new(202, &Value::Null);
        }
        match self.call(&name, event).await {
            Ok(answer) => http::Answered::new(200, &answer),
            Err(error) => {
                http::Answered::new(200, &error).with("x-amz-function-error", "Unhandled")
            }
        }
    }

    /// Returns a hosted function.
    #[must_use]
    pub fn function(&self, name: &str) -> &Function {
        &self.0.functions[name].function
    }

    /// Delivers `event` later, at least once.
    pub fn send(&self, name: &str, event: &Value) {
        let conduct = self.0.conduct;
        let (twice, delays) = {
            let mut dice = self.0.dice.lock().expect("no panic");
            let late = u64::try_from(conduct.late.as_millis()).expect("short");
            let delay = |dice: &mut StdRng| dice.random_range(0..=late);
            (dice.random_range(0..100) < conduct.twice, [delay(&mut dice), delay(&mut dice)])
        };
        for delay in &delays[..if twice { 2 } else { 1 }] {
            let (lambda, name, event) = (self.clone(), name.to_owned(), event.clone());
            let delay = Duration::from_millis(*delay);
            self.0.open.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                pause(delay).await;
                lambda.deliver(&name, event).await;
                lambda.0.open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }

    async fn deliver(&self, name: &str, event: Value) {
        let function = &self.0.functions[name].function;
        let mut attempt = 0;
        let error = loop {
            match self.call(name, event.clone()).await {
                Ok(_) => return,
                Err(error) if attempt == function.retries => break error,
                Err(_) => attempt += 1,
            }
            pause(self.0.conduct.again_after).await;
        };
        if let (Some(queue), Some(sqs)) = (&function.failure_queue, &self.0.sqs) {
            let letter = json!({
                "version": "1.0",
                "requestContext": {
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": attempt + 1,
                    "functionArn": name,
                },
                "requestPayload": event,
                "responseContext": { "statusCode": 200, "functionError": "Unhandled" },
                "responsePayload": error,
            });
            let sent = sqs.send_message().queue_url(queue).message_body(letter.to_string()).send();
            sent.await.expect("the failure queue takes a message");
        }
    }

    /// Invokes a function and waits for its answer.
    ///
    /// # Errors
    /// Returns the error of the function, or that of its death.
    pub async fn call(&self, name: &str, event: Value) -> Result<Value, Value> {
        let hosted = &self.0.functions[name];
        let _room = hosted.room.acquire().await.expect("never closed");
        let warm = hosted.warm.lock().expect("no panic").pop();
        let began = SystemClock.now();
        let mut environment = if let Some(environment) = warm {
            environment
        } else {
            let environment = Environment::start(&hosted.function).await;
            hosted.pids.lock().expect("no panic").push(environment.pid);
            environment
        };
        let ended = environment.invoke(&event, hosted.function.timeout).await;
        if let Some(cold) = environment.cold_start.take() {
            hosted.cold_starts.lock().expect("no panic").push(cold);
        }
        let took = Duration::try_from(SystemClock.now().duration_since(began)).unwrap_or_default();
        let answer = if let Some(answer) = ended {
            environment.freeze();
            hosted.warm.lock().expect("no panic").push(environment);
            answer
        } else {
            environment.kill();
            hosted.pids.lock().expect("no panic").retain(|pid| *pid != environment.pid);
            Err(json!({ "errorType": "Runtime.ExitError", "errorMessage": "timed out or died" }))
        };
        self.0.attempts.lock().expect("no panic").push(Attempt {
            function: name.to_owned(),
            event,
            answer: answer.clone(),
            took,
        });
        answer
    }

    /// Kills a random environment of this function, idle or not; returns `false` if there is none.
    #[must_use]
    pub fn kill_one(&self, name: &str) -> bool {
        let pids = self.0.functions[name].pids.lock().expect("no panic");
        if pids.is_empty() {
            return false;
        }
        let which = self.0.dice.lock().expect("no panic").random_range(0..pids.len());
        signal(pids[which], "KILL");
        true
    }

    /// Waits until every asynchronous event is finished.
    pub async fn quiet(&self) {
        while self.0.open.load(Ordering::SeqCst) > 0 {
            pause(Duration::from_millis(20)).await;
        }
    }

    /// Returns the attempts since the last call.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        std::mem::take(&mut self.0.attempts.lock().expect("no panic"))
    }

    /// Time of each cold start so far: from the start of a process to its first request for work.
    #[must_use]
    pub fn cold_starts(&self, name: &str) -> Vec<Duration> {
        self.0.functions[name].cold_starts.lock().expect("no panic").clone()
    }
}

/// Lets `time` pass.
pub async fn pause(time: Duration) {
    let time = SignedDuration::try_from(time).expect("short");
    SystemClock.sleep_until(plus(SystemClock.now(), time)).await;
}
