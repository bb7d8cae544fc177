//! Printed labels made comparable: damage that does not change the meaning is taken away, and
//! what is left is compared exactly or, where a table leaves one candidate only, by likeness.

use unicode_normalization::UnicodeNormalization;

/// Numbers of likeness are per mille.
pub(super) const SAME: u32 = 1000;

/// Longer texts are no labels and are not compared.
const KEY_CHARS_MAX: usize = 80;

/// What of a label carries its meaning: letters in their plain form, without the printed number,
/// punctuation, space and digits. A digit in a label is debris: a page number, a year put in.
pub(super) fn key(text: &str) -> String {
    let rest = numbered(text).map_or(text, |number| number.rest);
    let letters = |text: &str| -> String {
        text.nfkc().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
    };
    let key = letters(rest);
    if key.is_empty() { letters(text) } else { key }
}

/// The number that a heading or label begins with.
pub(super) struct Numbered<'t> {
    pub value: u32,
    /// In brackets, as in `（一）`: the mark of a lower level.
    pub bracketed: bool,
    /// What follows it.
    pub rest: &'t str,
}

/// Reads the number at the start, such as `六、`, `6.`, `（一）`, `(1)` or `第六部分`.
pub(super) fn numbered(text: &str) -> Option<Numbered<'_>> {
    let text = text.trim_start();
    let opened = text.strip_prefix(['（', '(', '〔', '［']);
    let counted = text.strip_prefix('第');
    let digits = opened.or(counted).unwrap_or(text);
    let (value, rest) = numeral(digits)?;
    let rest = rest.trim_start();
    let rest = if opened.is_some() {
        rest.strip_prefix(['）', ')', '〕', '］'])?
    } else if counted.is_some() {
        rest.strip_prefix("部分")?
    } else {
        rest.strip_prefix(['、', '.', '．', '。', ',', '，', '·', ':', '：', '）', ')'])?
    };
    Some(Numbered { value, bracketed: opened.is_some(), rest })
}

/// A number of at most two digits, Arabic or Chinese up to ten.
fn numeral(text: &str) -> Option<(u32, &str)> {
    const CHINESE: [char; 10] = ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];
    let digit = |c: char| match c {
        '0'..='9' => Some(u32::from(c) - u32::from('0')),
        '０'..='９' => Some(u32::from(c) - u32::from('０')),
        _ => None,
    };
    let first = text.chars().next()?;
    let rest = &text[first.len_utf8()..];
    if let Some(at) = CHINESE.iter().position(|&c| c == first) {
        return u32::try_from(at + 1).ok().map(|value| (value, rest));
    }
    let tens = digit(first)?;
    match rest.chars().next().and_then(|c| Some((c, digit(c)?))) {
        Some((second, ones)) => Some((tens * 10 + ones, &rest[second.len_utf8()..])),
        None => Some((tens, rest)),
    }
}

/// How alike two keys are, per mille: the better of shared pairs of letters and of edits, and a
/// fixed likeness for a label that was cut short.
pub(super) fn likeness(a: &str, b: &str) -> u32 {
    /// A start of so many letters tells a label of this form from all others in its table.
    const START_CHARS_MIN: usize = 4;
    const START: u32 = 850;
    /// Below it even letters that are all shared give less than what any caller asks for.
    const SHARE_MIN: usize = 330;
    if a == b {
        return SAME;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() || b.is_empty() || a.len().max(b.len()) > KEY_CHARS_MAX {
        return 0;
    }
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    let start = short.len() >= START_CHARS_MIN && long.starts_with(short);
    // Neither measure below can be higher than the shares of the lengths allow.
    if !start && short.len() * 1000 / long.len() < SHARE_MIN {
        return 0;
    }
    pairs(&a, &b).max(edits(&a, &b)).max(if start { START } else { 0 })
}

/// Twice the shared pairs of neighbouring letters, by the number of pairs of both.
fn pairs(a: &[char], b: &[char]) -> u32 {
    let all = a.len() + b.len() - 2;
    if all == 0 {
        return 0;
    }
    let mut left: Vec<&[char]> = b.windows(2).collect();
    let mut shared = 0;
    for pair in a.windows(2) {
        if let Some(at) = left.iter().position(|&other| other == pair) {
            left.swap_remove(at);
            shared += 1;
        }
    }
    per_mille(2 * shared, all)
}

/// The letters that need no edit, by the longer length.
fn edits(a: &[char], b: &[char]) -> u32 {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    let longer = a.len().max(b.len());
    per_mille(longer - row[b.len()], longer)
}

fn per_mille(part: usize, whole: usize) -> u32 {
    // Keys have at most eighty letters, so the quotient fits.
    u32::try_from(part * 1000 / whole).unwrap_or(0)
}

/// The candidate that is clearly most like the key: its position and likeness. Exactly one must
/// win, by a distance that no other label of the form comes near.
pub(super) fn clear_winner(key: &str, candidates: &[(usize, &[String])]) -> Option<(usize, u32)> {
    const LIKENESS_MIN: u32 = 600;
    const DISTANCE_MIN: u32 = 150;
    let mut best: Option<(usize, u32)> = None;
    let mut second = 0;
    for &(at, keys) in candidates {
        let likeness = keys.iter().map(|other| likeness(key, other)).max().unwrap_or(0);
        match best {
            Some((_, top)) if likeness <= top => second = second.max(likeness),
            _ => {
                second = best.map_or(0, |(_, top)| top);
                best = Some((at, likeness));
            }
        }
    }
    best.filter(|&(_, top)| top >= LIKENESS_MIN && (top == SAME || top >= second + DISTANCE_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_through_damage_that_keeps_the_meaning() {
        for (printed, official) in [
            ("6、 其他需要报告的事项", "六、其他需要报告的事项"),
            ("（1）予以公开", "(一)予以公开"),
            ("3.危及\"三安全一稳定\"", "3.危及“三安全一稳定”"),
            ("商业 企业", "商业企业"),
            ("本年(2023)制发件数", "本年制发件数"),
            ("２．没有现成信息需要另行制作", "2.没有现成信息需要另行制作"),
            ("本年增／减", "本年增/减"),
        ] {
            assert_eq!(key(printed), key(official));
        }
        assert_eq!(key("三安全一稳定"), "三安全一稳定");
        assert_ne!(key("（七）总计"), key("其他"));
    }

    #[test]
    fn reads_the_number_of_a_heading() {
        for (text, value, bracketed) in [
            ("六、其他", 6, false),
            ("6、其他", 6, false),
            ("（十）其他", 10, true),
            ("(1) 其他", 1, true),
            ("12.其他", 12, false),
            ("第三部分 其他", 3, false),
        ] {
            let number = numbered(text).unwrap();
            assert_eq!((number.value, number.bracketed), (value, bracketed), "{text}");
            assert_eq!(number.rest.trim(), "其他");
        }
        assert!(numbered("2023年").is_none());
        assert!(numbered("三类内部事务信息").is_none());
    }

    #[test]
    fn takes_a_damaged_label_only_where_one_wins() {
        let keys = |labels: &[&str]| labels.iter().map(|l| vec![key(l)]).collect::<Vec<_>>();
        let winner = |printed: &str, labels: &[&str]| {
            let keys = keys(labels);
            let all: Vec<_> = keys.iter().map(Vec::as_slice).enumerate().collect();
            clear_winner(&key(printed), &all).map(|(at, _)| at)
        };
        let labels = ["属于国家秘密", "属于行政执法案卷", "属于行政查询事项", "其他", "总计"];
        assert_eq!(winner("属于行政执法案眷", &labels), Some(1));
        assert_eq!(winner("属于行政", &labels), None);
        assert_eq!(winner("小计", &labels), None);
        assert_eq!(winner("", &labels), None);
    }
}
