//! One reading of a stream as steps: which request comes next, what an answer proves.

use serde::{Deserialize, Serialize};

/// What to GET.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A path below the base URL, such as `/clients`, with query parameters in order.
    Path {
        /// Begins with `/`.
        path: String,
        /// Names and values, not yet encoded.
        query: Vec<(String, String)>,
    },
    /// A `links.next` of an earlier answer; followed only within the configured origin.
    Link(String),
}
