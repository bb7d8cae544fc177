//! `google.protobuf.Timestamp` with its canonical JSON: RFC 3339 in UTC, ended by `Z`, with three,
//! six or nine decimals of a second or none. `pbjson-types` ends it with `+00:00`.

use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// 0001-01-01T00:00:00Z, the first moment that the type has.
const FIRST: i64 = -62_135_596_800;
/// 9999-12-30T22:00:00Z, the last second that the calendar here has: a day before the last of the
/// type.
const LAST: i64 = 253_402_207_200;

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after them, never negative.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(moment: jiff::Timestamp) -> Self {
        let (mut seconds, mut nanos) = (moment.as_second(), moment.subsec_nanosecond());
        // Before 1970 the parts of jiff are both negative; here nanoseconds never are.
        if nanos < 0 {
            seconds -= 1;
            nanos += 1_000_000_000;
        }
        Timestamp { seconds, nanos }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = u32::try_from(self.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
        let moment = jiff::Timestamp::new(self.seconds, 0);
        let (Some(nanos), Ok(moment), FIRST..=LAST) = (nanos, moment, self.seconds) else {
            return Err(S::Error::custom(
                "a time that JSON cannot say: not of the years 1 to 9999",
            ));
        };
        let whole = moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S");
        let text = match nanos {
            0 => format!("{whole}Z"),
            n if n % 1_000_000 == 0 => format!("{whole}.{:03}Z", n / 1_000_000),
            n if n % 1_000 == 0 => format!("{whole}.{:06}Z", n / 1_000),
            n => format!("{whole}.{n:09}Z"),
        };
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let read: jiff::Timestamp = text.parse().map_err(|_| {
            D::Error::custom(format!("{text:?} is no time such as 2024-01-31T08:00:00Z"))
        })?;
        match Timestamp::from(read) {
            moment @ Timestamp { seconds: FIRST..=LAST, .. } => Ok(moment),
            _ => Err(D::Error::custom(format!("{text:?} is not of the years 1 to 9999"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_canonical_and_reads_other_forms() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_700_000_000, 120_000_000, "2023-11-14T22:13:20.120Z"),
            (1_700_000_000, 120_000, "2023-11-14T22:13:20.000120Z"),
            (1_700_000_000, 1, "2023-11-14T22:13:20.000000001Z"),
            (-1, 500_000_000, "1969-12-31T23:59:59.500Z"),
            (FIRST, 0, "0001-01-01T00:00:00Z"),
            (LAST, 999_999_999, "9999-12-30T22:00:00.999999999Z"),
        ] {
            let moment = Timestamp { seconds, nanos };
            let json = format!("{text:?}");
            assert_eq!(serde_json::to_string(&moment).expect("written"), json);
            assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("read"), moment);
        }
        let read = serde_json::from_str::<Timestamp>("\"2023-11-15T06:13:20.5+08:00\"");
        assert_eq!(read.expect("read"), Timestamp { seconds: 1_700_000_000, nanos: 500_000_000 });
    }

    #[test]
    fn refuses_what_is_no_moment() {
        for moment in [
            Timestamp { seconds: 0, nanos: -1 },
            Timestamp { seconds: 0, nanos: 1_000_000_000 },
            Timestamp { seconds: FIRST - 1, nanos: 0 },
            Timestamp { seconds: LAST + 1, nanos: 0 },
            Timestamp { seconds: i64::MAX, nanos: 0 },
        ] {
            assert!(serde_json::to_string(&moment).is_err(), "{moment:?}");
        }
        for text in
            ["", "2024", "2024-01-31", "2024-01-31T08:00:00", "0000-12-31T23:59:59Z", "昨天"]
        {
            assert!(serde_json::from_str::<Timestamp>(&format!("{text:?}")).is_err(), "{text}");
        }
    }
}
