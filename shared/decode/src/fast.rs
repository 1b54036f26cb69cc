//! Reads a body in one pass that puts each value into its column. Fails on any deviation from the
//! declaration except values that do not fit and unknown members; `careful` then reads the page
//! again.
//!
//! The pass follows the tree of the declaration over the text itself: the name of the next member is
//! compared with the expected one, and a value is taken as its raw text and parsed by its column. So
//! no tree of JSON values is built and no name is parsed. That is most of the gain:
//! `serde_json::Value` takes about eight times as long (docs/adr/0024).
//!
//! The pass fails, for example, on: a list of records that is missing or comes twice, a record that
//! is no object, a member that a record has twice, text where an object is declared, a record
//! without a usable id. It need not say which, because `careful` finds out.

mod cursor;
mod object;
mod order;

use engine::pass::PER_PAGE;

use self::cursor::JsonCursor;
use self::order::MemberOrder;
use super::envelope::{MEMBERS, RawEnvelope};
use super::odd::OddValues;
use super::rows::{DecodedRows, RecordLayout};

/// Rows, and raw members beside the records.
pub(super) type FastPage<'de> = (DecodedRows, RawEnvelope<'de>);

/// Reads a whole body; `None` if anything in it is not as declared.
pub(super) fn page<'de>(layout: &RecordLayout, body: &'de str) -> Option<FastPage<'de>> {
    let mut rows = layout.rows();
    let mut odd = OddValues::default();
    let mut json = JsonCursor::new(body);
    let order = MemberOrder::default();
    let mut records = RecordReader { layout, rows: &mut rows, odd: &mut odd, order };
    let beside = match layout.schema.spec.records_key {
        None => {
            records.one(&mut json)?;
            RawEnvelope::default()
        }
        Some(key) => members(&mut json, key, &mut records)?,
    };
    // Anything after the body would be lost: `{..}{..}` is not one answer.
    if !json.is_at_end() {
        return None;
    }
    rows.observed.presence = odd.presence;
    Some((rows, beside))
}

/// Reads the members of a page, whose records are the member `key`.
fn members<'de>(
    json: &mut JsonCursor<'de>,
    key: &str,
    records: &mut RecordReader<'_, 'de>,
) -> Option<RawEnvelope<'de>> {
    json.open(b'{')?;
    let (mut beside, mut lists, mut is_first) = (RawEnvelope::default(), 0_u8, true);
    while json.more(is_first, b'}')? {
        is_first = false;
        let name = json.name()?;
        if name == key {
            lists = lists.saturating_add(1);
            records.all(json)?;
            continue;
        }
        let value = json.value()?;
        let member = MEMBERS.iter().position(|member| *member == name);
        // Of repeated members the last counts, as in `raw::member`. Others are no facts that
        // anything relies on.
        if let Some(place) = member.and_then(|at| beside.get_mut(at)) {
            *place = Some(value);
        }
    }
    (lists == 1).then_some(beside)
}

/// Reader of the records of a page. `odd` is shared by all of them, because it allocates; each
/// record leaves it empty.
struct RecordReader<'a, 'de> {
    layout: &'a RecordLayout,
    rows: &'a mut DecodedRows,
    odd: &'a mut OddValues<'de>,
    order: MemberOrder,
}

impl<'de> RecordReader<'_, 'de> {
    /// Reads a list of records.
    fn all(&mut self, json: &mut JsonCursor<'de>) -> Option<()> {
        json.open(b'[')?;
        let (mut is_first, before) = (true, json.left());
        while json.more(is_first, b']')? {
            self.one(json)?;
            if is_first {
                // The other records of a page are about as long as the first one.
                let left = json.left();
                let others = left / (before - left).max(1);
                self.rows.cells.reserve(others.min(PER_PAGE as usize));
            }
            is_first = false;
        }
        Some(())
    }

    /// Reads one record into a row.
    fn one(&mut self, json: &mut JsonCursor<'de>) -> Option<()> {
        let cells = &mut self.rows.cells;
        object::object(json, &self.layout.shape, cells, self.odd, &mut self.order)?;
        // An undeclared member that comes twice needs numbered paths, and only `careful` counts
        // occurrences.
        if self.odd.is_ambiguous() {
            return None;
        }
        self.layout.close(self.rows, self.odd).ok()
    }
}
