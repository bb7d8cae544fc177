//! The program: the command line of the library.

mod cli;

/// sled and prost allocate pages and messages of all sizes all the time: with the allocator of the
/// system that takes a fifth of the processor time of a server that writes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
