//! Times as a person in China types and reads them.

use jiff::civil::Date;
use jiff::tz::{self, TimeZone};
use nianbao::pb::Timestamp;
use nianbao::store::Position;

/// A moment of the past, as typed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Moment {
    /// A position, as receipts have it.
    Position(String),
    /// A time.
    Time(Timestamp),
}

/// Reads a position, an RFC 3339 time, or a day, which stands for its end in China.
///
/// # Errors
/// What is taken, in both languages.
pub(super) fn read(text: &str) -> Result<Moment, String> {
    if text.parse::<Position>().is_ok() {
        return Ok(Moment::Position(text.to_owned()));
    }
    if let Some(time) = date(text).and_then(end_of_day).or_else(|| text.parse().ok()) {
        return Ok(Moment::Time(Timestamp::from(time)));
    }
    Err("应为位置、时间或日期，如 · expected a position, a time or a day, such as \
         000000000000002a, 2024-01-31T09:00:00+08:00, 2024-01-31"
        .to_owned())
}

/// A day as `YYYY-MM-DD`, nothing else.
pub(super) fn date(text: &str) -> Option<Date> {
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    text.parse().ok().filter(|_| plain)
}

/// The last instant of a day in China.
fn end_of_day(day: Date) -> Option<jiff::Timestamp> {
    let next = day.tomorrow().ok()?.to_zoned(china()).ok()?.timestamp();
    next.checked_sub(jiff::SignedDuration::from_nanos(1)).ok()
}

fn china() -> TimeZone {
    TimeZone::fixed(tz::offset(8))
}

/// A time in China, to the second; empty where there is none.
pub(super) fn shown(time: Option<&Timestamp>) -> String {
    let time = time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
    let zoned = time.map(|time| time.to_zoned(china()));
    zoned.map_or(String::new(), |zoned| zoned.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_stands_for_its_end_in_china() {
        let (day, time) = (read("2024-01-31"), read("2024-01-31T23:59:59.999999999+08:00"));
        assert_eq!(day, time);
        let Ok(Moment::Time(time)) = time else { panic!("a time") };
        assert_eq!(shown(Some(&time)), "2024-01-31 23:59:59");
    }

    #[test]
    fn a_position_is_kept_as_it_is() {
        let text = "000000000000002a";
        assert_eq!(read(text), Ok(Moment::Position(text.to_owned())));
    }

    #[test]
    fn refuses_what_is_none_of_the_three() {
        for text in ["", "2024", "2024-02-30", "20240131", "31.1.2024", "2a", "yesterday"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
