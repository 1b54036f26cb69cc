//! `harvest-lake reset`.

use std::sync::Arc;

use runtime::config::{Deployment, Given, find_stream};
use runtime::parts;
use runtime::progress::Silent;
use serde_json::json;

use crate::arguments::ResetArguments;
use crate::exit::{CliError, Exit};
use crate::said::Said;

/// Throws tables away, so that the next sync loads them anew. Asks Harvest nothing.
pub(crate) async fn reset(arguments: &ResetArguments, mut given: Given) -> Result<Said, CliError> {
    arguments.place.give(&mut given);
    arguments.api.give(&mut given);
    let specs = arguments.streams.iter().map(|name| find_stream(name));
    let specs = specs.collect::<Result<Vec<_>, _>>()?;
    let deployment = Deployment::parse(&given)?;
    let context = parts::context(&deployment, Arc::new(Silent)).await?;
    let mut text = String::new();
    let mut documents = Vec::new();
    let mut exit = Exit::Done;
    for spec in specs {
        let done = runtime::reset::reset(&context, spec).await?;
        let line = match &done {
            Ok(()) => format!("{}: empty now; the next `sync` loads it anew\n", spec.name),
            Err(busy) => {
                exit = Exit::SomeFailed;
                format!(
                    "{}: a run works on it until {} at least; nothing was done, try again then\n",
                    spec.name, busy.until
                )
            }
        };
        text.push_str(&line);
        documents.push(json!({ "stream": spec.name, "reset": done.is_ok() }));
    }
    let json = json!({
        "lake": deployment.lake.to_string(),
        "streams": documents,
        "exit_code": exit.code(),
    });
    Ok(Said { text, json, exit })
}
