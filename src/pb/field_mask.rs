//! `google.protobuf.FieldMask` with its canonical JSON: one string, paths joined by commas, each in
//! lowerCamelCase. `pbjson-types` does not have it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which fields are meant, by their paths.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct FieldMask {
    /// The paths, in the words of the schema.
    #[prost(string, repeated, tag = "1")]
    pub paths: Vec<String>,
}

impl Serialize for FieldMask {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let paths: Vec<String> = self.paths.iter().map(|path| camel(path)).collect();
        serializer.serialize_str(&paths.join(","))
    }
}

impl<'de> Deserialize<'de> for FieldMask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // An underscore would not come back from JSON as it went in.
        if text.contains('_') {
            return Err(D::Error::custom("the paths of a field mask are lowerCamelCase in JSON"));
        }
        let paths = text.split(',').filter(|path| !path.is_empty()).map(snake).collect();
        Ok(FieldMask { paths })
    }
}

fn camel(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rises = false;
    for c in path.chars() {
        match c {
            '_' => rises = true,
            c if rises => {
                out.push(c.to_ascii_uppercase());
                rises = false;
            }
            c => out.push(c),
        }
    }
    out
}

fn snake(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 4);
    for c in path.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_string_in_camel_case() {
        let paths = ["display_name", "affiliations", "active_until_year"];
        let mask = FieldMask { paths: paths.map(str::to_owned).to_vec() };
        let json = serde_json::to_string(&mask).expect("written");
        assert_eq!(json, "\"displayName,affiliations,activeUntilYear\"");
        assert_eq!(serde_json::from_str::<FieldMask>(&json).expect("read"), mask);
        assert_eq!(serde_json::from_str::<FieldMask>("\"\"").expect("read"), FieldMask::default());
        assert!(serde_json::from_str::<FieldMask>("\"display_name\"").is_err());
    }
}
