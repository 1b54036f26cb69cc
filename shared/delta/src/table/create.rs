//! Version 0 of a table.
//!
//! It is written before the first rows, so that query engines find an empty table instead of none.
//! Two properties say whose table it is: the format, and the account of Harvest. A folder that
//! holds another program's table, or another account, is refused instead of being mixed with ours.

use decode::schema::TableSchema;
use engine::ids::{AccountId, Sequence};
use engine::time::Timestamp;

use super::action::{Format, LogLine, MetaData, Protocol};
use super::commit_file::{CommitInfo, commit_file};
use super::skipping::{STATS_COLUMNS, stats_columns};

/// Version of this software's table conventions; tables with a higher one are refused.
pub(super) const FORMAT: u32 = 1;
/// Name of the property with the format.
pub(super) const FORMAT_PROPERTY: &str = "harvest-lake.format";
/// Name of the property with the id of the Harvest account.
pub(super) const ACCOUNT_PROPERTY: &str = "harvest-lake.account";

/// Bytes of version 0: protocol and schema, no rows. It names no writer and no epoch, because it
/// may be written without the stream's lease. Callers that race write tables that differ only in id
/// and time, and all of them go on with the one that was stored.
pub(super) fn first_commit(
    schema: &TableSchema,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<u8>, serde_json::Error> {
    let protocol = Protocol {
        min_reader_version: 1,
        min_writer_version: 2,
        reader_features: None,
        writer_features: None,
    };
    let property = |name: &str, value: String| (name.to_owned(), Some(value));
    let schema_string = schema.delta_schema_json();
    let counted = stats_columns(schema, &schema_string, core::iter::empty())?;
    let meta_data = MetaData {
        id: table_id(&schema.name, account, now),
        name: Some(schema.name.to_string()),
        description: Some(schema.doc.to_string()),
        format: Format::default(),
        schema_string,
        partition_columns: schema.partition_columns(),
        configuration: [
            property(FORMAT_PROPERTY, FORMAT.to_string()),
            property(ACCOUNT_PROPERTY, account.to_string()),
            property(STATS_COLUMNS, counted),
        ]
        .into(),
        created_time: Some(now.as_millisecond()),
    };
    let info = CommitInfo {
        operation: "CREATE TABLE",
        now,
        writer: None,
        sequence: Sequence::default(),
        note: None,
    };
    let protocol = LogLine { protocol: Some(protocol), ..LogLine::default() };
    let meta_data = LogLine { meta_data: Some(meta_data), ..LogLine::default() };
    commit_file(&info, vec![protocol, meta_data])
}

/// Table id in the form of a UUID (version 8: custom content, RFC 9562), different for each table
/// ever created. A state item that names another id describes a table that is gone, even if the new
/// one has reached the same version.
pub(super) fn table_id(stream: &str, account: AccountId, now: Timestamp) -> String {
    let seed = format!("{stream}/{account}/{}", now.as_nanosecond());
    // FNV-1a from two different offsets is enough: the id must be unique, not secret.
    let hash = |mut hash: u64| {
        for byte in seed.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        hash
    };
    let high = hash(0xcbf2_9ce4_8422_2325) & !0xf000 | 0x8000;
    let low = hash(0x6c62_272e_07bb_0142) & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
