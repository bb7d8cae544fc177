//! `demo`.
use super::console::Console;
use super::{Error, Outcome};
pub fn run(_: &Console) -> Result<Outcome, Error> {
    Ok(Outcome::Done)
}
