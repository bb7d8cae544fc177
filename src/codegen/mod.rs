//! The schema compiler: reads the descriptors at build time and writes what the library includes.
//! `build.rs` alone uses it; it must not know anything of the library.
//!
//! - [`cel`] turns the expression of a rule into Rust.
//! - [`checks`] writes `Check` for each message: its CEL rules and its standard rules.
//! - [`form`] writes the table of cells and the form as a tree.
//! - [`labels`] writes the labels of enum values.
//! - [`rules`] writes the catalogue of rules.
//! - [`shapes`] writes which fields a message of a write may carry.

mod cel;
mod checks;
mod form;
mod labels;
mod options;
mod rules;
mod shapes;

use std::error::Error;
use std::fs;
use std::path::Path;

use prost_reflect::{DescriptorPool, MessageDescriptor};

/// What goes wrong in the schema is told to the person who builds: a sentence is enough.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The package that this compiler reads.
pub const PACKAGE: &str = "nianbao.v1";

/// Writes everything that the library includes into `out`.
pub fn generate(pool: &DescriptorPool, out: &Path) -> Result<()> {
    let messages: Vec<MessageDescriptor> =
        pool.all_messages().filter(|m| m.package_name() == PACKAGE).collect();
    let catalogue = rules::catalogue(pool, &messages)?;
    fs::write(out.join("checks.rs"), checks::generate(pool, &messages, &catalogue.ids)?)?;
    fs::write(out.join("rules.bin"), catalogue.encoded)?;
    fs::write(out.join("labels.rs"), labels::generate(pool)?)?;
    fs::write(out.join("shapes.rs"), shapes::generate(pool)?)?;
    let form = form::Form::read(pool)?;
    fs::write(out.join("cells.rs"), form.cells_source()?)?;
    for edition in [2019, 2021] {
        fs::write(out.join(format!("format_{edition}.bin")), form.encode(pool, edition)?)?;
    }
    Ok(())
}
