//! `serve`: the server until a signal ends it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nianbao::server::{self, Options};
use nianbao::store::{self, Progress};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

use super::args::ServeArgs;
use super::console::Console;
use super::{Error, Outcome, progress};

/// Which lines of the log are written: `info`, `nianbao=debug,h2=warn` and the like.
const LOG: &str = "NIANBAO_LOG";

pub(super) fn run(console: &Console, args: &ServeArgs) -> Result<Outcome, Error> {
    let filter = EnvFilter::try_from_env(LOG).unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(console.is_watched() && std::env::var_os("NO_COLOR").is_none())
        .init();
    let runtime = tokio::runtime::Runtime::new().map_err(Error::System)?;
    runtime.block_on(serve(console, args))?;
    Ok(Outcome::Done)
}

async fn serve(console: &Console, args: &ServeArgs) -> Result<(), Error> {
    let refused = |cause| Error::Listen { listen: args.listen.to_string(), cause };
    let listener = TcpListener::bind(args.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let options = Options {
        data: args.data.clone(),
        store: store::Options {
            cache_bytes: args.cache_mib << 20,
            progress: Some(progress(console)),
            ..store::Options::default()
        },
    };
    // Before the line is printed: who reads it may send a signal at once.
    let signal = signal().map_err(Error::System)?;
    // The server asks for its end only once the store is open and calls are taken.
    let stop = async {
        // Where stdout is closed the server is no worse.
        let _ = console.out(&format!("listening on {address}"));
        signal.await;
        tracing::info!("stopping");
    };
    server::run(listener, options, stop).await.map_err(Error::Serve)
}

/// A start is told in lines of the log at most so often.
const TELL_INTERVAL: Duration = Duration::from_secs(5);

/// Shows what a start has to do before it answers: a bar where a person looks, else lines of the
/// log. Most starts are too short to show anything.
fn progress(console: &Console) -> Arc<dyn Fn(Progress) + Send + Sync> {
    let bar = console.is_watched().then(|| progress::bytes(console, Some(0)));
    let told = Mutex::new(Instant::now());
    Arc::new(move |progress: Progress| {
        let Progress { work, done, total } = progress;
        if let Some(bar) = &bar {
            bar.set_length(total);
            bar.set_position(done);
            if done >= total {
                bar.finish_and_clear();
            }
            return;
        }
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= TELL_INTERVAL {
            *told = Instant::now();
            tracing::info!(?work, done, total, "starting");
        }
    })
}

/// Resolves when the process is asked to end.
///
/// # Errors
/// The system gives no handler.
#[cfg(unix)]
pub(super) fn signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves when the process is asked to end.
#[cfg(not(unix))]
pub(super) fn signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the process ends by itself.
        let _ = tokio::signal::ctrl_c().await;
    })
}
