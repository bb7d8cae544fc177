//! `organs update`, `move`, `rename`, `close`, `merge`: what becomes of an organ, and from when.

use nianbao::pb::{
    CloseOrganRequest, FieldMask, MergeOrgansRequest, MergeOrgansResponse, MoveOrganRequest, Organ,
    Receipt, RenameOrganRequest, UpdateOrganRequest,
};
use serde::Serialize;

use super::args::{CloseArgs, MergeArgs, MoveArgs, RenameArgs, UpdateArgs, Write};
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::organs::{organs_table, show};
use super::submit::proof;
use super::{Error, Outcome};

pub(super) fn update(console: &Console, args: &UpdateArgs) -> Result<Outcome, Error> {
    let (organ, mut paths) = stated(args);
    paths.extend(args.clear_field.iter().map(|field| field.replace('-', "_")));
    if paths.is_empty() {
        return Err(Error::Argument {
            zh: "没有要更新的字段，见 nianbao organs update --help".to_owned(),
            en: "nothing to update, see nianbao organs update --help".to_owned(),
        });
    }
    let (etag, request_id, validate_only) = common(&args.write);
    let request = UpdateOrganRequest {
        organ: Some(organ),
        update_mask: Some(FieldMask { paths }),
        etag,
        validate_only,
        request_id,
    };
    let organ = block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let answer = server.organs().update_organ(request).await;
        server.answered(answer)
    })?;
    show(console, &organ)?;
    if validate_only {
        console.note(not_stored(console));
    }
    Ok(Outcome::Done)
}

/// The organ as far as flags state it, and the fields that they do.
fn stated(args: &UpdateArgs) -> (Organ, Vec<String>) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let organ = Organ {
        name: args.organ.to_string(),
        display_name: text(&args.display_name),
        level: args.level.map_or(0, |level| level as i32),
        kind: args.kind.map_or(0, |kind| kind as i32),
        sector: text(&args.sector),
        division_code: text(&args.division_code),
        credit_code: text(&args.credit_code),
        active_from_year: args.active_from_year,
        active_until_year: args.active_until_year,
        ..Organ::default()
    };
    let fields = [
        ("display_name", args.display_name.is_some()),
        ("level", args.level.is_some()),
        ("kind", args.kind.is_some()),
        ("sector", args.sector.is_some()),
        ("division_code", args.division_code.is_some()),
        ("credit_code", args.credit_code.is_some()),
        ("active_from_year", args.active_from_year.is_some()),
        ("active_until_year", args.active_until_year.is_some()),
    ];
    let paths = fields.iter().filter(|(_, is_stated)| *is_stated);
    (organ, paths.map(|(field, _)| (*field).to_owned()).collect())
}

pub(super) fn shift(console: &Console, args: &MoveArgs) -> Result<Outcome, Error> {
    let (etag, request_id, validate_only) = common(&args.write);
    let request = MoveOrganRequest {
        name: args.organ.to_string(),
        parent: args.parent.as_ref().map(ToString::to_string).unwrap_or_default(),
        from_year: args.from_year,
        until_year: args.until_year,
        etag,
        validate_only,
        request_id,
    };
    let answer = block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let answer = server.organs().move_organ(request).await;
        server.answered(answer)
    })?;
    tell(console, &answer, answer.organ.as_slice(), answer.receipt.as_ref())
}

pub(super) fn rename(console: &Console, args: &RenameArgs) -> Result<Outcome, Error> {
    let (etag, request_id, validate_only) = common(&args.write);
    let request = RenameOrganRequest {
        name: args.organ.to_string(),
        display_name: args.display_name.clone(),
        from_year: args.from_year,
        etag,
        validate_only,
        request_id,
    };
    let answer = block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let answer = server.organs().rename_organ(request).await;
        server.answered(answer)
    })?;
    tell(console, &answer, answer.organ.as_slice(), answer.receipt.as_ref())
}

pub(super) fn close(console: &Console, args: &CloseArgs) -> Result<Outcome, Error> {
    let (etag, request_id, validate_only) = common(&args.write);
    let request = CloseOrganRequest {
        name: args.organ.to_string(),
        last_year: args.last_year,
        etag,
        validate_only,
        request_id,
    };
    let answer = block_on(async {
        let server = Server::connect(&args.write.remote).await?;
        let answer = server.organs().close_organ(request).await;
        server.answered(answer)
    })?;
    tell(console, &answer, answer.organ.as_slice(), answer.receipt.as_ref())
}

pub(super) fn merge(console: &Console, args: &MergeArgs) -> Result<Outcome, Error> {
    let request = MergeOrgansRequest {
        sources: args.sources.iter().map(ToString::to_string).collect(),
        successor: args.into.to_string(),
        from_year: args.from_year,
        move_children: args.move_children,
        validate_only: args.validate_only,
        request_id: args.request_id.clone().unwrap_or_default(),
    };
    let answer: MergeOrgansResponse = block_on(async {
        let server = Server::connect(&args.remote).await?;
        let answer = server.organs().merge_organs(request).await;
        server.answered(answer)
    })?;
    let organs = [&answer.sources[..], &answer.moved_organs].concat();
    tell(console, &answer, &organs, answer.receipt.as_ref())
}

fn common(write: &Write) -> (String, String, bool) {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&write.etag), text(&write.request_id), write.validate_only)
}

/// The organs that changed, and what proves it.
fn tell<T: Serialize>(
    console: &Console,
    answer: &T,
    organs: &[Organ],
    receipt: Option<&Receipt>,
) -> Result<Outcome, Error> {
    if console.json_wanted() {
        console.json(answer)?;
        return Ok(Outcome::Done);
    }
    console.out(&organs_table(console, organs))?;
    for organ in organs {
        console.fold(&history(console, organ))?;
    }
    match receipt {
        Some(receipt) => {
            let mark = console.on_out(Style::Green, "✓");
            console.out(&format!("{mark} {}", proof(console, receipt)))?;
        }
        None => console.note(not_stored(console)),
    }
    Ok(Outcome::Done)
}

fn not_stored(console: &Console) -> &'static str {
    console.pick("仅核对，未入库", "checked only, nothing stored")
}

/// To whom an organ reports in which years, what it was called, and how it ended.
pub(super) fn history(console: &Console, organ: &Organ) -> String {
    let mut words = Vec::new();
    for affiliation in &organ.affiliations {
        let until = affiliation.until_year.map(|year| year.to_string()).unwrap_or_default();
        let (parent, from) = (&affiliation.parent, affiliation.from_year);
        words.push(console.pick(
            format!("{from}–{until} 隶属 {parent}"),
            format!("{from}–{until} below {parent}"),
        ));
    }
    for former in &organ.former_names {
        let (name, year) = (&former.display_name, former.until_year);
        words.push(console.pick(format!("{year}年前称 {name}"), format!("{name} until {year}")));
    }
    if let Some(year) = organ.active_until_year {
        words.push(console.pick(format!("{year}年后撤销"), format!("closed after {year}")));
    }
    if let Some(year) = organ.successor_from_year {
        let successor = &organ.successor;
        words.push(console.pick(
            format!("{year}年起由 {successor} 承继"),
            format!("succeeded by {successor} from {year} on"),
        ));
    }
    let colon = console.pick("：", ": ");
    format!("{}{colon}{}", organ.name, words.join(console.pick("，", ", ")))
}
