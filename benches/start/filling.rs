//! A store filled in process: through the archive, so that each write is checked, journalled and
//! synced as one of the server's is, but without the wire.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nianbao::archive::{Archive, Caller, INDEX, Step, Submission, What};
use nianbao::failure::Failure;
use nianbao::names::{OrganId, ReportId};
use nianbao::pb::{CreateOrganRequest, Report, ReturnReason};
use nianbao::store::{Options, Store};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::rig::Result;
use crate::rig::supply::Supply;

/// Writes under way at once: what fills a commit group.
const IN_FLIGHT: usize = 256;

/// What became of a write.
type Done = std::result::Result<(), String>;

/// A store open in this process.
pub(crate) struct Filling {
    runtime: Runtime,
    archive: Archive,
    supply: Arc<Supply>,
}

impl Filling {
    /// Opens a store.
    pub(crate) fn open(folder: &Path, cache_mib: u64, supply: Supply) -> Result<Self> {
        let options = Options { cache_bytes: cache_mib << 20, ..Options::default() };
        let archive = Archive::new(Store::open(folder, INDEX, options)?);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Filling { runtime, archive, supply: Arc::new(supply) })
    }

    /// Registers the organs, the parent of all others first.
    pub(crate) fn register(&self) -> Result<()> {
        let requests = Arc::new(self.supply.registrations());
        for (first, count) in [(0, 1), (1, requests.len() - 1)] {
            let requests = requests.clone();
            self.each(count, move |archive, number| {
                let request = requests[first + number].clone();
                async move { register(&archive, request).await }
            })?;
        }
        Ok(())
    }

    /// Submits reports, the first so many.
    pub(crate) fn submit(&self, reports: usize) -> Result<Duration> {
        let supply = self.supply.clone();
        self.each(reports, move |archive, number| {
            let supply = supply.clone();
            async move { submit(&archive, report(&supply, number)?).await }
        })
    }

    /// Returns each of these reports and submits it with other content: two entries, one revision.
    pub(crate) fn rewrite(&self, reports: usize, round: usize) -> Result<Duration> {
        let supply = self.supply.clone();
        self.each(reports, move |archive, number| {
            let supply = supply.clone();
            async move {
                let mut report = report(&supply, number)?;
                report.overview.get_or_insert_default().text.push_str(&"。".repeat(round));
                let id = ReportId::of(&report).ok_or("a report without identity")?;
                let text = "请核对本年新收数。".to_owned();
                let step = Step::Return(vec![ReturnReason { text, ..ReturnReason::default() }]);
                archive.step(&caller("ReturnReport"), &id, "", step).await.map_err(said)?;
                submit(&archive, report).await
            }
        })
    }

    /// Closes the store in order, and answers how long that took.
    pub(crate) fn close(self) -> Duration {
        let start = Instant::now();
        self.archive.store().close();
        drop(self);
        start.elapsed()
    }

    /// Does the work of so many numbers, many at a time, and answers how long it took.
    fn each<W>(&self, count: usize, work: impl Fn(Archive, usize) -> W) -> Result<Duration>
    where
        W: Future<Output = Done> + Send + 'static,
    {
        let start = Instant::now();
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for number in 0..count {
                if tasks.len() == IN_FLIGHT
                    && let Some(done) = tasks.join_next().await
                {
                    done??;
                }
                tasks.spawn(work(self.archive.clone(), number));
            }
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            Ok(start.elapsed())
        })
    }
}

fn caller(method: &'static str) -> Caller {
    Caller { principal: "bench".to_owned(), method, ..Caller::default() }
}

fn said(failure: Failure) -> String {
    format!("{failure:?}")
}

fn report(supply: &Supply, number: usize) -> std::result::Result<Report, String> {
    supply.report(number).map_err(|error| error.to_string())
}

async fn register(archive: &Archive, request: CreateOrganRequest) -> Done {
    let id = OrganId::parse(&request.organ_id).ok_or("no id of an organ")?;
    let organ = request.organ.unwrap_or_default();
    archive.create_organ(&caller("CreateOrgan"), &id, organ).await.map_err(said)?;
    Ok(())
}

async fn submit(archive: &Archive, report: Report) -> Done {
    let what = What::Report(Box::new(report));
    let submission = Submission { what, as_published: None, etag: String::new() };
    archive.submit(&caller("SubmitReport"), submission).await.map_err(said)?;
    Ok(())
}
