//! Compiles the schema: messages, services, canonical JSON, and from its options the form and the
//! rules. No protoc is run. What it writes stands in `OUT_DIR`; `src/codegen` says how.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

#[allow(unreachable_pub, reason = "nobody can reach into a build script, whatever is public in it")]
#[path = "src/codegen/mod.rs"]
mod codegen;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed=src/codegen");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(sources()?)?;
    // The encoded set keeps options and comments, which the typed one drops: this one is served.
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &encoded)?;
    let typed = compiler.file_descriptor_set();

    pbjson_build::Builder::new()
        .register_descriptors(&typed.encode_to_vec())?
        .out_dir(&out)
        .build(&[".nianbao.v1"])?;
    tonic_prost_build::configure()
        .out_dir(&out)
        .compile_well_known_types(true)
        // It refuses what prost drops.
        .codec_path("crate::codec::Codec")
        // The figures of a report have four kilobytes, and a message is moved a dozen times on its
        // way to a method, to the journal and to the index.
        .boxed(".nianbao.v1.ValidateReportRequest.report")
        .boxed(".nianbao.v1.ValidateReportsRequest.report")
        .boxed(".nianbao.v1.SubmitReportRequest.report")
        .boxed(".nianbao.v1.SaveDraftRequest.report")
        .boxed(".nianbao.v1.SubmitReportsRequest.submission")
        .boxed(".nianbao.v1.Report.disclosure")
        .boxed(".nianbao.v1.Report.disclosure_2019")
        .boxed(".nianbao.v1.Report.requests")
        .boxed(".nianbao.v1.Report.disputes")
        .boxed(".nianbao.v1.Aggregate.disclosure")
        .boxed(".nianbao.v1.Aggregate.disclosure_2019")
        .boxed(".nianbao.v1.Aggregate.requests")
        .boxed(".nianbao.v1.Aggregate.disputes")
        .boxed(".nianbao.v1.AggregateGroup.disclosure")
        .boxed(".nianbao.v1.AggregateGroup.disclosure_2019")
        .boxed(".nianbao.v1.AggregateGroup.requests")
        .boxed(".nianbao.v1.AggregateGroup.disputes")
        .extern_path(".google.protobuf", "::pbjson_types")
        .extern_path(".google.protobuf.FieldMask", "crate::pb::FieldMask")
        .extern_path(".google.protobuf.Timestamp", "crate::pb::Timestamp")
        .compile_fds(typed)?;
    codegen::generate(&compiler.descriptor_pool(), &out)?;
    Ok(())
}

/// Our files and the vendored ones that we serve, ordered by name.
fn sources() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for folder in ["nianbao/v1", "google/rpc", "grpc/health/v1"] {
        for entry in fs::read_dir(Path::new("proto").join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "proto") {
                files.push(path.strip_prefix("proto")?.to_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}
