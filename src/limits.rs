//! Every limit of the program, in one list: the code reads the constants, `GetServerInfo` serves
//! them.

use crate::document;
use crate::pb::Limit;
use crate::sheet;

/// A decoded message. tonic's own default, written out: the largest legal report is a fifth of it.
pub const MESSAGE_BYTES_MAX: usize = 4 << 20;
/// A document, as its reader has it.
pub const DOCUMENT_BYTES_MAX: usize = document::BYTES_MAX;
/// An encoded `google.rpc.Status`. Clients cap trailers at 8 KiB: base64 takes a third more, the
/// message, percent-encoded, and the names of the trailers take the rest.
pub const STATUS_BYTES_MAX: usize = 5 << 10;
/// The message of a status, in English or Chinese: it travels beside the details.
pub const STATUS_MESSAGE_BYTES_MAX: usize = 300;
/// The page where the caller does not say.
pub const PAGE_SIZE_DEFAULT: usize = 50;
/// The largest page: a page of full reports stays below what clients take.
pub const PAGE_SIZE_MAX: usize = 1000;
/// Bytes of one page, since clients take answers of 4 MiB by default.
pub const PAGE_BYTES_MAX: usize = 3 << 20;
/// Keys read for one page: a filter that keeps little must not hold a call for ever.
pub const PAGE_KEYS_MAX: usize = 20_000;
/// Members named in one list of a coverage.
pub const COVERAGE_LIST_MAX: usize = 10_000;
/// Groups into which a sum is divided.
pub const GROUPS_MAX: usize = 1000;
/// Parts of a report of a region among which pairs that explain a difference are sought.
pub const PAIR_PARTS_MAX: usize = 40_000;
/// Calls under way on one connection.
pub const CALLS_PER_CONNECTION_MAX: usize = 256;
/// The name of a principal.
pub const PRINCIPAL_BYTES_MAX: usize = 128;
/// How long a request id is remembered: a week covers a client that was down over a holiday.
pub const REQUEST_ID_SECONDS: i64 = 7 * 24 * 60 * 60;
/// How long a read waits for a position that it must include.
pub const AT_LEAST_SECONDS_MAX: u64 = 2;
/// Items of a stream of submissions under way at once: enough to fill a commit group.
pub const STREAM_ITEMS_UNDER_WAY: usize = 64;
/// Seconds without a change after which a watcher hears a heartbeat, where it does not say.
pub const HEARTBEAT_SECONDS_DEFAULT: u64 = 15;
/// A report that is stored: several times the longest published one. Clients take answers of 4 MiB
/// by default, and a piece of an export, a diff and a page of one must stay below.
pub const REPORT_BYTES_MAX: usize = 1 << 20;
/// Bytes of one message of an export; the last entry in it may pass that.
pub const EXPORT_BYTES_MAX: usize = 1 << 20;
/// Bytes of a file of tables, or of a rendered document, in one message.
pub const EXPORT_CHUNK_BYTES_MAX: usize = 128 << 10;
/// Sheets of a workbook, its list apart: it is made in memory, and nobody turns over more.
pub const EXPORT_SHEETS_MAX: usize = 250;
/// Bytes of organs that change in one write: an entry is one message to who watches, and clients
/// take 4 MiB by default.
pub const ORGANS_BYTES_MAX: usize = 2 << 20;
/// A file of organs to import.
pub const IMPORT_BYTES_MAX: usize = sheet::BYTES_MAX;
/// Rows of such a file.
pub const IMPORT_ROWS_MAX: usize = sheet::ROWS_MAX;
/// Conflicts that an import lists.
pub const IMPORT_CONFLICTS_MAX: usize = 1000;
/// How long a stop waits for calls under way.
pub const SHUTDOWN_SECONDS_MAX: u64 = 10;

/// The list that the server serves.
pub fn all() -> Vec<Limit> {
    let mut all = vec![
        row("message_bytes_max", MESSAGE_BYTES_MAX, "bytes", "单个消息", "one message"),
        row("document_bytes_max", DOCUMENT_BYTES_MAX, "bytes", "单个文档", "one document"),
        row("status_bytes_max", STATUS_BYTES_MAX, "bytes", "错误详情", "the details of an error"),
        row("page_size_default", PAGE_SIZE_DEFAULT, "items", "每页默认条数", "a page by default"),
        row("page_size_max", PAGE_SIZE_MAX, "items", "每页最多条数", "the largest page"),
        row("page_bytes_max", PAGE_BYTES_MAX, "bytes", "每页最多字节数", "the bytes of a page"),
        row("page_keys_max", PAGE_KEYS_MAX, "items", "每页最多读取条数", "what a page reads"),
        row(
            "status_message_bytes_max",
            STATUS_MESSAGE_BYTES_MAX,
            "bytes",
            "错误说明",
            "the message of an error",
        ),
        row("coverage_list_max", COVERAGE_LIST_MAX, "items", "覆盖清单", "a list of a coverage"),
        row("groups_max", GROUPS_MAX, "items", "汇总分组", "the groups of a sum"),
        row(
            "pair_parts_max",
            PAIR_PARTS_MAX,
            "items",
            "核对汇总时寻找成对分报",
            "parts among which pairs are sought in a reconciliation",
        ),
        row(
            "calls_per_connection_max",
            CALLS_PER_CONNECTION_MAX,
            "calls",
            "单个连接的并发调用",
            "calls under way on a connection",
        ),
        row(
            "principal_bytes_max",
            PRINCIPAL_BYTES_MAX,
            "bytes",
            "身份名称",
            "the name of a principal",
        ),
        row(
            "entry_bytes_max",
            crate::store::ENTRY_BYTES_MAX,
            "bytes",
            "单次写入",
            "one write to the store",
        ),
        row(
            "shutdown_seconds_max",
            usize::try_from(SHUTDOWN_SECONDS_MAX).unwrap_or(usize::MAX),
            "seconds",
            "停机等待",
            "the wait for calls at a stop",
        ),
    ];
    all.extend(of_writes());
    all.extend(of_documents());
    all.extend(of_organs());
    all.extend(of_exports());
    all
}

fn of_exports() -> Vec<Limit> {
    vec![
        row(
            "export_chunk_bytes_max",
            EXPORT_CHUNK_BYTES_MAX,
            "bytes",
            "导出表格、生成文档的单个消息",
            "a piece of a file of tables or of a rendered document",
        ),
        row(
            "export_sheets_max",
            EXPORT_SHEETS_MAX,
            "sheets",
            "导出的工作簿的工作表",
            "a workbook of an export",
        ),
    ]
}

fn of_writes() -> Vec<Limit> {
    let whole = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    vec![
        row(
            "request_id_seconds",
            usize::try_from(REQUEST_ID_SECONDS).unwrap_or(usize::MAX),
            "seconds",
            "请求标识的有效期",
            "how long a request id is remembered",
        ),
        row(
            "at_least_seconds_max",
            whole(AT_LEAST_SECONDS_MAX),
            "seconds",
            "读取等待写入到达",
            "how long a read waits for a position",
        ),
        row(
            "stream_items_under_way",
            STREAM_ITEMS_UNDER_WAY,
            "items",
            "批量提交的在途条数",
            "items of a stream under way",
        ),
        row(
            "heartbeat_seconds_default",
            whole(HEARTBEAT_SECONDS_DEFAULT),
            "seconds",
            "默认心跳间隔",
            "between heartbeats by default",
        ),
        row("report_bytes_max", REPORT_BYTES_MAX, "bytes", "单份报告", "a report that is stored"),
        row(
            "export_bytes_max",
            EXPORT_BYTES_MAX,
            "bytes",
            "导出日志的单个消息",
            "a piece of an export",
        ),
    ]
}

fn of_documents() -> Vec<Limit> {
    vec![
        row(
            "document_part_bytes_max",
            document::PART_BYTES_MAX,
            "bytes",
            "文档解压后的正文",
            "the unpacked text of a document",
        ),
        row("document_cells_max", document::CELLS_MAX, "cells", "文档的单元格", "a document"),
        row("document_rows_max", document::ROWS_MAX, "rows", "文档的表格行", "a document"),
        row("document_columns_max", document::COLUMNS_MAX, "columns", "表格的列", "a table"),
        row(
            "document_paragraphs_max",
            document::PARAGRAPHS_MAX,
            "paragraphs",
            "文档的段落",
            "a document",
        ),
        row(
            "document_table_depth_max",
            document::TABLE_DEPTH_MAX,
            "levels",
            "表格嵌套层数",
            "tables within tables",
        ),
    ]
}

fn of_organs() -> Vec<Limit> {
    vec![
        row(
            "organs_bytes_max",
            ORGANS_BYTES_MAX,
            "bytes",
            "一次写入的机关",
            "the organs that change in one write",
        ),
        row("import_bytes_max", IMPORT_BYTES_MAX, "bytes", "导入文件", "a file to import"),
        row(
            "import_unpacked_bytes_max",
            sheet::UNPACKED_BYTES_MAX,
            "bytes",
            "导入的工作簿解压后",
            "a workbook to import, unpacked",
        ),
        row("import_rows_max", IMPORT_ROWS_MAX, "rows", "导入文件的行", "a file to import"),
        row(
            "import_columns_max",
            sheet::COLUMNS_MAX,
            "columns",
            "导入文件的列",
            "a file to import",
        ),
        row(
            "import_conflicts_max",
            IMPORT_CONFLICTS_MAX,
            "conflicts",
            "导入时列出的冲突",
            "conflicts that an import lists",
        ),
    ]
}

fn row(name: &str, value: usize, unit: &str, text_zh: &str, text_en: &str) -> Limit {
    Limit {
        name: name.to_owned(),
        value: i64::try_from(value).unwrap_or(i64::MAX),
        unit: unit.to_owned(),
        text_zh: text_zh.to_owned(),
        text_en: text_en.to_owned(),
    }
}
