//! Organs over a real socket: set right, moved, renamed, closed, merged; what each refuses, what a
//! watcher hears, and what a restart keeps.

mod import;
mod tree;

use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{self, Affiliation, FieldMask, Organ};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::support::{Details, TestServer, housing};

/// A city with a bureau and a district, which has an office of its own; and a new district.
struct Stage {
    server: TestServer,
    channel: Channel,
    data: tempfile::TempDir,
}

async fn stage() -> Stage {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    let stage = Stage { server, channel, data };
    for (id, parent) in [
        ("city", ""),
        ("housing", "city"),
        ("district", "city"),
        ("office", "district"),
        ("newtown", "city"),
    ] {
        let affiliations = match parent {
            "" => Vec::new(),
            parent => vec![stretch(parent, 2010, None)],
        };
        let organ = Organ { affiliations, display_name: format!("{id}局"), ..Organ::default() };
        stage.create(id, organ).await.expect("registered");
    }
    stage
}

fn name(id: &str) -> String {
    format!("organs/{id}")
}

fn stretch(parent: &str, from_year: i32, until_year: Option<i32>) -> Affiliation {
    Affiliation { parent: name(parent), from_year, until_year }
}

/// The reason of a refusal, which must be of that code.
#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code) -> String {
    let status = answer.expect_err("refused");
    assert_eq!(status.code(), code, "{status:?}");
    let details = Details::of(&status);
    assert!(details.bytes <= nianbao::limits::STATUS_BYTES_MAX);
    details.info.reason
}

impl Stage {
    fn organs(&self) -> OrganServiceClient<Channel> {
        OrganServiceClient::new(self.channel.clone())
    }

    async fn create(&self, id: &str, organ: Organ) -> Result<Organ, Status> {
        let (organ_id, organ) = (id.to_owned(), Some(organ));
        let request = pb::CreateOrganRequest { organ_id, organ, ..Default::default() };
        Ok(self.organs().create_organ(request).await?.into_inner())
    }

    async fn get(&self, id: &str) -> Organ {
        let request = pb::GetOrganRequest { name: name(id), ..Default::default() };
        self.organs().get_organ(request).await.expect("an organ").into_inner()
    }

    async fn all(&self) -> Vec<Organ> {
        let page = self.organs().list_organs(pb::ListOrgansRequest::default()).await;
        page.expect("a page").into_inner().organs
    }

    async fn update(&self, organ: Organ, paths: &[&str]) -> Result<Organ, Status> {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        let update_mask = Some(FieldMask { paths });
        let organ = Some(organ);
        let request = pb::UpdateOrganRequest { organ, update_mask, ..Default::default() };
        Ok(self.organs().update_organ(request).await?.into_inner())
    }

    async fn shift(&self, id: &str, parent: &str, from_year: i32) -> Result<Organ, Status> {
        let parent = if parent.is_empty() { String::new() } else { name(parent) };
        let name = name(id);
        let request = pb::MoveOrganRequest { name, parent, from_year, ..Default::default() };
        let answer = self.organs().move_organ(request).await?.into_inner();
        assert!(answer.receipt.is_some());
        Ok(answer.organ.expect("the organ"))
    }

    async fn rename(&self, id: &str, to: &str, from_year: i32) -> Result<Organ, Status> {
        let (name, display_name) = (name(id), to.to_owned());
        let request =
            pb::RenameOrganRequest { name, display_name, from_year, ..Default::default() };
        Ok(self.organs().rename_organ(request).await?.into_inner().organ.expect("the organ"))
    }

    async fn close(&self, id: &str, last_year: i32) -> Result<Organ, Status> {
        let request = pb::CloseOrganRequest { name: name(id), last_year, ..Default::default() };
        Ok(self.organs().close_organ(request).await?.into_inner().organ.expect("the organ"))
    }

    async fn merge(
        &self,
        sources: &[&str],
        successor: &str,
        move_children: bool,
    ) -> Result<pb::MergeOrgansResponse, Status> {
        let request = pb::MergeOrgansRequest {
            sources: sources.iter().map(|id| name(id)).collect(),
            successor: name(successor),
            from_year: 2024,
            move_children,
            ..Default::default()
        };
        Ok(self.organs().merge_organs(request).await?.into_inner())
    }

    async fn submit(&self, id: &str) {
        let report = Some(Box::new(pb::Report { organ: name(id), ..housing() }));
        let request = pb::SubmitReportRequest { report, ..Default::default() };
        let mut client = ReportServiceClient::new(self.channel.clone());
        client.submit_report(request).await.expect("taken");
    }

    /// Stops the server and starts another, with its index or without.
    async fn restart(self, lose_index: bool) -> Self {
        let Stage { server, channel, data } = self;
        drop(channel);
        server.stop().await;
        if lose_index {
            std::fs::remove_dir_all(data.path().join("index")).expect("there is one");
        }
        let server = TestServer::start(data.path()).await;
        let channel = server.channel().await;
        Stage { server, channel, data }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_the_fields_that_the_mask_names_and_no_others() {
    let stage = stage().await;
    let before = stage.get("housing").await;
    let change = Organ {
        name: name("housing"),
        display_name: "住房局".to_owned(),
        sector: "housing".to_owned(),
        level: pb::organ::Level::Prefecture as i32,
        ..Organ::default()
    };
    let after = stage.update(change.clone(), &["sector", "level"]).await.expect("updated");
    assert_eq!((after.display_name.as_str(), after.sector.as_str()), ("housing局", "housing"));
    assert_eq!((after.affiliations.len(), after.parent.as_str()), (1, "organs/city"));
    assert_ne!(after.etag, before.etag);
    assert_eq!((after.create_time, stage.get("housing").await), (before.create_time, after));
    let after = stage.update(change.clone(), &[]).await.expect("all that are set");
    assert_eq!((after.display_name.as_str(), after.affiliations.len()), ("住房局", 1));
    let after = stage.update(change.clone(), &["*"]).await.expect("all");
    assert_eq!((after.affiliations.len(), after.parent.as_str()), (0, ""));
    for path in ["name", "etag", "parent", "successor", "affiliations.parent", "displayName"] {
        let answer = stage.update(change.clone(), &["sector", path]).await;
        assert_eq!(refused(answer, Code::InvalidArgument), "UPDATE_MASK_INVALID", "{path}");
    }
    let answer = stage.update(change, &["display_name", "credit_code"]).await;
    assert_eq!(answer.expect("cleared").credit_code, "");
    let nameless = Organ { name: name("housing"), ..Organ::default() };
    let status = stage.update(nameless, &["display_name"]).await.expect_err("required");
    assert_eq!(Details::of(&status).fields[0].field, "organ.display_name");
    let nobody = Organ { name: name("nobody"), ..Organ::default() };
    assert_eq!(refused(stage.update(nobody, &[]).await, Code::NotFound), "ORGAN_NOT_FOUND");
    let status = stage.organs().update_organ(pb::UpdateOrganRequest::default()).await;
    assert_eq!(refused(status, Code::InvalidArgument), "INVALID_REQUEST");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_keeps_the_tree_a_tree() {
    let stage = stage().await;
    let below = |id: &str, parent: &str| Organ {
        name: name(id),
        affiliations: vec![stretch(parent, 2015, Some(2016))],
        ..Organ::default()
    };
    let answer = stage.update(below("city", "office"), &[]).await;
    let status = answer.expect_err("a cycle");
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "ORGAN_TREE_CYCLE");
    assert_eq!(details.info.metadata["year"], "2015");
    let answer = stage.update(below("city", "nowhere"), &[]).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "PARENT_NOT_FOUND");
    let answer = stage.update(below("city", "city"), &[]).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    // The office reports to the district, which reports to the city: not in those years only.
    let mut district = below("district", "newtown");
    district.affiliations[0].from_year = 2017;
    district.affiliations[0].until_year = None;
    stage.update(district, &[]).await.expect("moved");
    stage.update(below("city", "office"), &[]).await.expect("no cycle in those years");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn etags_request_ids_and_checks_only_work_as_they_do_for_reports() {
    let stage = stage().await;
    let before = stage.get("office").await;
    let request = |etag: &str, id: &str, validate_only| pb::MoveOrganRequest {
        name: name("office"),
        parent: name("newtown"),
        from_year: 2020,
        etag: etag.to_owned(),
        request_id: id.to_owned(),
        validate_only,
        ..Default::default()
    };
    let checked = stage.organs().move_organ(request("", "", true)).await.expect("checked");
    let checked = checked.into_inner();
    assert_eq!(checked.receipt, None);
    assert_eq!(checked.organ.expect("as it would be").parent, "organs/newtown");
    assert_eq!(stage.get("office").await, before, "nothing is stored");
    let stale = stage.organs().move_organ(request("0123456789abcdef", "", false)).await;
    assert_eq!(refused(stale, Code::Aborted), "ETAG_MISMATCH");
    let first = stage.organs().move_organ(request(&before.etag, "one", false)).await;
    let first = first.expect("moved").into_inner();
    let again = stage.organs().move_organ(request(&before.etag, "one", false)).await;
    assert_eq!(again.expect("the first answer").into_inner(), first);
    let reused = stage.organs().move_organ(request("", "one", false)).await;
    assert_eq!(refused(reused, Code::InvalidArgument), "REQUEST_ID_REUSED");
    let merger = || pb::MergeOrgansRequest {
        sources: vec![name("district")],
        successor: name("newtown"),
        from_year: 2024,
        request_id: "two".to_owned(),
        ..Default::default()
    };
    let first = stage.organs().merge_organs(merger()).await.expect("merged").into_inner();
    let again = stage.organs().merge_organs(merger()).await.expect("once").into_inner();
    assert_eq!(again, first);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_leaves_the_tree_of_other_years_as_it_was() {
    let stage = stage().await;
    let moved = stage.shift("office", "newtown", 2020).await.expect("moved");
    let expected = [stretch("district", 2010, Some(2019)), stretch("newtown", 2020, None)];
    assert_eq!(moved.affiliations, expected);
    assert_eq!(moved.parent, "organs/newtown");
    let answer = stage.shift("office", "city", 2015).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HISTORY_CONFLICT");
    let (parent, from_year, until_year) = (name("city"), 2015, Some(2021));
    let bounded = pb::MoveOrganRequest {
        name: name("office"),
        parent,
        from_year,
        until_year,
        ..Default::default()
    };
    let answer = stage.organs().move_organ(bounded.clone()).await.expect("moved").into_inner();
    let expected = [
        stretch("district", 2010, Some(2014)),
        stretch("city", 2015, Some(2021)),
        stretch("newtown", 2022, None),
    ];
    assert_eq!(answer.organ.expect("the organ").affiliations, expected);
    let backwards = pb::MoveOrganRequest { until_year: Some(2014), ..bounded };
    let answer = stage.organs().move_organ(backwards).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    let root = stage.shift("office", "", 2023).await.expect("a root");
    assert_eq!((root.affiliations.len(), root.parent.as_str()), (3, ""));
    let answer = stage.shift("city", "housing", 2030).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_TREE_CYCLE");
    let answer = stage.shift("city", "city", 2030).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    let answer = stage.shift("office", "nowhere", 2030).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "PARENT_NOT_FOUND");
    let answer = stage.shift("nobody", "city", 2030).await;
    assert_eq!(refused(answer, Code::NotFound), "ORGAN_NOT_FOUND");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_makes_the_old_one_a_former_one() {
    let stage = stage().await;
    let renamed = stage.rename("housing", "住房和城乡建设局", 2019).await.expect("renamed");
    assert_eq!(renamed.display_name, "住房和城乡建设局");
    let former =
        |name: &str, until_year| pb::FormerName { display_name: name.to_owned(), until_year };
    assert_eq!(renamed.former_names, [former("housing局", 2018)]);
    let answer = stage.rename("housing", "住房和城乡建设局", 2024).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HISTORY_CONFLICT");
    let answer = stage.rename("housing", "建设局", 2019).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HISTORY_CONFLICT");
    let again = stage.rename("housing", "建设局", 2020).await.expect("renamed");
    assert_eq!(again.former_names.len(), 2);
    assert_eq!(again.former_names[1], former("住房和城乡建设局", 2019));
    let answer = stage.rename("housing", "", 2024).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    let answer = stage.rename("housing", &"长".repeat(101), 2024).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organ_ends_once_nobody_needs_it_any_more() {
    let stage = stage().await;
    let status = stage.close("district", 2023).await.expect_err("it has an office");
    let details = Details::of(&status);
    assert_eq!(details.info.reason, "ORGAN_HAS_CHILDREN");
    assert_eq!(details.info.metadata["children"], "1");
    stage.shift("office", "newtown", 2024).await.expect("moved");
    let closed = stage.close("district", 2023).await.expect("closed");
    assert_eq!(closed.active_until_year, Some(2023));
    assert_eq!(stage.close("district", 2023).await.expect("as it is"), stage.get("district").await);
    let answer = stage.close("district", 2022).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_CLOSED");
    for from_year in [2024, 2020] {
        let answer = stage.shift("housing", "district", from_year).await;
        assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_CLOSED");
    }
    stage.submit("housing").await;
    let answer = stage.close("housing", 2022).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HISTORY_CONFLICT");
    stage.close("housing", 2023).await.expect("its last report is of 2023");
    let late = Organ { name: name("newtown"), active_from_year: Some(2020), ..Organ::default() };
    stage.update(late, &[]).await.expect("updated");
    let answer = stage.close("newtown", 2019).await;
    assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST");
    let open = Organ { name: name("district"), ..Organ::default() };
    let open = stage.update(open, &["active_until_year"]).await.expect("open again");
    assert_eq!(open.active_until_year, None);
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_left_below_an_organ_that_is_to_have_ended_earlier() {
    let stage = stage().await;
    stage.shift("office", "newtown", 2024).await.expect("moved");
    stage.close("district", 2023).await.expect("closed");
    // Until 2023 the office reports to it.
    let earlier =
        Organ { name: name("district"), active_until_year: Some(2020), ..Organ::default() };
    let answer = stage.update(earlier.clone(), &[]).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HAS_CHILDREN");
    let affiliations = vec![stretch("district", 2010, Some(2020)), stretch("newtown", 2021, None)];
    let office = Organ { name: name("office"), affiliations, ..Organ::default() };
    stage.update(office, &[]).await.expect("moved");
    stage.update(earlier, &[]).await.expect("nobody reports to it any more");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organ_is_not_active_again_below_one_that_is_closed() {
    let stage = stage().await;
    stage.close("office", 2020).await.expect("closed");
    stage.close("district", 2023).await.expect("nobody reports to it any more");
    let until = |year| Organ { name: name("office"), active_until_year: year, ..Organ::default() };
    let answer = stage.update(until(None), &["active_until_year"]).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_CLOSED");
    stage.update(until(Some(2023)), &[]).await.expect("as long as the one above");
    stage.update(until(Some(2021)), &[]).await.expect("shorter");
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merger_is_one_write_and_moves_nobody_in_silence() {
    let stage = stage().await;
    let before = stage.all().await;
    let status = stage.merge(&["district"], "newtown", false).await.expect_err("an office");
    assert_eq!(Details::of(&status).info.reason, "ORGAN_HAS_CHILDREN");
    assert_eq!(stage.all().await, before);
    let merged = stage.merge(&["housing", "district"], "newtown", true).await.expect("merged");
    let names = |organs: &[Organ]| organs.iter().map(|o| o.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&merged.sources), ["organs/housing", "organs/district"]);
    assert_eq!(names(&merged.moved_organs), ["organs/office"]);
    for source in &merged.sources {
        assert_eq!(source.active_until_year, Some(2023));
        assert_eq!(source.successor, "organs/newtown");
        assert_eq!(source.successor_from_year, Some(2024));
        assert_eq!(source.affiliations, [stretch("city", 2010, None)]);
    }
    let office = &merged.moved_organs[0];
    let expected = [stretch("district", 2010, Some(2023)), stretch("newtown", 2024, None)];
    assert_eq!(office.affiliations, expected);
    let etags = [&merged.sources[0].etag, &merged.sources[1].etag, &office.etag];
    assert!(etags[0] != etags[1] && etags[1] != etags[2] && etags[0] != etags[2], "{etags:?}");
    assert_eq!(stage.get("office").await, *office);

    let answer = stage.merge(&["district"], "newtown", true).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_CLOSED");
    let answer = stage.merge(&["office"], "district", true).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_INACTIVE");
    let answer = stage.merge(&["nobody"], "city", true).await;
    assert_eq!(refused(answer, Code::NotFound), "ORGAN_NOT_FOUND");
    for sources in [&["office", "office"][..], &["office", "city"]] {
        let answer = stage.merge(sources, "city", true).await;
        assert_eq!(refused(answer, Code::InvalidArgument), "INVALID_REQUEST", "{sources:?}");
    }
    let answer = stage.merge(&["newtown"], "office", true).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HAS_CHILDREN", "the successor");
    let answer = stage.merge(&["city"], "office", true).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_TREE_CYCLE");

    let open = Organ { name: name("district"), ..Organ::default() };
    let open = stage.update(open, &["active_until_year"]).await.expect("open again");
    assert_eq!((open.successor.as_str(), open.successor_from_year), ("", None));
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_of_all_organs_of_one_write_or_of_the_one_it_asked_for() {
    let stage = stage().await;
    let watch = async |organ: &str| {
        let request = pb::WatchChangesRequest {
            after: "0000000000000005".to_owned(),
            organ: organ.to_owned(),
            ..Default::default()
        };
        let mut client = ReportServiceClient::new(stage.channel.clone());
        client.watch_changes(request).await.expect("a stream").into_inner()
    };
    let (mut all, mut one) = (watch("").await, watch("organs/office").await);
    let merged = stage.merge(&["housing", "district"], "newtown", true).await.expect("merged");
    let without_parent = |organ: &Organ| Organ { parent: String::new(), ..organ.clone() };
    for (stream, count) in [(&mut all, 3), (&mut one, 1)] {
        loop {
            let message = stream.message().await.expect("a message").expect("one more");
            let Some(change) = message.change else { continue };
            assert_eq!(message.receipt, merged.receipt);
            assert_eq!(change.organs.len(), count);
            let last = change.organs.last().expect("one");
            assert_eq!(*last, without_parent(&merged.moved_organs[0]));
            break;
        }
    }
    drop((all, one));
    stage.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_and_a_new_index_keep_the_organs() {
    let stage = stage().await;
    stage.rename("office", "新办公室", 2020).await.expect("renamed");
    stage.merge(&["housing", "district"], "newtown", true).await.expect("merged");
    let before = stage.all().await;
    assert_eq!(before.len(), 5);
    let stage = stage.restart(false).await;
    assert_eq!(stage.all().await, before);
    let stage = stage.restart(true).await;
    assert_eq!(stage.all().await, before, "etags and times included");
    let answer = stage.shift("newtown", "office", 2025).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_TREE_CYCLE");
    let answer = stage.close("newtown", 2025).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ORGAN_HAS_CHILDREN");
    stage.server.stop().await;
}
