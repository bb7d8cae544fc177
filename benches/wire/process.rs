//! A server as a process of its own, and the processor time that it has used.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::servers::Kind;

/// A server under way. It ends when this is dropped, and also when this program is killed: its
/// standard input closes then.
pub(crate) struct Process {
    /// Where it listens.
    pub address: String,
    child: Child,
}

impl Process {
    /// Starts this program again as a server.
    pub(crate) fn start(kind: Kind) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--serve", kind.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("the server has no output")?;
        let mut process = Process { address: String::new(), child };
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
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("a server was not awaited: {error}");
        }
    }
}
