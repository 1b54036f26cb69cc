//! Prints the nested stack that describes the tables to Athena.

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(catalog::template::render().as_bytes())
}
