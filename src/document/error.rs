//! Why a file could not be read.

use std::fmt;

use super::{
    BYTES_MAX, CELLS_MAX, COLUMNS_MAX, PARAGRAPHS_MAX, PART_BYTES_MAX, ROWS_MAX, TABLE_DEPTH_MAX,
};

/// Why a file could not be read. `Display` is English, [`Error::zh`] Chinese.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The file has no bytes.
    Empty,
    /// The file is larger than [`BYTES_MAX`].
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A limit on what stands in the file is passed.
    TooMuch(Limit),
    /// The end of a Word file is missing, as after a broken download.
    DocxTruncated,
    /// A zip file without the main part of a Word file: a spreadsheet, say, or an archive.
    NotDocx,
    /// A Word file whose zip or XML is broken.
    DocxDamaged {
        /// What the library that reads it said.
        detail: String,
    },
    /// A PDF, which is not read yet.
    Pdf,
    /// A file of Word 97 to 2003, or an encrypted one, which has the same container.
    OldOffice,
    /// A rich text file.
    Rtf,
    /// Bytes that are not text: a picture, a program, noise.
    Binary,
    /// Text in a charset that is unknown or that no Chinese report is written in.
    Undecodable {
        /// The charset that fitted best, by its standard name.
        best: &'static str,
    },
    /// A readable file without a word in it: often one whose pages are pictures.
    NoText,
}

/// A limit on what stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`PART_BYTES_MAX`].
    PartBytes,
    /// [`CELLS_MAX`].
    Cells,
    /// [`ROWS_MAX`].
    Rows,
    /// [`COLUMNS_MAX`].
    Columns,
    /// [`PARAGRAPHS_MAX`].
    Paragraphs,
    /// [`TABLE_DEPTH_MAX`].
    TableDepth,
}

impl Limit {
    /// The greatest value that is allowed.
    #[must_use]
    pub fn max(self) -> usize {
        match self {
            Limit::PartBytes => PART_BYTES_MAX,
            Limit::Cells => CELLS_MAX,
            Limit::Rows => ROWS_MAX,
            Limit::Columns => COLUMNS_MAX,
            Limit::Paragraphs => PARAGRAPHS_MAX,
            Limit::TableDepth => TABLE_DEPTH_MAX,
        }
    }

    fn en(self) -> &'static str {
        match self {
            Limit::PartBytes => "bytes of unpacked text",
            Limit::Cells => "table cells",
            Limit::Rows => "table rows",
            Limit::Columns => "cells in a row",
            Limit::Paragraphs => "paragraphs",
            Limit::TableDepth => "levels of tables in tables",
        }
    }

    fn zh(self) -> &'static str {
        match self {
            Limit::PartBytes => "解压后的正文字节数",
            Limit::Cells => "表格单元格数",
            Limit::Rows => "表格行数",
            Limit::Columns => "每行单元格数",
            Limit::Paragraphs => "段落数",
            Limit::TableDepth => "表格嵌套层数",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Empty => f.write_str("the file is empty"),
            Error::TooLarge { bytes } => {
                write!(f, "the file has {bytes} bytes; at most {BYTES_MAX} are read")
            }
            Error::TooMuch(limit) => {
                write!(f, "the document has more than {} {}", limit.max(), limit.en())
            }
            Error::DocxTruncated => {
                f.write_str("the .docx file is cut off: its end is missing; fetch it again")
            }
            Error::NotDocx => {
                f.write_str("a zip file, but not a .docx: it has no part word/document.xml")
            }
            Error::DocxDamaged { detail } => write!(f, "the .docx file is damaged: {detail}"),
            Error::Pdf => f.write_str(
                "a PDF, and PDF is not read yet; give the report as .docx, .html or .txt",
            ),
            Error::OldOffice => f.write_str(
                "an old Office file (.doc, .wps) or an encrypted one; save it as a plain .docx",
            ),
            Error::Rtf => f.write_str("a rich text file (.rtf); save it as .docx"),
            Error::Binary => f.write_str("not a document: the bytes are not text"),
            Error::Undecodable { best } => write!(
                f,
                "the charset of the text is not known (best guess {best}); save it as UTF-8"
            ),
            Error::NoText => {
                f.write_str("the document has no text; perhaps its pages are pictures")
            }
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The same in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Error::Empty => "文件为空".into(),
            Error::TooLarge { bytes } => {
                format!("文件大小为{bytes}字节，超过上限{BYTES_MAX}字节")
            }
            Error::TooMuch(limit) => format!("文档的{}超过上限{}", limit.zh(), limit.max()),
            Error::DocxTruncated => "docx文件不完整，缺少结尾部分，请重新获取".into(),
            Error::NotDocx => "该文件是压缩包，但不是docx文档（缺少word/document.xml）".into(),
            Error::DocxDamaged { detail } => format!("docx文件已损坏：{detail}"),
            Error::Pdf => "暂不支持读取PDF，请提供docx、html或txt格式的报告".into(),
            Error::OldOffice => "旧版Office文件（doc、wps）或加密文件，请另存为docx".into(),
            Error::Rtf => "RTF文件，请另存为docx".into(),
            Error::Binary => "不是文档：内容不是文本".into(),
            Error::Undecodable { best } => {
                format!("无法识别文本编码（最接近{best}），请另存为UTF-8")
            }
            Error::NoText => "文档中没有文字，页面可能是图片".into(),
        }
    }
}
