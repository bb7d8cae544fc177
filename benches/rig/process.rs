//! A server as a process of its own, and what it has used.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Result;
use super::servers::{Kind, SERVE};

/// A server under way. It ends when this is dropped, and also when this program is killed: its
/// standard input closes then.
pub(crate) struct Process {
    /// Where it listens.
    pub address: String,
    /// When it was started.
    pub started: Instant,
    child: Child,
}

impl Process {
    /// Starts this program again as a server over a folder, which the bare ones do not look at, and
    /// waits until it takes calls.
    pub(crate) fn start(kind: Kind, folder: &Path, cache_mib: u64) -> Result<Self> {
        let started = Instant::now();
        let mut child = Command::new(std::env::current_exe()?)
            .args([SERVE, kind.name()])
            .arg(folder)
            .arg(cache_mib.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut process = Process { address: String::new(), started, child };
        BufReader::new(out).read_line(&mut process.address)?;
        process.address.truncate(process.address.trim_end().len());
        if process.address.is_empty() {
            return Err(format!("the server {} did not start", kind.name()).into());
        }
        Ok(process)
    }

    /// The processor time of all its threads, in the kernel and outside.
    ///
    /// # Errors
    /// Where the system does not tell: Linux does, in nanoseconds.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            // A thread may end while the list is read.
            let Ok(line) = fs::read_to_string(thread?.path().join("schedstat")) else {
                continue;
            };
            let first = line.split_whitespace().next().ok_or("an empty schedstat")?;
            nanoseconds += first.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Its resident memory in bytes: now, and the most since it was started.
    ///
    /// # Errors
    /// Where the system does not tell: Linux does.
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let row = |name: &str| {
            let row = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = row.and_then(|row| row.trim().strip_suffix(" kB"));
            Ok::<u64, Box<dyn std::error::Error>>(kib.ok_or("no such row")?.parse::<u64>()? << 10)
        };
        Ok((row("VmRSS:")?, row("VmHWM:")?))
    }

    /// Asks it to stop, and answers how long it took.
    pub(crate) fn stop(mut self) -> Result<Duration> {
        let asked = Instant::now();
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(asked.elapsed())
    }

    /// Kills it.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("a server was not awaited: {error}");
        }
    }
}
