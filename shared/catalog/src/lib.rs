//! Describes the tables to SQL engines, from the declarations: Glue tables, views, saved queries
//! and statements.
//!
//! The crate makes text and nothing else: it sends nothing to AWS and reads no table. Its text is
//! deployed as `infra/catalog.json` or printed by the command line. A test compares the committed
//! template with the declarations, so a new column cannot be forgotten there.
//!
//! The truth about a Delta table is its log. Athena takes columns, files and partitions from there;
//! what is said here lets it find the log, and lets people and views see names and types.

pub mod ddl;
pub mod deleted;
pub mod dialect;
pub mod model;
pub mod statements;
pub mod template;
pub mod types;
pub mod view;
