//! Listens, serves, tells its health, and stops in order.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::archive::{Archive, INDEX};
use crate::limits::{CALLS_PER_CONNECTION_MAX, MESSAGE_BYTES_MAX, SHUTDOWN_SECONDS_MAX};
use crate::pb::{
    FILE_DESCRIPTOR_SET, admin_service_server, aggregate_service_server, document_service_server,
    format_service_server, organ_service_server, report_service_server,
};
use crate::service::{Admin, Aggregates, Documents, Formats, Organs, Reports};
use crate::store::{self, Store};

/// The name under which health tells whether writes are taken.
pub const WRITES: &str = "nianbao.v1.writes";

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder of the store.
    pub data: PathBuf,
    /// How the store is set up.
    pub store: store::Options,
}

/// Why a server cannot run.
#[derive(Debug)]
pub enum Error {
    /// The store cannot be opened.
    Store(store::Error),
    /// The connections failed.
    Transport(tonic::transport::Error),
    /// The descriptors cannot be served: a defect of the build.
    Reflection(tonic_reflection::server::Error),
    /// The opening of the store could not be awaited.
    Open(tokio::task::JoinError),
    /// The store's last writes could not be awaited.
    Close(tokio::task::JoinError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Store(e) => e.fmt(f),
            Error::Transport(e) => write!(f, "serving failed: {e}"),
            Error::Reflection(e) => write!(f, "the descriptors cannot be served: {e}"),
            Error::Open(e) => write!(f, "the store could not be opened: {e}"),
            Error::Close(e) => write!(f, "the store did not close in order: {e}"),
        }
    }
}

impl std::error::Error for Error {}

/// Serves on `listener` until `stop` resolves; then ends the calls under way, for ten seconds at
/// most, and closes the store.
///
/// # Errors
/// `Store` before anything is served, `Transport`, `Close`.
pub async fn run(
    listener: TcpListener,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let (data, setup) = (options.data, options.store);
    // Opening may rebuild the index, which takes long and blocks.
    let opened = tokio::task::spawn_blocking(move || Store::open(&data, INDEX, setup)).await;
    let store = opened.map_err(Error::Open)?.map_err(Error::Store)?;
    tell(&store.condition());
    let archive = Archive::new(store.clone());
    let (health, health_service) = tonic_health::server::health_reporter();
    let (stopped, stopping) = watch::channel(false);
    let routes = routes(&archive, &stopping)?.add_service(health_service);
    serving(&health).await;
    let follower = tokio::spawn(follow_writes(store.clone(), health.clone()));

    // The builder's own option is not heard with a listener of ours. Without it an answer of more
    // than a kilobyte waits 40 ms for the client's acknowledgement.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = tonic::transport::Server::builder()
        .concurrency_limit_per_connection(CALLS_PER_CONNECTION_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, {
            let mut stopping = stopping.clone();
            async move {
                // An error says that the sender is gone, which is a reason to stop as well.
                let _ = stopping.wait_for(|stopping| *stopping).await;
            }
        });
    let mut server = std::pin::pin!(server);
    let outcome = tokio::select! {
        outcome = &mut server => outcome,
        () = stop => {
            stopped.send_replace(true);
            // A health watch never ends by itself: after the grace it is cut.
            let grace = Duration::from_secs(SHUTDOWN_SECONDS_MAX);
            tokio::time::timeout(grace, server).await.unwrap_or(Ok(()))
        }
    };
    follower.abort();
    tokio::task::spawn_blocking(move || store.close()).await.map_err(Error::Close)?;
    outcome.map_err(Error::Transport)
}

/// Says in the log what the start has found.
fn tell(condition: &store::Condition) {
    if let Some(torn) = &condition.torn {
        tracing::warn!("cut off {torn}: it was never acknowledged");
    }
    if let Some(aside) = &condition.set_aside {
        tracing::warn!("the index could not be used; it was put into {}", aside.display());
    }
    if let Some(damage) = &condition.damage {
        tracing::error!("writes are off: {damage}");
    }
    if condition.replayed > 0 {
        let (replayed, rebuilt) = (condition.replayed, condition.rebuilt);
        tracing::info!(replayed, rebuilt, "read the journal into the index");
    }
}

/// All services, with reflection v1 and v1alpha over our own descriptors alone.
fn routes(archive: &Archive, stopping: &watch::Receiver<bool>) -> Result<Routes, Error> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .include_reflection_service(false)
    };
    let reports = Reports::new(archive.clone(), stopping.clone());
    let reports = report_service_server::ReportServiceServer::new(reports)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let organs = organ_service_server::OrganServiceServer::new(Organs::new(archive.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let aggregates = Aggregates::new(archive.clone());
    let aggregates = aggregate_service_server::AggregateServiceServer::new(aggregates)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let documents = Documents::new(archive.clone());
    let documents = document_service_server::DocumentServiceServer::new(documents)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let formats = format_service_server::FormatServiceServer::new(Formats)
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    let admin = admin_service_server::AdminServiceServer::new(Admin::new(archive.clone()))
        .max_decoding_message_size(MESSAGE_BYTES_MAX);
    Ok(Routes::new(reports)
        .add_service(organs)
        .add_service(aggregates)
        .add_service(documents)
        .add_service(formats)
        .add_service(admin)
        .add_service(reflection().build_v1().map_err(Error::Reflection)?)
        .add_service(reflection().build_v1alpha().map_err(Error::Reflection)?))
}

/// Says that reads answer: of the server as a whole and of each service.
async fn serving(health: &HealthReporter) {
    for name in [
        "",
        report_service_server::SERVICE_NAME,
        organ_service_server::SERVICE_NAME,
        aggregate_service_server::SERVICE_NAME,
        document_service_server::SERVICE_NAME,
        format_service_server::SERVICE_NAME,
        admin_service_server::SERVICE_NAME,
    ] {
        health.set_service_status(name, ServingStatus::Serving).await;
    }
}

/// Keeps the health of writes in step with the store.
async fn follow_writes(store: Store, health: HealthReporter) {
    let mut writable = store.watch_writable();
    loop {
        let status = match &*writable.borrow_and_update() {
            Ok(()) => ServingStatus::Serving,
            Err(_) => ServingStatus::NotServing,
        };
        health.set_service_status(WRITES, status).await;
        if writable.changed().await.is_err() {
            return;
        }
    }
}
