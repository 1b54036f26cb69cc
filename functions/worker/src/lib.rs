//! One invocation, one run on one stream.
