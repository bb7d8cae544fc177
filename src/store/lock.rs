//! The lock on a data folder.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use fs4::{FileExt, TryLockError};

use super::Error;

/// How long opening waits for a lock: longer than a process takes to start, shorter than a person
/// notices.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often it looks.
const STEP: Duration = Duration::from_millis(20);

/// Locks a folder, and creates it if need be. The lock lasts as long as the file is open.
pub(super) fn lock(dir: &Path) -> Result<File, Error> {
    std::fs::create_dir_all(dir).map_err(Error::Io)?;
    let path = dir.join("lock");
    let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(Error::Io)?;
    patiently(|| try_lock(&file, dir))?;
    Ok(file)
}

/// Locks a folder without changing anything in it. None where there is no lock, and so no server.
pub(super) fn try_lock_existing(dir: &Path) -> Result<Option<File>, Error> {
    let file = match File::open(dir.join("lock")) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(Error::Io)?,
    };
    try_lock(&file, dir)?;
    Ok(Some(file))
}

fn try_lock(file: &File, dir: &Path) -> Result<(), Error> {
    match FileExt::try_lock(file) {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let cause = std::io::ErrorKind::WouldBlock.into();
            Err(Error::Locked { dir: dir.to_owned(), cause })
        }
        Err(TryLockError::Error(e)) => Err(Error::Io(e)),
    }
}

/// Waits a moment for a lock that is being let go. A process that is starting holds copies of its
/// parent's files until it becomes its own program, and so may hold the lock of a store that has
/// just been closed.
pub(super) fn patiently<T>(mut open: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut patience = PATIENCE;
    loop {
        match open() {
            Err(Error::Locked { .. }) if !patience.is_zero() => {
                let step = STEP.min(patience);
                std::thread::sleep(step);
                patience -= step;
            }
            other => return other,
        }
    }
}
