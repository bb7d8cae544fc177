//! The title and the parts of prose: where the six headings stand, and what is between them.

use crate::document::{Block, Document, Kind, Paragraph};

use super::index::{PARTS, Part, TABLE_FOUR, TABLE_TWO, index};
use super::labels::{SAME, key, likeness, numbered};
use super::record::{Record, at_paragraph, excerpt};

/// A heading is one line; the longest of the form has some thirty letters.
const HEADING_CHARS_MAX: usize = 45;
/// So alike must a heading be to one of the form, per mille, or so if its number agrees.
const LIKENESS_MIN: u32 = 700;
const LIKENESS_MIN_NUMBERED: u32 = 500;
/// A place for a part is weighed by likeness, and by these.
const NUMBER_AGREES: u32 = 150;
const BRACKETED: u32 = 300;
const CONTENT_FOLLOWS: u32 = 300;
/// More places than these are not weighed for one part: a page that repeats a heading so often
/// is no report.
const CANDIDATES_MAX: usize = 64;

/// A paragraph that may be the heading of a part.
#[derive(Clone)]
struct Candidate {
    block: usize,
    weight: u32,
    likeness: u32,
    /// Where in the paragraph the prose begins, if it goes on after the heading.
    rest: Option<usize>,
}

/// Reads the parts of prose. `part_of` says to which table of the form a table belongs.
pub(super) fn read(document: &Document, part_of: &[Option<Part>], record: &mut Record) {
    let blocks = &document.blocks;
    let headings = headings(blocks, part_of);
    let first_table = part_of.iter().position(Option::is_some).unwrap_or(blocks.len());
    let first_heading =
        headings.iter().flatten().map(|c| c.block).min().unwrap_or(blocks.len()).min(first_table);
    title(document, first_heading, record);
    for part in 1..=PARTS {
        let Some(found) = &headings[part - 1] else {
            continue;
        };
        if found.likeness < SAME
            && let Some(Block::Paragraph(paragraph)) = blocks.get(found.block)
        {
            let path = index().path(part);
            record.similar(path, &paragraph.text, found.likeness, &at_paragraph(paragraph));
        }
        let later = headings[part..].iter().flatten().map(|c| c.block).min();
        let end = later.unwrap_or(blocks.len());
        if (TABLE_TWO..=TABLE_FOUR).contains(&part) {
            left_out(part, &blocks[found.block + 1..end], record);
        } else {
            let end = if part == 1 { end.min(first_table.max(found.block + 1)) } else { end };
            prose(document.kind, part, found, &blocks[found.block..end], record);
        }
    }
    if headings[0].is_none() {
        without_first_heading(document.kind, &blocks[..first_heading], record);
    }
}

/// Collects the prose of a part.
fn prose(kind: Kind, part: Part, heading: &Candidate, blocks: &[Block], record: &mut Record) {
    let path = index().path(part);
    let mut lines: Vec<&str> = Vec::new();
    let mut first = None;
    for (block, at) in blocks.iter().zip(0..) {
        let paragraph = match block {
            Block::Paragraph(paragraph) => paragraph,
            Block::Table(table) => {
                let zh = format!("正文中的第{}个表格未读入", table.index);
                let en = format!("table {} inside the text is left out", table.index);
                record.note(path, zh, en, "");
                continue;
            }
        };
        let text = match (at, heading.rest) {
            (0, Some(rest)) => paragraph.text[rest..].trim(),
            (0, None) => continue,
            _ => paragraph.text.as_str(),
        };
        if kind == Kind::Html && part == PARTS && is_page_foot(text) {
            break;
        }
        if text.is_empty() || is_page_number(text) {
            continue;
        }
        first = first.or(Some((paragraph, text)));
        lines.push(text);
    }
    set(part, lines.join("\n"), record);
    if let Some((paragraph, text)) = first {
        record.prose(path, text, paragraph);
    }
}

/// Puts prose into the report. The part is there even if nothing stands under its heading.
fn set(part: Part, text: String, record: &mut Record) {
    match part {
        1 => record.report.overview.get_or_insert_default().text = text,
        5 => record.report.problems.get_or_insert_default().text = text,
        6 => record.report.other_matters.get_or_insert_default().text = text,
        _ => {}
    }
}

/// Notes prose that stands around a table: the form has no place for it.
fn left_out(part: Part, blocks: &[Block], record: &mut Record) {
    for block in blocks {
        if let Block::Paragraph(paragraph) = block
            && !is_page_number(&paragraph.text)
        {
            record.note(
                index().path(part),
                format!("表格部分的文字未读入：{}", excerpt(&paragraph.text)),
                format!("text in the part of a table is left out: {}", excerpt(&paragraph.text)),
                &at_paragraph(paragraph),
            );
        }
    }
}

/// A report that lacks the first heading has its overview and its preface in one piece; they
/// are not told apart, and that is said.
fn without_first_heading(kind: Kind, blocks: &[Block], record: &mut Record) {
    let title = record.report.title.clone();
    let is_title = |text: &str| title.contains(text);
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Paragraph(paragraph) if !is_title(&paragraph.text) => Some(paragraph),
        _ => None,
    });
    let texts: Vec<&Paragraph> = texts.filter(|p| !is_page_number(&p.text)).collect();
    let Some(first) = texts.first().filter(|_| kind != Kind::Html || texts.len() > 1) else {
        return;
    };
    let path = index().path(1);
    record.note(
        path,
        "未找到第一部分的标题，第二部分之前的文字全部读作第一部分，其中可能有前言".to_owned(),
        "the heading of part one is missing; all text before part two is taken for it, and may \
         include a preface"
            .to_owned(),
        &at_paragraph(first),
    );
    record.prose(path, &first.text, first);
    let lines: Vec<&str> = texts.iter().map(|paragraph| paragraph.text.as_str()).collect();
    set(1, lines.join("\n"), record);
}

/// Finds the headings of the six parts: the places in rising order that fit best together.
///
/// The numbers of headings are not trusted, since they are damaged, and since prose numbers
/// itself from one to six too; what a heading says and what follows it are.
fn headings(blocks: &[Block], part_of: &[Option<Part>]) -> [Option<Candidate>; PARTS] {
    let mut candidates: [Vec<Candidate>; PARTS] = Default::default();
    for (block, at) in blocks.iter().zip(0..) {
        if let Block::Paragraph(paragraph) = block {
            for (part, found) in candidates.iter_mut().zip(1..).map(|(found, part)| (part, found)) {
                found.extend(candidate(&paragraph.text, part, at));
            }
        }
    }
    let mut places: Vec<usize> = candidates.iter().flatten().map(|c| c.block).collect();
    places.sort_unstable();
    places.dedup();
    for (found, part) in candidates.iter_mut().zip(1..) {
        for candidate in found.iter_mut() {
            let next = places.partition_point(|&place| place <= candidate.block);
            let end = places.get(next).copied().unwrap_or(blocks.len());
            let follows = if (TABLE_TWO..=TABLE_FOUR).contains(&part) {
                part_of[candidate.block..end].contains(&Some(part))
            } else {
                candidate.rest.is_some() || end > candidate.block + 1
            };
            candidate.weight += if follows { CONTENT_FOLLOWS } else { 0 };
        }
        found.sort_by_key(|candidate| (std::cmp::Reverse(candidate.weight), candidate.block));
        found.truncate(CANDIDATES_MAX);
        found.sort_by_key(|candidate| candidate.block);
    }
    best_chain(&candidates)
}

/// Weighs a paragraph as the heading of a part.
fn candidate(text: &str, part: Part, block: usize) -> Option<Candidate> {
    let number = numbered(text);
    let agrees = number.as_ref().is_some_and(|n| !n.bracketed && n.value as usize == part);
    let labels = &index().headings[part - 1];
    let weigh = |likeness: u32, rest: Option<usize>| {
        let mut weight = likeness + if agrees { NUMBER_AGREES } else { 0 };
        if number.as_ref().is_some_and(|n| n.bracketed) {
            weight -= BRACKETED;
        }
        Candidate { block, weight, likeness, rest }
    };
    // A cheap look first: most paragraphs are sentences.
    if text.chars().take(HEADING_CHARS_MAX + 1).count() <= HEADING_CHARS_MAX {
        let key = key(text);
        let likeness = labels.iter().map(|label| likeness(label, &key)).max().unwrap_or(0);
        let enough = if agrees { LIKENESS_MIN_NUMBERED } else { LIKENESS_MIN };
        if likeness >= enough {
            return Some(weigh(likeness, None));
        }
    }
    // A heading whose prose goes on in the same line has its number and its label in full.
    let number = number.as_ref().filter(|_| agrees)?;
    let rest = labels.iter().filter_map(|label| after(number.rest, label)).max()?;
    let start = text.len() - number.rest.len() + rest;
    let separators = |c: char| c.is_whitespace() || matches!(c, '：' | ':' | '。' | '.' | '，');
    let trimmed = text[start..].trim_start_matches(separators);
    Some(weigh(SAME, Some(text.len() - trimmed.len())))
}

/// Where the text goes on after a label, whatever punctuation and space stand in between.
fn after(text: &str, label: &str) -> Option<usize> {
    let mut label = label.chars().peekable();
    for (at, c) in text.char_indices() {
        match label.peek() {
            None => return Some(at),
            Some(&next) if next == c => {
                label.next();
            }
            Some(_) if c.is_alphabetic() => return None,
            Some(_) => {}
        }
    }
    None
}

/// The heaviest choice of at most one candidate a part, in rising order of place.
fn best_chain(candidates: &[Vec<Candidate>; PARTS]) -> [Option<Candidate>; PARTS] {
    /// A chain up to one of its places.
    struct Link {
        part: usize,
        at: usize,
        weight: u32,
        before: Option<usize>,
    }
    let mut links: Vec<Link> = Vec::new();
    for (part, found) in candidates.iter().enumerate() {
        let earlier = links.len();
        for (at, candidate) in found.iter().enumerate() {
            let fits = |link: &Link| candidates[link.part][link.at].block < candidate.block;
            let before = (0..earlier).filter(|&link| fits(&links[link])).reduce(|best, link| {
                if links[link].weight > links[best].weight { link } else { best }
            });
            let weight = candidate.weight + before.map_or(0, |link| links[link].weight);
            links.push(Link { part, at, weight, before });
        }
    }
    let mut chosen: [Option<Candidate>; PARTS] = Default::default();
    let mut link = (0..links.len())
        .reduce(|best, link| if links[link].weight > links[best].weight { link } else { best });
    while let Some(at) = link {
        let Link { part, at, before, .. } = links[at];
        chosen[part] = Some(candidates[part][at].clone());
        link = before;
    }
    chosen
}

/// Finds title and year before the first part.
fn title(document: &Document, end: usize, record: &mut Record) {
    /// Longer lines are sentences.
    const TITLE_CHARS_MAX: usize = 80;
    let head: Vec<&Paragraph> = document.blocks[..end]
        .iter()
        .filter_map(|block| match block {
            Block::Paragraph(paragraph) => Some(paragraph),
            Block::Table(_) => None,
        })
        .collect();
    let is_title = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        text.chars().count() <= TITLE_CHARS_MAX
            && text.contains("信息公开")
            && (text.ends_with("报告") || text.ends_with("年报"))
            && !text.contains('。')
    };
    let found = head.iter().position(|paragraph| is_title(&paragraph.text));
    let (text, paragraph) = match found {
        Some(at) => {
            let line = head[at].text.as_str();
            let above = at.checked_sub(1).and_then(|above| head.get(above));
            // A title broken over two lines begins its second one with the year.
            let names_nobody = year_of(line).is_some_and(|(_, before, after)| {
                before.is_empty()
                    && after
                        .trim_start_matches("年")
                        .trim_start_matches("度")
                        .starts_with("政府信息公开")
            });
            let name = above.filter(|above| names_nobody && is_name(&above.text));
            match name {
                Some(above) => (format!("{}{line}", above.text), Some(*above)),
                None => (line.to_owned(), Some(head[at])),
            }
        }
        None => match document.title.as_deref().filter(|title| is_title(title)) {
            Some(title) => (title.to_owned(), None),
            None => return,
        },
    };
    if let Some((year, ..)) = year_of(&text) {
        record.report.year = year;
    }
    if let Some(paragraph) = paragraph {
        record.prose("title", &text, paragraph);
    }
    record.report.title = text;
}

/// Whether a line may be the name of an organ above the rest of the title.
fn is_name(line: &str) -> bool {
    const NAME_CHARS_MAX: usize = 40;
    line.chars().count() <= NAME_CHARS_MAX
        && line.chars().all(|c| c.is_alphabetic() || c.is_whitespace() || "（）()·、".contains(c))
}

/// The first year of a text, in Arabic or Chinese digits, with what stands before and after it.
fn year_of(text: &str) -> Option<(i32, &str, &str)> {
    const DIGITS: [&str; 10] = [
        "0０〇○零",
        "1１一",
        "2２二",
        "3３三",
        "4４四",
        "5５五",
        "6６六",
        "7７七",
        "8８八",
        "9９九",
    ];
    let digit =
        |c: char| DIGITS.iter().zip(0..).find(|(forms, _)| forms.contains(c)).map(|(_, d)| d);
    for (start, _) in text.char_indices() {
        let mut year = 0;
        let mut chars = text[start..].char_indices();
        let digits =
            chars.by_ref().take(4).map_while(|(_, c)| digit(c)).fold(0, |count, d: i32| {
                year = year * 10 + d;
                count + 1
            });
        if digits == 4 && (2000..2100).contains(&year) {
            let rest = chars.as_str();
            if rest.trim_start().starts_with('年') {
                return Some((year, text[..start].trim(), rest.trim_start()));
            }
        }
    }
    None
}

/// Whether a paragraph is nothing but the number of a page.
fn is_page_number(text: &str) -> bool {
    const MARKS: &str = "-—–－第页共/／·.PpageAGE ";
    text.chars().count() <= 12
        && text.chars().any(|c| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || MARKS.contains(c))
}

/// Whether a line belongs to the foot of a web page rather than to the report.
fn is_page_foot(text: &str) -> bool {
    const FEET: [&str; 14] = [
        "版权所有",
        "主办单位",
        "主办：",
        "承办：",
        "ICP备",
        "公网安备",
        "网站标识码",
        "打印本页",
        "关闭窗口",
        "分享到",
        "上一篇",
        "下一篇",
        "扫一扫",
        "责任编辑",
    ];
    text.chars().count() <= HEADING_CHARS_MAX * 2 && FEET.iter().any(|foot| text.contains(foot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_year_in_any_digits() {
        for (text, year) in [
            ("某局2023年年度报告", Some(2023)),
            ("某局２０２３年度报告", Some(2023)),
            ("二〇二三年年报", Some(2023)),
            ("二○一九年年报", Some(2019)),
            ("2023 年", Some(2023)),
            ("编号20231年", None),
            ("第1023年", None),
            ("无年份", None),
        ] {
            assert_eq!(year_of(text).map(|(year, ..)| year), year, "{text}");
        }
    }

    #[test]
    fn tells_page_numbers_and_page_feet_from_prose() {
        assert!(
            ["7", "- 3 -", "第3页", "第 3 页 共 10 页", "3/10"].into_iter().all(is_page_number)
        );
        assert!(!["无。", "2023年", "65件"].into_iter().any(is_page_number));
        assert!(is_page_foot("主办单位：示例市人民政府"));
        assert!(!is_page_foot("本年没有收取信息处理费。"));
    }
}
