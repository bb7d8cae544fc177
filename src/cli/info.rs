//! `info`: what a server says of itself and of its journal.

use nianbao::pb::GetServerInfoResponse;

use super::args::InfoArgs;
use super::client::{Server, block_on};
use super::console::{Console, Style};
use super::submit::proof;
use super::{Error, Outcome, moment};

pub(super) fn run(console: &Console, args: &InfoArgs) -> Result<Outcome, Error> {
    let info = block_on(async {
        let server = Server::connect(&args.remote).await?;
        server.info().await
    })?;
    if console.json_wanted() {
        console.json(&info)?;
    } else {
        console.out(&lines(console, &info).join("\n"))?;
    }
    Ok(Outcome::Done)
}

fn lines(console: &Console, info: &GetServerInfoResponse) -> Vec<String> {
    let colon = console.pick("：", ": ");
    let mut lines = Vec::new();
    let mut add = |zh: &str, en: &str, value: &str| {
        lines.push(format!("{}{colon}{value}", console.pick(zh, en)));
    };
    add("版本", "version", &info.version);
    add("契约摘要", "schema digest", &info.schema_digest);
    let writes = match info.writable {
        true => console.on_out(Style::Green, console.pick("可写", "taken")),
        false => console.on_out(Style::Red, &info.writes_off_reason),
    };
    add("写入", "writes", &writes);
    match &info.head {
        Some(head) => {
            add("末条时间", "last write", &moment::shown(head.time.as_ref()));
            add("末条", "its", &proof(console, head));
        }
        None => add("末条", "last write", console.pick("尚无", "none yet")),
    }
    let journal = info.journal.clone().unwrap_or_default();
    let size = console.pick(
        format!("{} 字节，{} 段", journal.bytes, journal.segments),
        format!("{} bytes in {} segments", journal.bytes, journal.segments),
    );
    add("日志", "journal", &size);
    let started = console.pick(
        format!("重放 {} 条", journal.replayed_entries),
        format!("{} entries replayed", journal.replayed_entries),
    );
    let rebuilt = match journal.index_rebuilt {
        true => console.pick("，索引已重建", ", index rebuilt"),
        false => "",
    };
    add("启动时", "at its start", &format!("{started}{rebuilt}"));
    for (zh, en, text) in [("残帧", "torn", &journal.torn), ("损坏", "damage", &journal.damage)]
    {
        if !text.is_empty() {
            add(zh, en, &console.on_out(Style::Red, text));
        }
    }
    lines
}
