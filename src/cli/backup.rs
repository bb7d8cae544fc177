//! `export`, `restore`, `verify`: the journal as a backup, and whether it is what was written.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use nianbao::archive::INDEX;
use nianbao::pb::{self, ExportJournalRequest, VerifyJournalRequest, VerifyJournalResponse};
use nianbao::store::{self, IndexState, Position, Restore, Verification};
use serde::Serialize;

use super::args::{ExportArgs, Remote, RestoreArgs, VerifyArgs};
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::{Error, Outcome, moment, progress};

/// Read of an export at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// What `export` and `restore` answer to programs.
#[derive(Serialize)]
struct Written {
    path: String,
    head: pb::Receipt,
}

/// Writes what a server exports into a file, which appears when it is whole and was read back: a
/// backup that cannot be read is none.
pub(super) fn export(console: &Console, args: &ExportArgs) -> Result<Outcome, Error> {
    let output = &args.output;
    // An older export may be the only one.
    if output.exists() {
        return Err(Error::Argument {
            zh: format!("{} 已存在，不予覆盖", output.display()),
            en: format!("{} is there already and is kept", output.display()),
        });
    }
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = output.with_file_name(name);
    let whole = match block_on(fetch(console, args, &part)) {
        Ok(true) => checked(console, args, &part).map(Some),
        Ok(false) => Ok(None),
        Err(error) => Err(error),
    };
    let head = match whole {
        Ok(Some(head)) => head,
        nothing => {
            // Half an export is none. If it cannot be removed the next one overwrites it.
            let _ = fs::remove_file(&part);
            nothing?;
            console.note(console.pick("没有可导出的写入", "there is nothing to export"));
            return Ok(Outcome::Done);
        }
    };
    fs::rename(&part, output).map_err(|cause| write_error(output, cause))?;
    let title = console.pick(
        format!("已导出到 {}，并已核验", output.display()),
        format!("exported into {} and verified", output.display()),
    );
    tell_head(console, output, &title, &head)?;
    Ok(Outcome::Done)
}

/// Fetches into a file; false where there was nothing.
async fn fetch(console: &Console, args: &ExportArgs, part: &Path) -> Result<bool, Error> {
    let cannot = |cause| write_error(&args.output, cause);
    let server = Server::connect(&args.remote).await?;
    let after = args.after.clone().unwrap_or_default();
    // A whole export is about as long as the journal.
    let journal = server.info().await?.journal.map_or(0, |journal| journal.bytes);
    let total = u64::try_from(journal).ok().filter(|_| after.is_empty());
    let answer = server.admin().export_journal(ExportJournalRequest { after }).await;
    let mut pieces = server.answered(answer)?;
    let mut file = File::create(part).map_err(cannot)?;
    let bar = progress::bytes(console, total);
    let (mut reached, mut last) = (String::new(), String::new());
    while let Some(piece) = server.next(&mut pieces).await? {
        file.write_all(&piece.frames).map_err(cannot)?;
        bar.inc(piece.frames.len() as u64);
        (reached, last) = (piece.position, piece.last_position);
    }
    bar.finish_and_clear();
    // A server that stops ends its streams, and the end looks like any other.
    if reached != last {
        return Err(server.ended());
    }
    file.sync_all().map_err(cannot)?;
    Ok(!reached.is_empty())
}

/// The last entry of an export that is as it was written.
fn checked(console: &Console, args: &ExportArgs, part: &Path) -> Result<store::Receipt, Error> {
    let found = verified(console, part)?;
    let torn = found.torn.as_ref().map(ToString::to_string);
    match found.damage.as_ref().map(ToString::to_string).or(torn) {
        Some(wrong) => Err(write_error(&args.output, io::Error::other(wrong))),
        None => Ok(found.head),
    }
}

fn verified(console: &Console, path: &Path) -> Result<Verification, Error> {
    let bar = progress::bytes(console, Some(0));
    let found = store::verify(path, INDEX, &|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    found.map_err(|error| match error {
        store::Error::Io(cause) => Error::Read { file: path.display().to_string(), cause },
        other => of_store(other),
    })
}

/// Makes a data folder from exports.
pub(super) fn restore(console: &Console, args: &RestoreArgs) -> Result<Outcome, Error> {
    let mut restore = Restore::create(&args.data).map_err(|e| match e {
        store::Error::Io(e) if e.kind() == io::ErrorKind::AlreadyExists => Error::Argument {
            zh: format!("{} 中已有日志，不予覆盖", args.data.display()),
            en: format!("{} holds a journal already, which is kept", args.data.display()),
        },
        other => of_store(other),
    })?;
    let total: u64 = args.files.iter().filter_map(|f| fs::metadata(f).ok()).map(|m| m.len()).sum();
    let bar = progress::bytes(console, Some(total));
    let mut chunk = vec![0; CHUNK_BYTES];
    for path in &args.files {
        let cannot = |cause| Error::Read { file: path.display().to_string(), cause };
        let mut file = File::open(path).map_err(cannot)?;
        loop {
            let read = file.read(&mut chunk).map_err(cannot)?;
            if read == 0 {
                break;
            }
            restore.frames(&chunk[..read]).map_err(|e| of_export(path, e))?;
            bar.inc(read as u64);
        }
    }
    bar.finish_and_clear();
    let last = args.files.last().map_or(Path::new(""), PathBuf::as_path);
    let head = restore.finish().map_err(|e| of_export(last, e))?;
    let title = console.pick(
        format!("已恢复到 {}", args.data.display()),
        format!("restored into {}", args.data.display()),
    );
    tell_head(console, &args.data, &title, &head)?;
    Ok(Outcome::Done)
}

/// Verifies a folder, an export, or the journal of a running server.
pub(super) fn verify(console: &Console, args: &VerifyArgs) -> Result<Outcome, Error> {
    let expect = args.expect.map(|hash| hash.to_string()).unwrap_or_default();
    let answer = match (&args.path, &args.server) {
        (Some(path), _) => {
            let found = verified(console, path)?;
            if let IndexState::Unreadable(why) = &found.index {
                console.note(&console.pick(
                    format!("索引未核对：{why}"),
                    format!("the index was not compared: {why}"),
                ));
            }
            answer(console, &found, path, args)
        }
        (None, server) => block_on(async {
            let server = server.clone().unwrap_or_default();
            let server = Server::connect(&Remote { server, principal: None }).await?;
            let request = VerifyJournalRequest { expect: expect.clone() };
            let answer = server.admin().verify_journal(request).await;
            server.answered(answer)
        })?,
    };
    if console.json_wanted() {
        console.json(&answer)?;
    } else {
        tell(console, &answer, &expect)?;
    }
    Ok(if answer.sound { Outcome::Done } else { Outcome::Refused })
}

/// What was found offline, in the form in which a server answers. An export has no index, and the
/// index of a running server is compared by that server alone: neither is a fault. Nor is what an
/// interrupted write left in a folder; an export that ends within a frame is half of one.
fn answer(
    console: &Console,
    found: &Verification,
    path: &Path,
    args: &VerifyArgs,
) -> VerifyJournalResponse {
    let index_difference = found.index.difference().unwrap_or_default();
    let mut damage = found.damage.as_ref().map(ToString::to_string).unwrap_or_default();
    match &found.torn {
        Some(torn) if path.is_file() && damage.is_empty() => damage = torn.to_string(),
        Some(torn) => console.note(&console.pick(
            format!("末尾有未写完的一帧，从未确认：{torn}"),
            format!("the end holds what was never acknowledged: {torn}"),
        )),
        None => {}
    }
    let expected_found = args.expect.is_some_and(|hash| found.contains(&hash));
    let as_expected = args.expect.is_none() || expected_found;
    VerifyJournalResponse {
        sound: damage.is_empty() && index_difference.is_empty() && as_expected,
        entries: i64::try_from(found.entries).unwrap_or(i64::MAX),
        head: (found.head.position > Position::START).then(|| found.head.into()),
        damage,
        index_difference,
        expected_found,
    }
}

fn tell(console: &Console, answer: &VerifyJournalResponse, expect: &str) -> Result<(), Error> {
    let mark = match answer.sound {
        true => console.on_out(Style::Green, console.pick("✓ 完好", "✓ sound")),
        false => console.on_out(Style::Red, console.pick("✗ 有问题", "✗ not sound")),
    };
    console.out(&console.pick(
        format!("{mark}，已核验 {} 条", answer.entries),
        format!("{mark}, {} entries verified", answer.entries),
    ))?;
    if !answer.damage.is_empty() {
        console
            .out(&console.pick(format!("日志损坏：{}", answer.damage), answer.damage.clone()))?;
    }
    if !answer.index_difference.is_empty() {
        console.out(&console.pick(
            format!("索引与日志不符，下次启动时重建：{}", answer.index_difference),
            format!("the index is not what the journal gives: {}", answer.index_difference),
        ))?;
    }
    if let Some(head) = &answer.head {
        let (position, hash) = (&head.position, &head.entry_hash);
        let time = moment::shown(head.time.as_ref());
        console.out(&console.pick(
            format!("末条：位置 {position}，{time}\n哈希：{hash}"),
            format!("last entry: position {position}, {time}\nhash: {hash}"),
        ))?;
    }
    if expect.is_empty() {
        console.note(console.pick(
            "未用 --expect：链不能证明末尾未被切掉，也不能证明日志未被整个重写",
            "without --expect a chain proves neither its end nor that it was not written anew",
        ));
    } else if !answer.expected_found {
        console.out(&console.pick(
            format!("日志中没有哈希为 {expect} 的条目：末尾被切掉，或已重写"),
            format!("no entry has the hash {expect}: the end was cut off, or all written anew"),
        ))?;
    }
    Ok(())
}

fn tell_head(
    console: &Console,
    path: &Path,
    title: &str,
    head: &store::Receipt,
) -> Result<(), Error> {
    if console.json_wanted() {
        let path = path.display().to_string();
        return console.json(&Written { path, head: (*head).into() });
    }
    let (position, hash) = (head.position, head.hash);
    console.out(title)?;
    console.out(&console.pick(
        format!("末条：位置 {position}\n哈希：{hash}（请保存在别处）"),
        format!("last entry: position {position}\nhash: {hash} (keep it elsewhere)"),
    ))
}

fn write_error(path: &Path, cause: io::Error) -> Error {
    Error::Write { file: path.display().to_string(), cause }
}

fn of_store(error: store::Error) -> Error {
    Error::Serve(nianbao::server::Error::Store(error))
}

/// What is wrong with an export, with its name.
fn of_export(path: &Path, error: store::Error) -> Error {
    match error {
        store::Error::Damaged(cause) => Error::Argument {
            zh: format!("{}：不是完整的备份，未恢复：{cause}", path.display()),
            en: format!("{}: no whole export, nothing is restored: {cause}", path.display()),
        },
        other => of_store(other),
    }
}
