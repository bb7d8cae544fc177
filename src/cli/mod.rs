//! The command line: what a clerk types, and what comes back.
//!
//! stdout carries the result alone; progress, notes and diagnostics go to stderr. Exit 0 says done,
//! 1 that a report has errors or was refused, 2 that the command could not run.

mod aggregate;
mod args;
mod backup;
mod catalogue;
mod client;
mod compare;
mod console;
mod contributions;
mod coverage;
mod deadlines;
mod demo;
mod diff;
mod draft;
mod error;
mod files;
mod form_table;
mod get;
mod history;
mod info;
mod moment;
mod new;
mod organ_changes;
mod organ_import;
mod organs;
mod parse;
mod progress;
mod reconcile;
mod render;
mod serve;
mod set;
mod steps;
mod submit;
mod table;
mod tables;
mod validate;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use console::Console;
use error::Error;

/// How a command that could run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Done.
    Done,
    /// A report has errors or was refused.
    Refused,
    /// Done in part: something could not be read or reached, as was said on stderr.
    Incomplete,
}

/// Runs the command line of this process.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Where the pipe is closed there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let console = Console::new(cli.lang, cli.format);
    let outcome = match cli.command {
        Command::Demo => demo::run(&console),
        Command::Serve(args) => serve::run(&console, &args),
        Command::Parse(args) => parse::run(&console, &args),
        Command::Render(args) => render::run(&console, &args),
        Command::New(args) => new::run(&console, &args),
        Command::Set(args) => set::run(&console, &args),
        Command::Validate(args) => validate::run(&console, &args),
        Command::Submit(args) => submit::run(&console, &args),
        Command::Draft(args) => draft::run(&console, &args),
        Command::Return(args) => steps::send_back(&console, &args),
        Command::Accept(args) => steps::accept(&console, &args),
        Command::Publish(args) => steps::publish(&console, &args),
        Command::Amend(args) => steps::amend(&console, &args),
        Command::Void(args) => steps::void(&console, &args),
        Command::Get(args) => get::get(&console, &args),
        Command::History(args) => history::events(&console, &args),
        Command::Revisions(args) => history::revisions(&console, &args),
        Command::Diff(args) => diff::run(&console, &args),
        Command::Watch(args) => watch::run(&console, &args),
        Command::List(args) => get::list(&console, &args),
        Command::Aggregate(args) => aggregate::run(&console, &args),
        Command::Coverage(args) => coverage::run(&console, &args),
        Command::Contributions(args) => contributions::run(&console, &args),
        Command::Compare(args) => compare::run(&console, &args),
        Command::Reviews(args) => compare::reviews(&console, &args),
        Command::Outliers(args) => compare::outliers(&console, &args),
        Command::Reconcile(args) => reconcile::run(&console, &args),
        Command::ExportReports(args) => tables::run(&console, &args),
        Command::Organs(args) => organs::run(&console, &args),
        Command::Deadlines(args) => deadlines::run(&console, &args),
        Command::Info(args) => info::run(&console, &args),
        Command::Export(args) => backup::export(&console, &args),
        Command::Restore(args) => backup::restore(&console, &args),
        Command::Verify(args) => backup::verify(&console, &args),
        Command::Rules => catalogue::rules(&console),
        Command::Format(args) => catalogue::format(&console, &args),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(2),
        Err(error) => {
            console.error(&error.text(console.lang));
            ExitCode::from(error.code())
        }
    }
}
