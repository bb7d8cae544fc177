//! The two streams of a terminal: the result on stdout, all else on stderr; colours only where a
//! person looks.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use super::Error;

/// The width where stdout is no terminal: what fits a wide terminal and a page in landscape.
const WIDTH_DEFAULT: usize = 100;

/// The language of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Lang {
    /// 中文 Chinese
    Zh,
    /// 英文 English
    En,
}

impl Lang {
    /// The text of this language.
    pub(super) fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// The form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// 供人阅读 for people
    Table,
    /// 供程序读取 for programs
    Json,
}

/// How a text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Red => "31",
            Style::Yellow => "33",
            Style::Green => "32",
            Style::Cyan => "36",
        }
    }
}

/// Where a command speaks.
pub(super) struct Console {
    pub lang: Lang,
    pub format: Format,
    /// Whether stdout shows colours.
    pub colour: bool,
    colour_err: bool,
    /// Whether lines are broken to fit, as a person likes it and a program does not.
    folds: bool,
    /// Columns of the output.
    pub width: usize,
}

impl Console {
    pub(super) fn new(lang: Lang, format: Format) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let terminal = io::stdout().is_terminal();
        let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
        let width = match columns {
            Some(columns) => columns,
            None if terminal => {
                comfy_table::Table::new().width().map_or(WIDTH_DEFAULT, usize::from)
            }
            None => WIDTH_DEFAULT,
        };
        Console {
            lang,
            format,
            colour: wanted && terminal,
            folds: terminal,
            colour_err: wanted && io::stderr().is_terminal(),
            width: width.clamp(40, 200),
        }
    }

    /// The text of the language.
    pub(super) fn pick<T>(&self, zh: T, en: T) -> T {
        self.lang.pick(zh, en)
    }

    pub(super) fn json_wanted(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes a result and a line feed to stdout.
    ///
    /// # Errors
    /// `Output`, but not for a closed pipe: who closed it has seen enough.
    pub(super) fn out(&self, text: &str) -> Result<(), Error> {
        self.heard(text).map(|_| ())
    }

    /// Writes a line to stdout; false where the reader has gone away, which is no error.
    ///
    /// # Errors
    /// `Output`.
    pub(super) fn heard(&self, text: &str) -> Result<bool, Error> {
        let mut stdout = io::stdout().lock();
        match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::Output(error)),
        }
    }

    /// Writes bytes to stdout as they are.
    ///
    /// # Errors
    /// `Output`, but not for a closed pipe.
    pub(super) fn bytes(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
            _ => Ok(()),
        }
    }

    /// Writes JSON to stdout.
    ///
    /// # Errors
    /// `Output`, `Json`.
    pub(super) fn json<T: Serialize>(&self, value: &T) -> Result<(), Error> {
        self.out(&serde_json::to_string_pretty(value).map_err(Error::Json)?)
    }

    /// Writes a line to stdout, broken to fit a terminal, each piece as far in as the first.
    ///
    /// # Errors
    /// `Output`.
    pub(super) fn fold(&self, line: &str) -> Result<(), Error> {
        match self.folds {
            true => self.out(&super::table::wrapped(line, self.width)),
            false => self.out(line),
        }
    }

    /// Tells something beside the result.
    pub(super) fn note(&self, text: &str) {
        // Where stderr is closed there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Tells why a command could not do its work.
    pub(super) fn error(&self, text: &str) {
        let head = self.pick("错误", "error");
        let colon = self.pick("：", ": ");
        self.note(&format!("{}{colon}{text}", self.on_err(Style::Red, head)));
    }

    /// A text for stdout in a style.
    pub(super) fn on_out(&self, style: Style, text: &str) -> String {
        paint(self.colour, style, text)
    }

    /// A text for stderr in a style.
    pub(super) fn on_err(&self, style: Style, text: &str) -> String {
        paint(self.colour_err, style, text)
    }

    /// Whether a person watches stderr.
    pub(super) fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }
}

fn paint(colour: bool, style: Style, text: &str) -> String {
    if colour { format!("\u{1b}[{}m{text}\u{1b}[0m", style.code()) } else { text.to_owned() }
}
