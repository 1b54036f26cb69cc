//! What SQL engines are told of the tables: Glue tables, views, saved queries and statements, all from
//! the declarations.

pub mod ddl;
pub mod deleted;
pub mod template;
pub mod types;
pub mod view;
