//! Invocation of workers as Lambda functions.
//!
//! The invocation is asynchronous (`Event`): Lambda stores the event and answers 202 before the
//! worker starts. So a success says nothing about the run. Lambda delivers an event at least once;
//! a worker that gets it a second time finds the stream's lease taken and ends. The outcome of the
//! run is in the state, where the next tick reads it.

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use runtime::invoke::{InvokeError, Invoker, WorkerEvent};

/// Invoker of a Lambda function, the worker.
#[derive(Clone, Debug)]
pub struct LambdaInvoker {
    client: Client,
    function: String,
}

impl LambdaInvoker {
    /// Names the function, by name or ARN. Sends no request yet.
    #[must_use]
    pub fn new(client: Client, function: impl Into<String>) -> Self {
        Self { client, function: function.into() }
    }

    /// Error with the function's name.
    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> InvokeError {
        InvokeError { function: self.function.clone(), source }
    }
}

#[async_trait]
impl Invoker for LambdaInvoker {
    async fn invoke(&self, event: &WorkerEvent) -> Result<(), InvokeError> {
        let payload = serde_json::to_vec(event).map_err(|error| self.failed(error.into()))?;
        let call = self.client.invoke().function_name(&self.function);
        let call = call.invocation_type(InvocationType::Event).payload(Blob::new(payload));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(DisplayErrorContext(error).to_string().into())),
        }
    }
}
