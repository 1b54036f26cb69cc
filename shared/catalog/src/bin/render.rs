//! Prints the nested stack with what Athena is told of the tables.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(catalog::template::render().as_bytes())
}
