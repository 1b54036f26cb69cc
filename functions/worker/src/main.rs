//! Wires the worker together: telemetry, configuration, parts, serve.

mod handler;

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use runtime::config::{Deployment, Given, Setting};
use runtime::parts;
use runtime::progress::Silent;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let given = Given::from_environment()?;
    runtime::telemetry::init(given.get(Setting::LOG).unwrap_or("info"));
    let deployment = Deployment::parse(&given)?;
    let context = parts::context(&deployment, Arc::new(Silent)).await?;
    let context = &context;
    Box::pin(lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        Box::pin(handler::handle(context, event.payload, event.context.deadline)).await
    })))
    .await
}
