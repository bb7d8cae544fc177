//! `organs`: who reports, and to whom.

use nianbao::form::Labelled as _;
use nianbao::pb::{
    Affiliation, CreateOrganRequest, GetOrganRequest, ListOrgansRequest, ListOrgansResponse, Organ,
};

use super::args::{CreateArgs, OrgansArgs, OrgansCommand, Page, Remote};
use super::client::{Server, block_on};
use super::console::Console;
use super::{Error, Outcome, get, organ_changes, organ_import, table};

pub(super) fn run(console: &Console, args: &OrgansArgs) -> Result<Outcome, Error> {
    match &args.command {
        OrgansCommand::List { page, remote } => list(console, page, remote)?,
        OrgansCommand::Get { organ, remote } => {
            let organ = block_on(async {
                let server = Server::connect(remote).await?;
                organ_named(&server, &organ.to_string()).await
            })?;
            show(console, &organ)?;
            if !console.json_wanted() {
                console.fold(&organ_changes::history(console, &organ))?;
            }
        }
        OrgansCommand::Update(args) => return organ_changes::update(console, args),
        OrgansCommand::Move(args) => return organ_changes::shift(console, args),
        OrgansCommand::Rename(args) => return organ_changes::rename(console, args),
        OrgansCommand::Close(args) => return organ_changes::close(console, args),
        OrgansCommand::Merge(args) => return organ_changes::merge(console, args),
        OrgansCommand::Import(args) => return organ_import::run(console, args),
        OrgansCommand::Create(args) => {
            let organ = block_on(async {
                let server = Server::connect(&args.remote).await?;
                create(&server, request(args)).await
            })?;
            show(console, &organ)?;
        }
    }
    Ok(Outcome::Done)
}

fn request(args: &CreateArgs) -> CreateOrganRequest {
    let affiliation = args.parent.as_ref().map(|parent| Affiliation {
        parent: parent.to_string(),
        from_year: args.from_year.unwrap_or_default(),
        until_year: None,
    });
    CreateOrganRequest {
        organ_id: args.id.as_str().to_owned(),
        organ: Some(Organ {
            display_name: args.display_name.clone(),
            affiliations: affiliation.into_iter().collect(),
            level: args.level.map_or(0, |level| level as i32),
            kind: args.kind.map_or(0, |kind| kind as i32),
            ..Organ::default()
        }),
        ..CreateOrganRequest::default()
    }
}

/// Registers an organ.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn create(server: &Server, request: CreateOrganRequest) -> Result<Organ, Error> {
    let answer = server.organs().create_organ(request).await;
    server.answered(answer)
}

/// The organ of that name.
///
/// # Errors
/// `Refused`, `Unreachable`.
pub(super) async fn organ_named(server: &Server, name: &str) -> Result<Organ, Error> {
    let request = GetOrganRequest { name: name.to_owned(), ..GetOrganRequest::default() };
    let answer = server.organs().get_organ(request).await;
    server.answered(answer)
}

fn list(console: &Console, page: &Page, remote: &Remote) -> Result<(), Error> {
    let (organs, more) = block_on(async {
        let server = Server::connect(remote).await?;
        organs(&server, page).await
    })?;
    if console.json_wanted() {
        console.json(&ListOrgansResponse { organs, next_page_token: String::new() })?;
    } else {
        console.out(&organs_table(console, &organs))?;
    }
    get::tell_more(console, more, page.limit);
    Ok(())
}

async fn organs(server: &Server, page: &Page) -> Result<(Vec<Organ>, bool), Error> {
    let mut organs = Vec::new();
    let mut page_token = String::new();
    loop {
        let left = page.limit - organs.len();
        let request = ListOrgansRequest {
            page_size: i32::try_from(left.min(nianbao::limits::PAGE_SIZE_MAX)).unwrap_or(0),
            page_token,
            filter: page.filter.clone(),
            ..ListOrgansRequest::default()
        };
        let answer = server.organs().list_organs(request).await;
        let answer = server.answered(answer)?;
        organs.extend(answer.organs);
        page_token = answer.next_page_token;
        if page_token.is_empty() || organs.len() >= page.limit {
            return Ok((organs, !page_token.is_empty()));
        }
    }
}

pub(super) fn show(console: &Console, organ: &Organ) -> Result<(), Error> {
    if console.json_wanted() {
        console.json(organ)
    } else {
        console.out(&organs_table(console, std::slice::from_ref(organ)))
    }
}

/// One line an organ.
pub(super) fn organs_table(console: &Console, organs: &[Organ]) -> String {
    let head = console.pick(
        ["机关", "名称", "上级机关", "层级", "类型"],
        ["organ", "name", "parent", "level", "kind"],
    );
    let mut out = table::plain(console, &head);
    for organ in organs {
        let (level, kind) = (organ.level(), organ.kind());
        out.add_row(vec![
            organ.name.as_str(),
            &organ.display_name,
            &organ.parent,
            console.pick(level.zh(), level.en()),
            console.pick(kind.zh(), kind.en()),
        ]);
    }
    table::text(&out)
}
