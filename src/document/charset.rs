//! Bytes to text. Chinese government sites serve UTF-8 and GBK, old ones Big5; text files of
//! Windows come as UTF-16 with a mark.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE};

use super::Error;

/// Text, and how well it could be decoded.
pub(super) struct Decoded {
    pub text: String,
    /// Characters that could not be decoded and became U+FFFD.
    pub undecoded: usize,
}

/// How far into a page its `<meta charset>` is looked for. Browsers look at 1 KiB; pages put
/// long scripts before it.
const META_BYTES: usize = 8 << 10;

/// One broken character in so many is a flaw of the page, which stays visible as U+FFFD; more is
/// a wrong charset.
const CHARS_PER_FLAW_MIN: usize = 500;

/// One control character in so many is debris; more is not text.
const CHARS_PER_CONTROL_MIN: usize = 200;

/// Decodes by the mark at the start, then by validity as UTF-8, then by what the page declares,
/// then by a guess.
///
/// UTF-8 comes before the declaration: text in another charset is as good as never valid UTF-8,
/// while pages that were converted and still declare GB2312 are common.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, Error> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(encoding, &bytes[mark..]);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return checked(text.to_owned(), 0, UTF_8);
    }
    // A zero byte occurs in no other charset that is read here.
    if bytes.contains(&0) {
        return Err(Error::Binary);
    }
    if let Some(declared) = declared(bytes)
        && let Ok(decoded) = decode_as(declared, bytes)
    {
        return Ok(decoded);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let guess = detector.guess(None, Utf8Detection::Allow);
    // A guess of another charset says that these are no Chinese characters.
    if ![UTF_8, GBK, GB18030, BIG5].contains(&guess) {
        return Err(Error::Undecodable { best: guess.name() });
    }
    decode_as(guess, bytes)
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> Result<Decoded, Error> {
    let (text, flawed) = encoding.decode_without_bom_handling(bytes);
    let undecoded = if flawed { text.chars().filter(|&c| c == '\u{FFFD}').count() } else { 0 };
    checked(text.into_owned(), undecoded, encoding)
}

fn checked(text: String, undecoded: usize, encoding: &'static Encoding) -> Result<Decoded, Error> {
    let mut chars = 0;
    let mut controls = 0;
    for c in text.chars() {
        chars += 1;
        // Tabs, line ends, page breaks and the end-of-file mark of DOS belong to texts.
        let known = matches!(c, '\t' | '\n' | '\u{B}' | '\u{C}' | '\r' | '\u{1A}');
        controls += usize::from(c.is_control() && !known);
    }
    if controls * CHARS_PER_CONTROL_MIN > chars {
        return Err(Error::Binary);
    }
    if undecoded * CHARS_PER_FLAW_MIN > chars {
        return Err(Error::Undecodable { best: encoding.name() });
    }
    Ok(Decoded { text, undecoded })
}

/// The charset that a page names in its head.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(META_BYTES)].to_ascii_lowercase();
    let at = head.windows(7).position(|window| window == b"charset")? + 7;
    let rest = head[at..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let end = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b)));
    let encoding = Encoding::for_label(&rest[..end.unwrap_or(rest.len())])?;
    // A declaration that could be read in bytes cannot be true of two-byte units.
    (encoding != UTF_16LE && encoding != UTF_16BE).then_some(encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "政府信息公开工作年度报告，本年新收政府信息公开申请数量为六十五件。";

    #[test]
    fn decodes_every_charset_of_chinese_reports() {
        let (gbk, _, _) = GBK.encode(PLAIN);
        let (big5, _, _) = BIG5.encode("政府資訊公開工作年度報告，本年新收申請數量為六十五件。");
        let utf16: Vec<u8> = std::iter::once(0xFEFF)
            .chain(PLAIN.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(decode(&gbk).unwrap().text, PLAIN);
        assert_eq!(decode(&utf16).unwrap().text, PLAIN);
        assert_eq!(decode(PLAIN.as_bytes()).unwrap().text, PLAIN);
        assert!(decode(&big5).unwrap().text.starts_with("政府資訊"));
    }

    #[test]
    fn trusts_valid_utf8_before_a_stale_declaration() {
        let page = format!("<meta charset=gb2312>{PLAIN}");
        assert_eq!(decode(page.as_bytes()).unwrap().text, page);
    }

    #[test]
    fn keeps_one_flaw_visible_and_refuses_many() {
        let long = PLAIN.repeat(30);
        let mut flawed = GBK.encode(&long).0.into_owned();
        flawed.extend_from_slice(b"\xFF\n");
        let decoded = decode(&flawed).unwrap();
        assert_eq!(decoded.undecoded, 1);
        assert!(decoded.text.contains('\u{FFFD}'));
        let noise: Vec<u8> = flawed.iter().flat_map(|&b| [b, 0xFF]).collect();
        assert!(decode(&noise).is_err());
    }
}
