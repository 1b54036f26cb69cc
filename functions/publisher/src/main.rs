//! Wires the publisher together: telemetry, configuration, serve.
//!
//! Stores are opened with each invocation, a few times a day, so that no connection is older than
//! the freeze between two of them.

use deployment::config::GivenSettings;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use publisher::Publisher;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let publisher = &Publisher { given: GivenSettings::from_environment()? };
    Box::pin(lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
        let answer = Box::pin(publisher.answer(event.payload)).await;
        answer.map_err(|refused| Diagnostic {
            error_type: refused.error_type.to_owned(),
            error_message: refused.message,
        })
    })))
    .await
}
