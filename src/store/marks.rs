//! Two small files in the folder of the index, which say to the next start what to think of it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::engine::Applied;
use super::journal::sync_dir;

/// The index is on disk as it stands: written at the end of an orderly close, gone before the next
/// write. Its content is what the index must hold, so that one that came too late does no harm.
const CLEAN: &str = "clean";
/// A read has met damage.
const DAMAGED: &str = "damaged";

#[derive(Clone)]
pub(super) struct Marks {
    dir: PathBuf,
}

impl Marks {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    pub(super) fn is_clean(&self, applied: &Applied) -> bool {
        fs::read_to_string(self.dir.join(CLEAN)).is_ok_and(|text| text == content(applied))
    }

    pub(super) fn set_clean(&self, applied: &Applied) -> io::Result<()> {
        let mut file = File::create(self.dir.join(CLEAN))?;
        file.write_all(content(applied).as_bytes())?;
        file.sync_all()?;
        sync_dir(&self.dir)
    }

    /// Down to the disk: a mark that came back after a power loss would speak of pages that were
    /// written over since.
    pub(super) fn clear_clean(&self) -> io::Result<()> {
        match fs::remove_file(self.dir.join(CLEAN)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
            Ok(()) => sync_dir(&self.dir),
        }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.dir.join(DAMAGED).exists()
    }

    /// Takes the mark of cleanness too: this may come after it, while reads go on.
    pub(super) fn set_damaged(&self) -> io::Result<()> {
        File::create(self.dir.join(DAMAGED))?.sync_all()?;
        self.clear_clean()?;
        sync_dir(&self.dir)
    }
}

fn content(applied: &Applied) -> String {
    format!("{} {:016x}\n", applied.head.position, applied.digest)
}
