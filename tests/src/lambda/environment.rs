//! One execution environment: a process of the function, and its Runtime API.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engine::time::{SignedDuration, Timestamp, plus};
use runtime::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use super::function::Function;
use super::pause;
use crate::http;

/// An invocation on its way to the process.
#[derive(Clone, Debug)]
struct Job {
    id: u64,
    event: Value,
    deadline: Timestamp,
}

/// Message from the process.
#[derive(Debug)]
enum Said {
    Ready,
    Answer(u64, Result<Value, Value>),
}

#[derive(Debug)]
pub(super) struct Environment {
    child: Child,
    pub(super) pid: u32,
    jobs: mpsc::UnboundedSender<Job>,
    said: mpsc::UnboundedReceiver<Said>,
    serving: JoinHandle<()>,
    started: Timestamp,
    is_ready: bool,
    pub(super) cold_start: Option<Duration>,
}

impl Environment {
    pub(super) async fn start(function: &Function) -> Self {
        let listener = http::listen().await;
        let address = listener.local_addr().expect("bound").to_string();
        let (jobs, waiting) = mpsc::unbounded_channel();
        let (say, said) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let name = function.name.clone();
        let serving = http::serve(listener, move |asked| {
            let (waiting, say, name) = (Arc::clone(&waiting), say.clone(), name.clone());
            async move { runtime_api(&asked, &waiting, &say, &name).await }
        });
        let mut command = Command::new(&function.bootstrap);
        command
            .env_clear()
            .envs(function.variables.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", &function.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory.to_string())
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_LEVEL", "INFO")
            .stdin(Stdio::null());
        match function.log() {
            Some(log) => {
                let also = log.try_clone().expect("a second handle");
                command.stdout(log).stderr(also);
            }
            None => {
                command.stdout(Stdio::null()).stderr(Stdio::null());
            }
        }
        let started = SystemClock.now();
        let child = command.spawn().expect("the function's program");
        let pid = child.id();
        Self { child, pid, jobs, said, serving, started, is_ready: false, cold_start: None }
    }

    /// Sends `event` to the process and waits for the answer; `None` if the process died or was too
    /// slow.
    pub(super) async fn invoke(
        &mut self,
        event: &Value,
        timeout: Duration,
    ) -> Option<Result<Value, Value>> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        signal(self.pid, "CONT");
        let id = NUMBER.fetch_add(1, Ordering::Relaxed);
        let time = SignedDuration::try_from(timeout).expect("short");
        // As on AWS, a cold start has extra time.
        let slack =
            if self.is_ready { SignedDuration::ZERO } else { SignedDuration::from_secs(10) };
        let deadline = plus(SystemClock.now(), time);
        self.jobs.send(Job { id, event: event.clone(), deadline }).ok()?;
        loop {
            if SystemClock.now() > plus(deadline, slack) {
                return None;
            }
            let said = tokio::select! {
                said = self.said.recv() => said?,
                () = pause(Duration::from_millis(20)) => {
                    if self.child.try_wait().ok()?.is_some() {
                        return None;
                    }
                    continue;
                }
            };
            match said {
                Said::Ready if !self.is_ready => {
                    self.is_ready = true;
                    let cold = SystemClock.now().duration_since(self.started);
                    self.cold_start = Duration::try_from(cold).ok();
                }
                Said::Answer(answered, answer) if answered == id => return Some(answer),
                Said::Ready | Said::Answer(..) => {}
            }
        }
    }

    /// Stops the process between invocations.
    pub(super) fn freeze(&self) {
        signal(self.pid, "STOP");
    }

    pub(super) fn kill(&mut self) {
        self.serving.abort();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn runtime_api(
    asked: &http::Asked,
    waiting: &Mutex<mpsc::UnboundedReceiver<Job>>,
    say: &mpsc::UnboundedSender<Said>,
    name: &str,
) -> http::Answered {
    let path = asked.path.trim_start_matches("/2018-06-01/runtime/");
    if asked.method == "GET" && path == "invocation/next" {
        say.send(Said::Ready).ok();
        let Some(job) = waiting.lock().await.recv().await else {
            return http::Answered::new(410, &Value::Null);
        };
        return http::Answered::new(200, &job.event)
            .with("lambda-runtime-aws-request-id", &job.id.to_string())
            .with("lambda-runtime-deadline-ms", &job.deadline.as_millisecond().to_string())
            .with(
                "lambda-runtime-invoked-function-arn",
                &format!("arn:aws:lambda:us-east-1:123456789012:function:{name}"),
            )
            .with("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700");
    }
    let body: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
    let mut parts = path.split('/').skip(1);
    let id = parts.next().and_then(|id| id.parse().ok());
    let answer = match (id, parts.next()) {
        (Some(id), Some("response")) => Said::Answer(id, Ok(body)),
        (Some(id), Some("error")) => Said::Answer(id, Err(body)),
        _ => return http::Answered::new(404, &json!({ "errorMessage": path })),
    };
    say.send(answer).ok();
    http::Answered::new(202, &json!({ "status": "OK" }))
}

/// Sends a signal to a process, which may have ended.
pub(crate) fn signal(pid: u32, name: &str) {
    let mut command = Command::new("kill");
    let command = command.args([format!("-{name}"), pid.to_string()]);
    command.stderr(Stdio::null()).status().ok();
}
