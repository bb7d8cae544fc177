//! Writes the labels of enum values: `Labelled` for each enum of the package.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, EnumDescriptor};

use super::checks::snake;
use super::options::{extension, text};
use super::{PACKAGE, Result};

/// The source of all labels. Refuses an enum value without one.
pub fn generate(pool: &DescriptorPool) -> Result<String> {
    let option = extension(pool, "nianbao.v1.label")?;
    let mut out = String::from("// Written by src/codegen from the labels of the schema.\n\n");
    for descriptor in pool.all_enums().filter(|e| e.package_name() == PACKAGE) {
        let (mut zh, mut en) = (String::new(), String::new());
        for value in descriptor.values() {
            let options = value.options();
            let found = options.get_extension(&option);
            let label = found.as_message().ok_or("(nianbao.v1.label) is no message")?;
            if !options.has_extension(&option) {
                return Err(format!("{} has no label", value.full_name()).into());
            }
            writeln!(zh, "            {} => {:?},", value.number(), text(label, "zh"))?;
            writeln!(en, "            {} => {:?},", value.number(), text(label, "en"))?;
        }
        writeln!(
            out,
            "impl Labelled for {} {{\n    fn zh(self) -> &'static str {{\n        match self as i32 {{\n{zh}            \
             _ => \"\",\n        }}\n    }}\n\n    fn en(self) -> &'static str {{\n        match self as i32 {{\n{en}            \
             _ => \"\",\n        }}\n    }}\n}}\n",
            rust_path(&descriptor)
        )?;
    }
    Ok(out)
}

/// The Rust type that prost gives an enum, from `crate::pb`.
fn rust_path(descriptor: &EnumDescriptor) -> String {
    match descriptor.parent_message() {
        None => format!("pb::{}", descriptor.name()),
        Some(parent) => format!("pb::{}::{}", snake(parent.name()), descriptor.name()),
    }
}
