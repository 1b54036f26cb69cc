//! Describes the tables to SQL engines, from the declarations: Glue tables, views, saved queries
//! and statements.

pub mod ddl;
pub mod deleted;
pub mod template;
pub mod types;
pub mod view;
