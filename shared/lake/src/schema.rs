//! The columns of a stream's table as Arrow, Delta and Parquet see them.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use engine::schema::Column;
use engine::spec::StreamSpec;

/// The schema of one stream's table.
#[derive(Clone, Debug)]
pub struct TableSchema {
    /// The declaration it follows from.
    pub spec: &'static StreamSpec,
    /// All columns, partition column included, in the order of the log.
    pub columns: Arc<[Column]>,
    /// The same as an Arrow schema: `RecordBatch`es of decoded rows have it.
    pub arrow: SchemaRef,
}
