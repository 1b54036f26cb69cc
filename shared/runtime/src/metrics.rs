//! Metrics, as lines on standard output that Lambda turns into metrics of `CloudWatch`.
//!
//! Their only dimension is the function: one per stream would cost more than all the rest. A call
//! to the API of `CloudWatch` would need a permission and a request for each invocation; a line
//! costs neither.

use std::io::Write as _;

use engine::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::settings::MetricDetail;

/// Namespace of all metrics.
pub const NAMESPACE: &str = "HarvestLake";

/// A metric and its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// `Seconds` or `Count`.
    pub unit: &'static str,
    /// Its value.
    pub value: u64,
}

impl Metric {
    /// Returns a metric that counts.
    #[must_use]
    pub const fn count(name: &'static str, value: u64) -> Self {
        Self { name, unit: "Count", value }
    }

    /// Returns a metric of a duration, in seconds.
    #[must_use]
    pub const fn seconds(name: &'static str, value: u64) -> Self {
        Self { name, unit: "Seconds", value }
    }
}

/// Returns the line for `metrics` of `function` at `now`, in the embedded metric format.
#[must_use]
pub fn line(function: &str, now: Timestamp, metrics: &[Metric]) -> String {
    let names: Vec<Value> =
        metrics.iter().map(|metric| json!({ "Name": metric.name, "Unit": metric.unit })).collect();
    let mut document = Map::new();
    document.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["FunctionName"]],
                "Metrics": names,
            }],
        }),
    );
    document.insert("FunctionName".to_owned(), json!(function));
    for metric in metrics {
        document.insert(metric.name.to_owned(), json!(metric.value));
    }
    Value::Object(document).to_string()
}

/// Writes the line of `metrics` if the settings ask for it and this process runs a Lambda function.
/// A failure is only logged.
pub fn emit(context: &Context, metrics: &[Metric]) {
    let is_asked = context.settings.metrics == MetricDetail::All;
    let Some(function) = context.function.as_deref().filter(|_| is_asked) else {
        return;
    };
    let line = line(function, context.clock.now(), metrics);
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::debug!(%error, "metrics are lost");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_embedded_metric_with_one_dimension() {
        let metrics = [Metric::count("Requests", 7), Metric::seconds("OldestStreamLagSeconds", 9)];
        let line = line("f", Timestamp::UNIX_EPOCH, &metrics);
        let document: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(document["Requests"], 7);
        assert_eq!(document["FunctionName"], "f");
        let told = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(told["Namespace"], "HarvestLake");
        assert_eq!(told["Dimensions"], json!([["FunctionName"]]));
        let unit = json!({ "Name": "OldestStreamLagSeconds", "Unit": "Seconds" });
        assert_eq!(told["Metrics"][1], unit);
        assert!(!line.contains('\n'));
    }
}
