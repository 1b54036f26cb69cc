//! Wires the worker together: telemetry, configuration, parts, serve.
//!
//! Everything up to `run` happens once for each process, everything in the closure with each
//! invocation. One process serves one invocation at a time, and all of its waiting is IO: one
//! thread for async code is enough, and work that computes runs on other threads.

use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use runtime::progress::NoProgress;
use serde_json::Value;
use worker::Worker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let deployment = DeploymentSettings::parse(&GivenSettings::from_environment()?)?;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    let worker = &Worker { context, announcer: parts::announcer(&deployment).await? };
    let deployment = &deployment;
    Box::pin(lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Connections from before the freeze between two invocations may be dead.
        parts::wake(&worker.context, deployment);
        let answer = Box::pin(worker.answer(event.payload, event.context.deadline)).await;
        answer.map_err(|refused| Diagnostic {
            error_type: refused.error_type.to_owned(),
            error_message: refused.message,
        })
    })))
    .await
}
