//! Writes reports together with the rules that each breaks, for other runtimes to agree with.
//!
//! `generate_reports COUNT SEED REPORTS DESCRIPTORS`: writes COUNT records to the file REPORTS and
//! the descriptors of the schema to the file DESCRIPTORS. README.md beside this file documents the
//! records. The same count, seed and schema give the same bytes.

mod balanced;
mod coverage;
mod mutate;
mod random;

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use nianbao::check::{CELL_RANGE, violations};
use nianbao::pb::{Edition, FILE_DESCRIPTOR_SET, Report};
use prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor};

use coverage::{Broken, Coverage};
use random::Random;

/// From so many reports on every rule must have been passed and broken.
const COUNT_COVERED: u64 = 10_000;
/// More changes than this in one report hide each other.
const MUTATIONS_MAX: u64 = 6;

#[expect(clippy::print_stderr, reason = "a tool of the test suite tells the developer what failed")]
fn main() -> ExitCode {
    match run() {
        Ok(summary) => {
            eprintln!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("generate_reports: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [count, seed, reports, descriptors] = args.as_slice() else {
        return Err("usage: generate_reports COUNT SEED REPORTS DESCRIPTORS".into());
    };
    let (count, seed): (u64, u64) = (count.parse()?, seed.parse()?);
    fs::write(descriptors, FILE_DESCRIPTOR_SET)?;

    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
    let descriptor = pool.get_message_by_name("nianbao.v1.Report").ok_or("no message Report")?;
    let mut coverage = Coverage::new(&pool)?;
    let mut file = BufWriter::new(File::create(reports)?);
    let (mut clean, mut violated) = (0_u64, 0_usize);
    for index in 0..count {
        let report = report(&mut Random::of_report(seed, index), &descriptor)?;
        let broken = broken(&report);
        if broken.iter().any(|(_, id)| id == CELL_RANGE) {
            return Err(format!("report {index}: a number overflows").into());
        }
        coverage.count(&report, &broken).map_err(|e| format!("report {index}: {e}"))?;
        clean += u64::from(broken.is_empty());
        violated += broken.len();
        let lines = broken.iter().fold(String::new(), |mut lines, (path, id)| {
            let _ = writeln!(lines, "{path}\t{id}");
            lines
        });
        for part in [report.encode_to_vec().as_slice(), lines.as_bytes()] {
            file.write_all(&u32::try_from(part.len())?.to_be_bytes())?;
            file.write_all(part)?;
        }
    }
    file.flush()?;

    let counts = coverage.passed_broken();
    if count >= COUNT_COVERED {
        for (id, (passed, broken)) in counts {
            if *passed == 0 || *broken == 0 {
                return Err(
                    format!("rule {id}: {passed} times passed, {broken} times broken").into()
                );
            }
        }
    }
    let rarest = counts.iter().min_by_key(|(_, (passed, broken))| passed.min(broken));
    let rarest = rarest.map(|(id, (passed, broken))| {
        format!("; the rarest, {id}, {passed} times passed and {broken} times broken")
    });
    Ok(format!(
        "{count} reports of seed {seed}, {clean} of them clean, {violated} findings of {} rules{}",
        counts.len(),
        rarest.unwrap_or_default(),
    ))
}

/// A balanced report with up to six changes.
fn report(random: &mut Random, descriptor: &MessageDescriptor) -> Result<Report, Box<dyn Error>> {
    let edition = *random.pick(&[Edition::Edition2019, Edition::Edition2021, Edition::Edition2021]);
    let mut report = balanced::report(edition, random);
    for _ in 0..random.below(MUTATIONS_MAX + 1) {
        mutate::mutate(&mut report, descriptor, random)?;
    }
    Ok(report)
}

fn broken(report: &Report) -> Broken {
    violations(report).into_iter().map(|v| (v.path, v.rule.to_owned())).collect()
}
