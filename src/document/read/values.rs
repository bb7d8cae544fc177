//! What stands in a cell, read as a value or as a kind of blank. Nothing is guessed: what is no
//! number in one of the spellings below is unreadable, and stays as it is printed.

use crate::pb::blank::Kind;

/// A cell as read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Printed<T> {
    /// A value, and what a person should know of how it was read.
    Value(T, Option<Remark>),
    /// No value.
    Blank(Kind),
}

/// What was passed over or inferred in a cell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remark {
    /// Words in brackets beside the number.
    Aside(String),
    /// A unit beside a count.
    Unit(String),
    /// Blanks between digits that are no thousands: perhaps two numbers.
    Gap,
    /// An amount in 元, brought to 万元.
    FromYuan,
}

/// An amount of money with its unit as printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Money {
    /// A decimal, as printed but for separators.
    pub amount: String,
    /// 元 or 万元; empty where none is printed.
    pub unit: &'static str,
}

/// Nobody counts further: more digits are two numbers run together.
const COUNT_DIGITS_MAX: usize = 12;

/// Units that people write behind a count.
const COUNT_UNITS: [&str; 8] = ["件", "项", "个", "条", "宗", "起", "次", "份"];

/// Words for more and for less, where a cell tells a change.
const MORE: [&str; 4] = ["增加", "新增", "增", "+"];
const LESS: [&str; 4] = ["减少", "减", "-", "负"];

/// Reads a whole number. In a cell that tells a change, words for more and less are signs.
pub(super) fn count(raw: &str, is_change: bool) -> Printed<i64> {
    let text = plain(raw);
    if let Some(kind) = blank(&text) {
        return Printed::Blank(kind);
    }
    let (text, aside) = without_aside(&text);
    let mut remark = aside.map(Remark::Aside);
    let (sign, text) = sign(text, is_change);
    let mut text = text.trim();
    if let Some((number, unit)) = COUNT_UNITS
        .iter()
        .find_map(|unit| Some((text.strip_suffix(unit)?.trim_end(), (*unit).to_owned())))
    {
        remark = remark.or(Some(Remark::Unit(unit)));
        text = number;
    }
    let Some((digits, has_gap)) = joined(text) else {
        return Printed::Blank(Kind::Unreadable);
    };
    let number = digits.trim_start_matches('0');
    if number.len() > COUNT_DIGITS_MAX {
        return Printed::Blank(Kind::Unreadable);
    }
    let value = if number.is_empty() { Ok(0) } else { number.parse::<i64>() };
    match value {
        Ok(value) => Printed::Value(sign * value, if has_gap { Some(Remark::Gap) } else { remark }),
        Err(_) => Printed::Blank(Kind::Unreadable),
    }
}

/// Reads an amount of money.
pub(super) fn money(raw: &str) -> Printed<Money> {
    let text = plain(raw);
    if let Some(kind) = blank(&text) {
        return Printed::Blank(kind);
    }
    let (text, aside) = without_aside(&text);
    let (number, unit) = match text.strip_suffix('元') {
        Some(yuan) => match yuan.trim_end().strip_suffix('万') {
            Some(wan) => (wan.trim_end(), "万元"),
            None => (yuan.trim_end(), "元"),
        },
        None => (text, ""),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let Some((whole, has_gap)) = joined(whole.trim()) else {
        return Printed::Blank(Kind::Unreadable);
    };
    let broken = number.contains('.') && decimals.is_empty();
    if broken || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return Printed::Blank(Kind::Unreadable);
    }
    let whole = whole.trim_start_matches('0');
    match decimal(whole, decimals) {
        Some(amount) => {
            let remark = if has_gap { Some(Remark::Gap) } else { aside.map(Remark::Aside) };
            Printed::Value(Money { amount, unit }, remark)
        }
        None => Printed::Blank(Kind::Unreadable),
    }
}

/// An amount in 元 as one in 万元, exactly; nothing if that takes more decimals than are kept.
pub(super) fn wan_yuan(yuan: &str) -> Option<String> {
    const SHIFT: usize = 4;
    let (whole, decimals) = yuan.split_once('.').unwrap_or((yuan, ""));
    let digits = format!("{whole:0>5}{decimals}");
    let (whole, decimals) = digits.split_at(whole.len().max(SHIFT + 1) - SHIFT);
    decimal(whole.trim_start_matches('0'), decimals.trim_end_matches('0'))
}

/// A decimal within the limits of the schema.
fn decimal(whole: &str, decimals: &str) -> Option<String> {
    const WHOLE_MAX: usize = 12;
    const DECIMALS_MAX: usize = 6;
    if whole.len() > WHOLE_MAX || decimals.len() > DECIMALS_MAX {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") })
}

/// Whether a cell may hold a value or a blank of any kind, rather than a label.
pub(super) fn is_value_like(raw: &str) -> bool {
    !matches!(count(raw, true), Printed::Blank(Kind::Unreadable))
        || !matches!(money(raw), Printed::Blank(Kind::Unreadable))
}

/// Full-width digits and signs in their plain form. Compatibility forms such as `²` and `①` are
/// not numbers of a table and stay.
fn plain(raw: &str) -> String {
    let plain = raw.chars().map(|c| match c {
        '０'..='９' | '＋' | '－' | '．' | '，' | '／' | '（' | '）' => {
            // The full-width forms stand in the order of ASCII.
            char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)
        }
        '−' | '﹣' => '-',
        '［' | '【' | '〔' => '(',
        '］' | '】' | '〕' => ')',
        c => c,
    });
    plain.collect::<String>().trim().to_owned()
}

fn blank(text: &str) -> Option<Kind> {
    let all = |marks: &[char]| text.chars().all(|c| marks.contains(&c) || c.is_whitespace());
    if text.is_empty() {
        Some(Kind::Empty)
    } else if all(&['/', '\\', '⁄', '∕']) {
        Some(Kind::Slash)
    } else if all(&['-', '—', '–', '―', '─', '‐', '‑', '‒', '－']) {
        Some(Kind::Dash)
    } else {
        None
    }
}

/// Splits off a remark in brackets that ends the cell.
fn without_aside(text: &str) -> (&str, Option<String>) {
    if let Some(at) = text.find('(').filter(|&at| at > 0 && text.ends_with(')')) {
        (text[..at].trim_end(), Some(text[at + 1..text.len() - 1].to_owned()))
    } else {
        (text, None)
    }
}

fn sign(text: &str, is_change: bool) -> (i64, &str) {
    for (words, sign) in [(MORE, 1), (LESS, -1)] {
        for word in words {
            // In a cell that holds a number as such, only the signs of arithmetic are signs.
            if let Some(rest) = text.strip_prefix(word)
                && (is_change || word.is_ascii())
            {
                return (sign, rest);
            }
        }
    }
    (1, text)
}

/// The digits of a whole number without its separators, and whether blanks between them are no
/// thousands. Nothing if it is not a whole number, or is broken over lines.
fn joined(text: &str) -> Option<(String, bool)> {
    if !text.starts_with(|c: char| c.is_ascii_digit())
        || !text.ends_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let is_gap = |c: char| c.is_whitespace() && c != '\n';
    if !text.chars().all(|c| c.is_ascii_digit() || c == ',' || is_gap(c)) {
        return None;
    }
    let by = |separator: &dyn Fn(char) -> bool| {
        let mut groups = text.split(separator).map(str::trim);
        groups.next().is_some_and(|first| first.len() <= 3) && groups.all(|g| g.len() == 3)
    };
    if text.contains(',') && !by(&|c| c == ',') {
        return None;
    }
    let has_gap = text.contains(is_gap) && !text.contains(',') && !by(&is_gap);
    Some((text.chars().filter(char::is_ascii_digit).collect(), has_gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_of_a_count() {
        for (raw, value) in [
            ("0", 0),
            ("23048", 23048),
            ("２３０４８", 23048),
            ("1,808,595", 1_808_595),
            ("1，808", 1808),
            ("1 808 595", 1_808_595),
            ("+43", 43),
            ("-1942", -1942),
            ("－１９", -19),
            ("−7", -7),
            ("007", 7),
            (" 65 ", 65),
        ] {
            assert_eq!(count(raw, false), Printed::Value(value, None), "{raw}");
        }
        for (raw, value) in [("增2", 2), ("减3", -3), ("增加 12", 12), ("减少1", -1), ("0", 0)]
        {
            assert_eq!(count(raw, true), Printed::Value(value, None), "{raw}");
        }
    }

    #[test]
    fn remarks_on_what_it_passes_over() {
        let aside = Remark::Aside("其中修订16件".into());
        assert_eq!(count("22（其中修订16件）", false), Printed::Value(22, Some(aside)));
        assert_eq!(count("65件", false), Printed::Value(65, Some(Remark::Unit("件".into()))));
        assert_eq!(count("1 0", false), Printed::Value(10, Some(Remark::Gap)));
    }

    #[test]
    fn tells_the_kinds_of_blanks() {
        for (raw, kind) in [
            ("", Kind::Empty),
            (" \u{3000}", Kind::Empty),
            ("/", Kind::Slash),
            ("／", Kind::Slash),
            ("-", Kind::Dash),
            ("—", Kind::Dash),
            ("——", Kind::Dash),
            ("无", Kind::Unreadable),
            ("增2", Kind::Unreadable),
            ("12.5", Kind::Unreadable),
            ("1.2万", Kind::Unreadable),
            ("10\n20", Kind::Unreadable),
            ("1,2", Kind::Unreadable),
            ("22²", Kind::Unreadable),
            ("①", Kind::Unreadable),
            ("（22）", Kind::Unreadable),
            ("9999999999999", Kind::Unreadable),
            ("100%", Kind::Unreadable),
            ("增2减1", Kind::Unreadable),
        ] {
            assert_eq!(count(raw, false), Printed::Blank(kind), "{raw}");
        }
        assert_eq!(count("增2减1", true), Printed::Blank(Kind::Unreadable));
    }

    #[test]
    fn reads_money_as_printed() {
        for (raw, amount, unit) in [
            ("1317.89", "1317.89", ""),
            ("59237.2449", "59237.2449", ""),
            ("1317.89万元", "1317.89", "万元"),
            ("251000元", "251000", "元"),
            ("1,317.890", "1317.890", ""),
            ("０", "0", ""),
            ("00.50", "0.50", ""),
        ] {
            let money_read = Money { amount: amount.into(), unit };
            assert_eq!(money(raw), Printed::Value(money_read, None), "{raw}");
        }
        for raw in ["1.2.3", "5.", "-5", "约3", "1.2345678", "亿元", "万元", "."] {
            assert_eq!(money(raw), Printed::Blank(Kind::Unreadable), "{raw}");
        }
    }

    #[test]
    fn brings_yuan_to_wan_yuan_exactly() {
        for (yuan, wan) in [
            ("251000", "25.1"),
            ("380", "0.038"),
            ("1", "0.0001"),
            ("0", "0"),
            ("10000", "1"),
            ("2950.50", "0.29505"),
        ] {
            assert_eq!(wan_yuan(yuan).as_deref(), Some(wan), "{yuan}");
        }
        assert_eq!(wan_yuan("0.001"), None);
    }
}
