//! Why a command could not do its work, for a person in either language.

use std::io;

use nianbao::failure::Failure;
use nianbao::limits::MESSAGE_BYTES_MAX;
use nianbao::{address, server, store};

use super::client::Refusal;
use super::console::Lang;
use super::files::{FILE_BYTES_MAX, REPORT_ENDINGS};

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) enum Error {
    /// A file cannot be read.
    Read { file: String, cause: io::Error },
    /// A file cannot be written.
    Write { file: String, cause: io::Error },
    /// A file is larger than what is read.
    TooLarge { file: String },
    /// A file holds JSON, but no report.
    NoReport { file: String, cause: serde_json::Error },
    /// A file to be parsed holds JSON.
    IsJson { file: String },
    /// A document cannot be read.
    Document { file: String, cause: Failure },
    /// An address or a value of `set` is not taken.
    Assignment(Vec<address::Error>),
    /// stdout cannot be written.
    Output(io::Error),
    /// JSON cannot be written.
    Json(serde_json::Error),
    /// An argument has a form that only its use shows.
    Argument { zh: String, en: String },
    /// The server cannot be reached.
    Unreachable { url: String, cause: String },
    /// The server refused the call.
    Refused(Box<Refusal>),
    /// The server went away amid many files.
    Interrupted { cause: Box<Error>, done: usize, of: usize },
    /// A report is larger than what the server takes.
    Oversized { file: String },
    /// A folder holds nothing to read.
    NoReports { folder: String },
    /// The address to listen on is taken or not ours.
    Listen { listen: String, cause: io::Error },
    /// The server cannot run.
    Serve(server::Error),
    /// The story of `demo` took a turn that it must not take.
    Story(&'static str),
    /// The operating system refuses threads, signals or the like.
    System(io::Error),
}

impl Error {
    /// The exit code: 1 for a refusal, 2 for what could not run.
    pub(super) fn code(&self) -> u8 {
        match self {
            Error::Refused(refusal) if refusal.is_of_the_request() => 1,
            _ => 2,
        }
    }

    /// The text in the language.
    pub(super) fn text(&self, lang: Lang) -> String {
        match lang {
            Lang::Zh => self.zh(),
            Lang::En => self.en(),
        }
    }

    fn zh(&self) -> String {
        match self {
            Error::Read { file, cause } => format!("{file}：无法读取：{}", io_zh(cause)),
            Error::Write { file, cause } => format!("{file}：无法写入：{}", io_zh(cause)),
            Error::TooLarge { file } => {
                format!("{file}：文件过大，上限为 {} MiB", FILE_BYTES_MAX >> 20)
            }
            Error::NoReport { file, cause } => {
                format!("{file}：是 JSON，但不是年度报告：{cause}")
            }
            Error::IsJson { file } => {
                format!("{file}：是 JSON，不是文档；核对报告用 nianbao validate")
            }
            Error::Document { file, cause } => format!("{file}：{}", failure_zh(cause)),
            Error::Assignment(errors) => join(errors.iter().map(address::Error::zh)),
            Error::Output(cause) => format!("无法输出：{}", io_zh(cause)),
            Error::Json(cause) => format!("无法写出 JSON：{cause}"),
            Error::Argument { zh, .. } => zh.clone(),
            Error::Unreachable { url, cause } => {
                format!("无法连接 {url}（{cause}）。服务是否已启动？见 nianbao serve")
            }
            Error::Refused(refusal) => refusal.lines(Lang::Zh),
            Error::Interrupted { cause, done, of } => format!(
                "{}\n已处理 {done}/{of} 份后中断。再次运行同一命令即可继续，已接收的不会重复写入",
                cause.zh()
            ),
            Error::Oversized { file } => {
                format!("{file}：报告过大，上限为 {} MiB", MESSAGE_BYTES_MAX >> 20)
            }
            Error::NoReports { folder } => {
                format!("{folder}：文件夹中没有报告（{}）", REPORT_ENDINGS.join("、"))
            }
            Error::Listen { listen, cause } => {
                format!("无法监听 {listen}：{}", io_zh(cause))
            }
            Error::Serve(server::Error::Store(store::Error::Locked { dir, .. })) => {
                format!("数据目录 {} 正被另一进程使用", dir.display())
            }
            Error::Serve(server::Error::Store(store::Error::Io(cause))) => {
                format!("数据目录无法使用：{}", io_zh(cause))
            }
            Error::Serve(server::Error::Store(store::Error::Damaged(cause))) => {
                format!("数据目录已损坏，或非本程序所建：{cause}")
            }
            Error::Serve(cause) => format!("服务无法运行：{cause}"),
            Error::Story(what) => format!("演示未按预期进行：{what}"),
            Error::System(cause) => format!("系统拒绝：{}", io_zh(cause)),
        }
    }

    fn en(&self) -> String {
        match self {
            Error::Read { file, cause } => format!("{file}: cannot be read: {cause}"),
            Error::Write { file, cause } => format!("{file}: cannot be written: {cause}"),
            Error::TooLarge { file } => {
                format!("{file}: larger than {} MiB", FILE_BYTES_MAX >> 20)
            }
            Error::NoReport { file, cause } => format!("{file}: JSON, but no report: {cause}"),
            Error::IsJson { file } => {
                format!("{file}: JSON, not a document; to check a report use nianbao validate")
            }
            Error::Document { file, cause } => format!("{file}: {cause}"),
            Error::Assignment(errors) => join(errors.iter().map(ToString::to_string)),
            Error::Output(cause) => format!("cannot write the result: {cause}"),
            Error::Json(cause) => format!("cannot write JSON: {cause}"),
            Error::Argument { en, .. } => en.clone(),
            Error::Unreachable { url, cause } => {
                format!("cannot reach {url} ({cause}); is the server up? See nianbao serve")
            }
            Error::Refused(refusal) => refusal.lines(Lang::En),
            Error::Interrupted { cause, done, of } => format!(
                "{}\ninterrupted after {done} of {of} files; run the same command again and it \
                 goes on there, and nothing is written twice",
                cause.en()
            ),
            Error::Oversized { file } => {
                format!("{file}: the report is larger than {} MiB", MESSAGE_BYTES_MAX >> 20)
            }
            Error::NoReports { folder } => {
                format!("{folder}: the folder has no report ({})", REPORT_ENDINGS.join(", "))
            }
            Error::Listen { listen, cause } => format!("cannot listen on {listen}: {cause}"),
            Error::Serve(cause) => cause.to_string(),
            Error::Story(what) => format!("the demo did not go as it should: {what}"),
            Error::System(cause) => format!("the system refuses: {cause}"),
        }
    }
}

fn join(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}

/// What happens to clerks, in Chinese; the rest as the system says it.
fn io_zh(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "文件不存在".to_owned(),
        io::ErrorKind::PermissionDenied => "没有权限".to_owned(),
        io::ErrorKind::IsADirectory => "这是一个目录".to_owned(),
        io::ErrorKind::AddrInUse => "端口已被占用".to_owned(),
        io::ErrorKind::AddrNotAvailable => "地址不属于本机".to_owned(),
        io::ErrorKind::StorageFull => "磁盘已满".to_owned(),
        io::ErrorKind::InvalidData => "不是 UTF-8 文本".to_owned(),
        _ => error.to_string(),
    }
}

fn failure_zh(failure: &Failure) -> String {
    match failure {
        Failure::DocumentUnreadable { zh, .. } => zh.clone(),
        Failure::DocumentTooLarge(limit) => format!("文件过大，上限为 {} MiB", limit >> 20),
        other => other.to_string(),
    }
}
