//! Wires the orchestrator together: telemetry, configuration, parts, serve.
//!
//! Everything up to `run` happens once for each process, everything in the closure with each
//! invocation. Lambda freezes the process between two invocations, one at a time: a single thread
//! for async code is enough.

use std::sync::Arc;

use deployment::config::{DeploymentSettings, GivenSettings};
use deployment::parts;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use orchestrator::Orchestrator;
use runtime::progress::NoProgress;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let deployment = DeploymentSettings::parse(&GivenSettings::from_environment()?)?;
    let context = parts::context(&deployment, Arc::new(NoProgress)).await?;
    let invoker = deployment.cloud.invoker(deployment.workers()?).await?;
    let announcer = parts::announcer(&deployment).await?;
    let orchestrator = &Orchestrator { context, invoker, announcer };
    let deployment = &deployment;
    Box::pin(lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Connections from before the freeze may be dead.
        parts::wake(&orchestrator.context, deployment);
        let answer = Box::pin(orchestrator.answer(event.payload)).await;
        answer.map_err(|refused| Diagnostic {
            error_type: refused.error_type.to_owned(),
            error_message: refused.message,
        })
    })))
    .await
}
