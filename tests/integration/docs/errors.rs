//! The reasons of errors: code and meaning from the schema, and what a caller does about each.

use std::fmt::Write;

use nianbao::form::Labelled;
use nianbao::pb::ErrorReason;
use prost_reflect::EnumDescriptor;
use serde_json::Value;

use super::text::Comment;
use super::{Language, PRINTED};
use crate::contract::pool;

/// Whether the same call can be made again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    /// As it is, with the same request id, after a pause.
    AsItIs,
    /// Once the resource was read again.
    AfterReading,
    /// Not before something else has changed: the request, what is stored, or the server.
    No,
}

impl Again {
    fn word(self, language: Language) -> &'static str {
        match self {
            Again::AsItIs => language.of("yes", "是"),
            Again::AfterReading => language.of("after reading", "先读取"),
            Again::No => language.of("no", "否"),
        }
    }
}

/// All reasons as a page.
pub fn page(language: Language) -> String {
    let mut out = head(language);
    for (reason, code, meaning) in reasons() {
        let (again, en, zh) = advice(reason);
        let name = word(reason);
        let meaning = match language {
            Language::English => meaning,
            Language::Chinese => reason.zh().to_owned(),
        };
        writeln!(
            out,
            "| <a id=\"{name}\"></a>`{name}` | {} | {code} | {meaning} | {} | {} |",
            reason as i32,
            again.word(language),
            language.of(en, zh),
        )
        .unwrap();
    }
    out.push_str(tail(language));
    out
}

fn head(language: Language) -> String {
    match language {
        Language::English => format!(
            "# Errors\n\n{PRINTED}\n\n[中文](errors.zh-CN.md)\n\nEach failed call carries a \
             `google.rpc.ErrorInfo` of domain `nianbao.v1`. Decide by its `reason`, never by a \
             text. “Again”: whether the same call,\nwith the same request id, may be made \
             again as it is. Pause before, longer each time.\n\n\
             | reason | no. | code | meaning | again | what to do |\n\
             | --- | ---: | --- | --- | --- | --- |\n"
        ),
        Language::Chinese => format!(
            "# 错误原因\n\n{PRINTED}\n\n[English](errors.md)\n\n失败的调用都附有域为 \
             `nianbao.v1` 的 `google.rpc.ErrorInfo`。程序按 `reason` 判断，不要按文字判断。\
             “可重试”指同一调用（请求标识不变）能否原样再发；\n\
             重试前应等待，且逐次延长。\n\n\
             | 原因 | 编号 | 状态码 | 含义 | 可重试 | 怎么办 |\n\
             | --- | ---: | --- | --- | --- | --- |\n"
        ),
    }
}

fn tail(language: Language) -> &'static str {
    match language {
        Language::English => {
            "\n## <a id=\"any-call\"></a>Any call\n\n\
             `INVALID_REQUEST` and `STORE_FAILED` may end any call, `PRINCIPAL_REFUSED` any that \
             writes.\n\
             Codes without an `ErrorInfo` are those of gRPC itself: UNAVAILABLE while nothing \
             answers (again: yes), DEADLINE_EXCEEDED and CANCELLED (a write\nmay have been \
             taken: again with the same request id), UNIMPLEMENTED (a method that the server is \
             too old for), OUT_OF_RANGE (a message above\n`message_bytes_max`).\n"
        }
        Language::Chinese => {
            "\n## <a id=\"any-call\"></a>任何调用\n\n\
             任何调用都可能得到 `INVALID_REQUEST`、`STORE_FAILED`；写入还可能得到 \
             `PRINCIPAL_REFUSED`。\n\
             没有 `ErrorInfo` 的状态码来自 gRPC 本身：UNAVAILABLE 表示连接不上（可重试）；\
             DEADLINE_EXCEEDED、CANCELLED 表示结果不明（写入可能已经完成，\
             \n用同一请求标识重试）；UNIMPLEMENTED 表示服务版本过旧，没有该方法；OUT_OF_RANGE \
             表示消息超过 `message_bytes_max`。\n"
        }
    }
}

fn word(reason: ErrorReason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

fn descriptor() -> EnumDescriptor {
    pool().get_enum_by_name("nianbao.v1.ErrorReason").unwrap()
}

/// Each reason with its code, by which its comment ends, and its meaning, which is the rest.
fn reasons() -> Vec<(ErrorReason, String, String)> {
    let item = descriptor();
    item.values()
        .filter(|value| value.number() != 0)
        .map(|value| {
            let reason = ErrorReason::try_from(value.number()).unwrap();
            let text = Comment::at(&item.parent_file(), value.path(), reason.zh()).line();
            let (meaning, code) = text.trim_end_matches('.').rsplit_once(". ").unwrap();
            (reason, code.to_owned(), format!("{meaning}."))
        })
        .collect()
}

/// The code of each reason, as the schema says it.
pub fn codes() -> Vec<(String, String)> {
    reasons().into_iter().map(|(reason, code, _)| (word(reason).to_owned(), code)).collect()
}

/// Whether to call again, and what to do, in English and Chinese. A new reason does not build
/// without.
fn advice(reason: ErrorReason) -> (Again, &'static str, &'static str) {
    use Again::{AfterReading, AsItIs, No};
    match reason {
        ErrorReason::Unspecified => (No, "", ""),
        ErrorReason::InvalidRequest => {
            (No, "Mend the fields that BadRequest names.", "按 BadRequest 所列字段改正请求。")
        }
        ErrorReason::ReportHasErrors => (
            No,
            "Show the violations to whoever wrote the report. `ValidateReport` has all of them.",
            "把所列问题交填报人改正；全部问题用 `ValidateReport` 查看。",
        ),
        ErrorReason::WarningUnexplained => (
            No,
            "Have each warning mended or explained, by its fingerprint, and submit again.",
            "逐条改正，或按指纹附情况说明，再提交。",
        ),
        ErrorReason::OrganNotFound => (
            No,
            "Register the organ, or mend its name. Where it was just registered, read with \
             `at_least`.",
            "先登记机关，或改正名称；刚登记的，读取时带上 `at_least`。",
        ),
        ErrorReason::ReportNotFound => (
            No,
            "Mend the name: `organs/{organ}/reports/{year}-{scope}`. It was never stored, or not \
             yet then.",
            "改正名称 `organs/{organ}/reports/{year}-{scope}`；该报告从未存储，或当时尚未存储。",
        ),
        ErrorReason::OrganAlreadyExists => (
            No,
            "Get the organ: it may be the one you mean. Otherwise choose another id.",
            "读取该机关，可能就是所要登记的；否则另选编号。",
        ),
        ErrorReason::ParentNotFound => (
            No,
            "Register the parent first. `ImportOrgans` puts a whole list in order by itself.",
            "先登记上级机关；`ImportOrgans` 会自行排好整份名单的先后。",
        ),
        ErrorReason::OrganInactive => (
            No,
            "Mend the year, or the years of the organ. A merged organ names its successor.",
            "改正年度，或更正机关的存续年份；已合并的机关注有承继机关。",
        ),
        ErrorReason::ReportState => (
            No,
            "Read the report: its state says what may be done, see life.md.",
            "读取报告，按其状态办理，见 life.md。",
        ),
        ErrorReason::PageTokenInvalid => (
            No,
            "Begin at the first page. A token goes with the same request, page size apart.",
            "从第一页重新开始；分页标记只用于同一请求。",
        ),
        ErrorReason::FilterInvalid => (
            No,
            "Mend the filter: terms `field = value` joined by AND, each field once.",
            "改正筛选条件：`字段 = 值`，以 AND 连接，每个字段一次。",
        ),
        ErrorReason::DocumentUnreadable => (
            No,
            "Send a .docx, .html or .txt that opens in its own program. PDF is not read.",
            "换用能正常打开的 .docx、.html 或 .txt；不读取 PDF。",
        ),
        ErrorReason::DocumentTooLarge => {
            (No, "Take pictures and attachments out of the document.", "删去文档中的图片和附件。")
        }
        ErrorReason::WritesOff => (
            AsItIs,
            "Keep the request and call again with the same id. Tell the operator; reads go on.",
            "留存请求，用同一请求标识重试；通知运行人员。读取不受影响。",
        ),
        ErrorReason::StoreFailed => (
            No,
            "Tell the operator, with the time of the call: the log has the cause.",
            "把调用时间告知运行人员，原因在日志中。",
        ),
        ErrorReason::PrincipalRefused => (
            No,
            "Call over loopback, or without the metadata `nianbao-principal`; mend the name.",
            "经本机回环地址调用，或不带 `nianbao-principal`；或改正名称。",
        ),
        ErrorReason::RevisionNotFound => (
            No,
            "`ListRevisions` lists the numbers. None is effective before an acceptance.",
            "用 `ListRevisions` 查看版本号；接收以前没有生效版本。",
        ),
        ErrorReason::EtagMismatch => (
            AfterReading,
            "Read, look at what others changed (`DiffReports`), decide again, send the new etag \
             under a new id.",
            "读取最新状态，看他人改了什么（`DiffReports`），重新决定，\
             用新版本标识和新请求标识再发。",
        ),
        ErrorReason::ConcurrentChange => (
            AsItIs,
            "Call again after a pause. gRPC retries by the service config do not cover it.",
            "稍候重试；服务配置中的 gRPC 自动重试不包括它。",
        ),
        ErrorReason::RequestIdReused => (
            No,
            "An id goes with one request. Make a new one for a request that differs.",
            "一个标识只对应一个请求；请求有改动就换新标识。",
        ),
        ErrorReason::UnknownField => (
            No,
            "Have the server brought up to the schema of the client, or leave the field out: it \
             would be lost.",
            "请服务方升级到客户端所用的格式，或者不发该字段：发了也会丢失。",
        ),
        ErrorReason::RequestUnreadable => (
            No,
            "Encode the request with code generated from the schema.",
            "用由本格式生成的代码编码请求。",
        ),
        ErrorReason::PositionInvalid => (
            No,
            "Pass positions on as they came, from receipts, answers and watches of this server.",
            "位置应原样传回，取自本服务的回执、应答或跟踪。",
        ),
        ErrorReason::PositionNotReached => (
            AsItIs,
            "Call again. If it never comes, the position is of another server or of a lost store.",
            "稍候重试；始终不到的，是别的服务或已丢失的存储的位置。",
        ),
        ErrorReason::PrincipalRequired => {
            (No, "Send the metadata `nianbao-principal`.", "附上元数据 `nianbao-principal`。")
        }
        ErrorReason::SubmitterAccepts => (No, "Somebody else accepts.", "由他人接收。"),
        ErrorReason::SubmitterUnknown => (
            No,
            "`ReturnReport`, then submit it anew with a principal.",
            "先 `ReturnReport`，再注明身份重新提交。",
        ),
        ErrorReason::JournalDamaged => (
            No,
            "Tell the operator at once, see operating.md. Keep your receipts.",
            "立即通知运行人员，见 operating.md；保管好回执。",
        ),
        ErrorReason::OrganTreeCycle => (
            No,
            "Look at the parents of the year in the metadata; end the affiliation that closes \
             the ring.",
            "查看元数据所指年度的隶属关系，先终止成环的那一段。",
        ),
        ErrorReason::OrganHasChildren => (
            No,
            "Move the organs that are named first, or merge with `move_children`.",
            "先调整所列下级机关的隶属，或合并时用 `move_children`。",
        ),
        ErrorReason::OrganHistoryConflict => (
            No,
            "Read what is said and name the years (`until_year`), or mend the history with \
             `UpdateOrgan`.",
            "按说明注明截止年（`until_year`），或用 `UpdateOrgan` 更正沿革。",
        ),
        ErrorReason::OrganClosed => (
            No,
            "Name an organ that is active in those years, or extend its last year with \
             `UpdateOrgan`.",
            "改用当年存续的机关，或用 `UpdateOrgan` 延长存续年份。",
        ),
        ErrorReason::UpdateMaskInvalid => (
            No,
            "Name fields of `Organ` that are not output only.",
            "只列 `Organ` 中可以设置的字段。",
        ),
        ErrorReason::ImportUnreadable => (
            No,
            "Save the list as .csv or .xlsx with the headings that are named.",
            "另存为带所需列名的 .csv 或 .xlsx。",
        ),
        ErrorReason::ImportTooLarge => {
            (No, "Divide the list. Parents go first.", "分成几份，上级机关在前。")
        }
        ErrorReason::OrganChangeTooLarge => {
            (No, "Move or merge fewer organs at a time.", "分批调整或合并。")
        }
        ErrorReason::CellUnknown => (
            No,
            "Use a field path or a whole Chinese address, as `GetFormat` has them.",
            "使用字段路径或完整的中文单元格地址，见 `GetFormat`。",
        ),
        ErrorReason::ReportTooLarge => (
            No,
            "Shorten the prose; tables never come near the limit.",
            "缩短文字部分；表格到不了这个限额。",
        ),
        ErrorReason::AnswerTooLarge => {
            (No, "Ask for fewer names at a time.", "减少一次索取的名称。")
        }
        ErrorReason::ExportTooLarge => (
            No,
            "Ask for a smaller part of the tree, or for CSV or Parquet, which have no sheets.",
            "缩小范围，或改用没有工作表之分的 CSV、Parquet。",
        ),
    }
}

// --- what the advice must agree with --------------------------------------------------------

#[test]
fn advises_to_repeat_what_the_service_config_repeats() {
    let config: Value =
        serde_json::from_str(include_str!("../../../clients/service_config.json")).unwrap();
    let codes = &config["methodConfig"][0]["retryPolicy"]["retryableStatusCodes"];
    let codes: Vec<&str> = codes.as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    for (reason, code, _) in reasons() {
        let (again, en, zh) = advice(reason);
        assert!(!en.is_empty() && !zh.is_empty(), "{reason:?}");
        if codes.contains(&code.as_str()) {
            assert!(again == Again::AsItIs, "{reason:?} is retried, and the page says otherwise");
        }
        // What is repeated must have written nothing, or answer as the first time.
        if again == Again::AsItIs {
            assert!(["UNAVAILABLE", "ABORTED"].contains(&code.as_str()), "{reason:?}: {code}");
        }
    }
}
