//! Invocation of workers as Lambda functions.
//!
//! The invocation is asynchronous (`Event`): Lambda stores the event and answers 202 before the
//! worker starts. So a success says nothing about the run. Lambda delivers an event at least once;
//! a worker that gets it a second time finds the stream's lease taken and ends. The outcome of the
//! run is in the state, where the next tick reads it.

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use engine::room::WorkerSize;
use runtime::invoke::{InvokeError, Invoker, WorkerEvent};

use crate::told::told;

/// Invoker of the worker functions.
#[derive(Clone, Debug)]
pub struct LambdaInvoker {
    client: Client,
    workers: WorkerFunctions,
}

/// Names or ARNs of the functions that work on one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerFunctions {
    /// The function with little memory.
    pub small: String,
    /// The function with memory for full passes.
    pub large: String,
}

impl LambdaInvoker {
    /// Returns an invoker of these functions. Sends no request yet.
    #[must_use]
    pub const fn new(client: Client, workers: WorkerFunctions) -> Self {
        Self { client, workers }
    }
}

#[async_trait]
impl Invoker for LambdaInvoker {
    async fn invoke(&self, event: &WorkerEvent, size: WorkerSize) -> Result<(), InvokeError> {
        let function = match size {
            WorkerSize::Small => &self.workers.small,
            WorkerSize::Large => &self.workers.large,
        };
        let failed = |source| InvokeError { function: function.clone(), source };
        let payload = serde_json::to_vec(event).map_err(|error| failed(error.into()))?;
        let call = self.client.invoke().function_name(function);
        let call = call.invocation_type(InvocationType::Event).payload(Blob::new(payload));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(failed(told(&error).into())),
        }
    }
}
