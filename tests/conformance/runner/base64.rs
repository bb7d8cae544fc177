//! Base64 with padding, as the protocol has it.
//!
//! Bytes are read and written by the JSON of protobuf, which has them in base64: that needs no
//! crate.

use std::error::Error;

use pbjson_types::BytesValue;

/// The text of bytes.
pub(crate) fn write(bytes: Vec<u8>) -> Result<String, Box<dyn Error>> {
    Ok(serde_json::from_value(serde_json::to_value(BytesValue { value: bytes.into() })?)?)
}

/// The bytes of a text.
pub(crate) fn read(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let value: BytesValue = serde_json::from_value(text.into())?;
    Ok(value.value.to_vec())
}
