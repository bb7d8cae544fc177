//! The runner of the conformance pack for Rust. README.md beside this file documents the protocol.
//!
//! - `conformance_runner`: answers each line of stdin with a line of stdout.
//! - `conformance_runner --server ADDRESS`: the same, but what the rules find is asked of a running
//!   server. The JSON and the bytes are still those of this program.
//! - `conformance_runner --time SECONDS FILE…`: how long the rules take on each report.
//! - `conformance_runner --server ADDRESS --time SECONDS FILE…`: how long a call takes.

#![allow(unreachable_pub, reason = "nobody can reach into a program, whatever is public in it")]

#[path = "pack/expected.rs"]
mod expected;
#[path = "pack/json.rs"]
mod json;
mod runner;

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs};

use nianbao::pb::Report;
use prost::Message as _;

use runner::answer::{Request, answer};
use runner::engine::Engine;
use runner::time;

/// That of the program: findings are made of many small texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: conformance_runner [--server ADDRESS] [--time SECONDS FILE…]";

#[expect(clippy::print_stderr, reason = "stdout carries the protocol, so errors go to stderr")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance_runner: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let mut args = args.iter().map(String::as_str).peekable();
    let engine = match args.next_if_eq(&"--server") {
        Some(_) => Engine::server(args.next().ok_or(USAGE)?)?,
        None => Engine::Compiled,
    };
    if args.next_if_eq(&"--time").is_some() {
        let seconds: f64 = args.next().ok_or(USAGE)?.parse()?;
        let budget = Duration::try_from_secs_f64(seconds)?;
        let files: Vec<&str> = args.collect();
        return measure(&engine, budget, &files);
    }
    if args.next().is_some() {
        return Err(USAGE.into());
    }
    converse(&engine)
}

fn converse(engine: &Engine) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        serde_json::to_writer(&mut out, &answer(engine, &request))?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}

fn measure(engine: &Engine, budget: Duration, files: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    for file in files {
        let report = Report::decode(fs::read(file)?.as_slice())?;
        let measured = time::measure(engine, &report, budget)?;
        serde_json::to_writer(&mut out, &measured.of(file))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
