//! Items of the streams as a tick plans with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use delta::table::Table;
use engine::item::{AccountItem, StreamItem, StreamPosition};
use engine::persisted::PersistedInstants as _;
use engine::plan::{self, StreamStanding};
use engine::run_record::FiledRuns;
use engine::spec::StreamSpec;
use engine::time::Date;
use runtime::{Context, RunError, records};

use crate::state_error;

/// Items of the streams, as the state has them.
#[derive(Debug)]
pub(crate) struct StoredStreams {
    /// Items by name of the stream, without the ledger's own.
    pub(crate) items: BTreeMap<&'static str, StreamItem>,
    /// Newest run of each stream that the ledger has.
    pub(crate) filed: FiledRuns,
}

/// Returns the items of the streams. A stream that is to run and has no item gets a new one in
/// memory, with the position noted in its table: if the state was lost, the plan must not take a
/// loaded stream for one that needs its first load. Nothing is written; the stream's run does that.
pub(crate) async fn stored_streams(
    context: &Context,
    account: &AccountItem,
) -> Result<StoredStreams, RunError> {
    let present = context.present();
    let account_id = context.settings.account;
    let stored = records::streams(&*context.state, account_id, &present, &context.parsed).await;
    let mut stored = stored.map_err(state_error)?;
    let filed = stored.remove(streams::RUNS.name).unwrap_or_default().filed;
    let mut items = BTreeMap::new();
    for spec in streams::STREAMS {
        let runs = context.settings.includes(spec.name)
            && plan::standing(spec, account) == StreamStanding::Open;
        let item = match stored.remove(spec.name) {
            Some(item) => {
                context.noted.forget(spec.name);
                item
            }
            // A stream that never runs has no item.
            None if !runs => continue,
            None => StreamItem {
                position: noted_position(context, spec).await,
                ..StreamItem::default()
            },
        };
        items.insert(spec.name, with_widened_start(item, context.settings.start_date));
    }
    Ok(StoredStreams { items, filed })
}

/// Returns the position noted in the table, which counts if the state is lost. Each process reads it
/// once for a stream. A table that cannot be read yields the default position, that of a stream that
/// was never read: then a run is due, and that run reports the error.
async fn noted_position(context: &Context, spec: &'static StreamSpec) -> StreamPosition {
    if let Some(mut position) = context.noted.get(spec.name) {
        position.free(&context.present());
        return position;
    }
    let store = Arc::clone(&context.store);
    let Ok(table) = Table::open(store, spec, context.settings.account).await else {
        return StreamPosition::default();
    };
    let noted = table.as_ref().and_then(Table::note);
    let noted = noted.and_then(|note| serde_json::from_value(note.state.clone()).ok());
    let mut position: StreamPosition = noted.unwrap_or_default();
    context.noted.keep(spec.name, position.clone());
    position.free(&context.present());
    position
}

/// Makes a full pass due if the start date is now earlier than that of the rows, or no longer set.
/// A later start date makes nothing due: rows from before it stay as they are.
fn with_widened_start(mut item: StreamItem, start: Option<Date>) -> StreamItem {
    let position = &mut item.position;
    let widened = match (position.start_date, start) {
        (Some(_), None) => true,
        (Some(before), Some(now)) => now < before,
        (None, _) => false,
    };
    if widened {
        position.full.last_begun = None;
    }
    item
}
