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

/// Metric of the alarm: the number of streams that need a person.
pub const STREAMS_IN_TROUBLE: &str = "StreamsInTrouble";

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

/// Writes the line of those of `metrics` that the settings ask for, if this process runs a Lambda
/// function. A failure is only logged.
pub fn emit(context: &Context, metrics: &[Metric]) {
    let asked = asked(context.settings.metrics, metrics);
    let Some(function) = context.function.as_deref().filter(|_| !asked.is_empty()) else {
        return;
    };
    let line = line(function, context.clock.now(), &asked);
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        tracing::debug!(%error, "metrics are lost");
    }
}

/// Returns the metrics that are written in this detail.
fn asked(detail: MetricDetail, metrics: &[Metric]) -> Vec<Metric> {
    let is_asked = |metric: &&Metric| match detail {
        MetricDetail::None => false,
        MetricDetail::Trouble => metric.name == STREAMS_IN_TROUBLE,
        MetricDetail::All => true,
    };
    metrics.iter().filter(is_asked).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_only_alarms_are_watched_one_metric_is_written() {
        let trouble = Metric::count(STREAMS_IN_TROUBLE, 2);
        let metrics = [Metric::count("Requests", 7), trouble];
        assert_eq!(asked(MetricDetail::None, &metrics), []);
        assert_eq!(asked(MetricDetail::Trouble, &metrics), [trouble]);
        assert_eq!(asked(MetricDetail::All, &metrics), metrics);
    }

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
