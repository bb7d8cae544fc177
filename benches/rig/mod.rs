//! What the benchmarks over the wire stand on: servers as processes of their own, the client, the
//! report that is sent, and ratios of neighbours.

#![allow(dead_code, reason = "each program uses a part of it")]

pub(crate) mod keeping;
pub(crate) mod load;
pub(crate) mod process;
pub(crate) mod ratios;
pub(crate) mod servers;
pub(crate) mod supply;

use std::error::Error;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// That of the program: what is measured serves as it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A folder for a store, gone when it is dropped. It stands beside what cargo builds: the folder
/// for temporary files may be memory, where a sync costs nothing.
pub(crate) fn folder() -> Result<TempDir> {
    Ok(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// Bytes on disk of all files below a folder; nothing where there is none.
pub(crate) fn disk_bytes(folder: &Path) -> Result<u64> {
    let (mut bytes, mut folders) = (0, vec![PathBuf::from(folder)]);
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in folder.read_dir()? {
            let (entry, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            match data.is_dir() {
                true => folders.push(entry),
                false => bytes += blocks(&data) * 512,
            }
        }
    }
    Ok(bytes)
}

/// Blocks of 512 bytes: a file may have holes, or room for more.
fn blocks(data: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(data)
}
