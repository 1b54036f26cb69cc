//! `_runs`: the ledger of runs. No stream of Harvest, but declared like one, so that its table is
//! made, read, checked and described by the code of all others.

use engine::spec::{PartitionSpec, StreamSpec, SweepCadence, instant, int, text};

/// The ledger: one row for each run of a stream. Not part of [`STREAMS`](crate::STREAMS), because
/// Harvest does not serve it: no run reads it, and it has no table of changes.
///
/// It has counts, times and codes alone. Texts of errors may name records, and stay in the log.
pub static RUNS: StreamSpec = StreamSpec {
    name: "_runs",
    doc: "One run of a stream: its end, its requests, and the rows that it changed.",
    path: "",
    records_key: Some("runs"),
    primary_key: &["run_id"],
    partition: PartitionSpec::StartedMonth,
    sweep: SweepCadence::Always,
    fields: &[
        text("run_id").required().doc("start and stream, as the log names the run"),
        text("stream").required().doc("the stream"),
        text("pass").doc("incremental or full"),
        instant("started_at").required().doc("start of the run"),
        instant("ended_at")
            .doc("end of the run; for one that never came back, when that was noticed"),
        text("outcome").doc(
            "complete; waiting for the rate budget; stopped before its end; failed; lost: never came back",
        ),
        text("error_code").doc("code of the error of a failed run; the codes are in docs/json.md"),
        int("requests").doc("requests sent, retries included"),
        int("throttled").doc("answers 429, which ask to wait"),
        int("failed_requests").doc("requests that failed, answers 429 included"),
        int("bytes").doc("size of the answers without compression"),
        int("records").doc("records read"),
        int("inserted").doc("rows that are new"),
        int("updated").doc("rows whose content changed"),
        int("deleted").doc("rows that Harvest no longer has"),
        int("unchanged").doc("records read whose row had the same content already"),
        int("quarantined").doc("records that could not become rows"),
        int("table_version").doc("version of the table at the end; null if it was not opened"),
        int("table_rows").doc("rows of the table at the end"),
        int("lag_seconds").doc("age of the data at the end, in seconds"),
        text("release").doc("release of harvest-lake that ran"),
        int("dropped").doc("runs before this one whose records were dropped unfiled; mostly 0"),
    ],
    ..StreamSpec::USUAL
};
