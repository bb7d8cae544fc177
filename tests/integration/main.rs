//! The integration tests, in one binary: one link instead of a dozen.

mod balanced;
mod case_file;
mod support;

mod findings;
mod rule_cases;
mod rule_columns;
mod rule_properties;
mod schema_compiler;
