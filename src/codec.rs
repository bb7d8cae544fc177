//! The bytes of a call: prost's codec, but a write that carries a field which this schema does not
//! have is refused. prost would drop it, and the cell of a newer client would be lost in silence.
//!
//! Which messages are held to that, and which fields they have, is written by `src/codegen`.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use tonic::Status;
use tonic::codec::{BufferSettings, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

use crate::failure::Failure;
use crate::pb;

/// The wire types of fields, as the encoding numbers them.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// What a message has: each field with its number, its name, and the shape of its message, if any.
struct Shape {
    message: &'static str,
    /// Ordered by number.
    fields: &'static [(u32, &'static str, Option<usize>)],
}

/// A message that a method takes or answers.
pub trait Carried: Message + Default {
    /// Where its shape stands, if unknown fields are refused.
    const SHAPE: Option<usize>;
}

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

/// Encodes `T` and decodes `U`. The generated servers and clients use it.
#[derive(Debug, Clone)]
pub struct Codec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Codec(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Carried + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = Strict<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Strict(PhantomData)
    }
}

/// Decodes `U`, and refuses what it would lose.
#[derive(Debug, Clone)]
pub struct Strict<U>(PhantomData<U>);

impl<U: Carried> Decoder for Strict<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let Some(shape) = U::SHAPE else {
            return Ok(Some(U::decode(buf).map_err(unreadable)?));
        };
        // The message stands there in one piece, so this copies nothing.
        let bytes = buf.copy_to_bytes(buf.remaining());
        let message = U::decode(bytes.as_ref()).map_err(unreadable)?;
        let mut path = Vec::new();
        match unknown(&SHAPES[shape], &bytes, &mut path) {
            None => Ok(Some(message)),
            Some((message, number)) => {
                Err(Failure::UnknownField { path: path.join("."), message, number }.into())
            }
        }
    }
}

fn unreadable(error: prost::DecodeError) -> Status {
    Failure::RequestUnreadable(error.to_string()).into()
}

/// The first field that is not of the shape: its message and its number; `path` then leads to that
/// message. The bytes have been decoded, so they are whole.
fn unknown(
    shape: &Shape,
    mut bytes: &[u8],
    path: &mut Vec<&'static str>,
) -> Option<(&'static str, u32)> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = u32::try_from(key >> 3).ok()?;
        let Ok(at) = shape.fields.binary_search_by_key(&number, |(number, ..)| *number) else {
            return Some((shape.message, number));
        };
        let (_, name, below) = shape.fields[at];
        let length = match key & 7 {
            VARINT => {
                varint(&mut bytes)?;
                0
            }
            FIXED_64 => 8,
            FIXED_32 => 4,
            DELIMITED => usize::try_from(varint(&mut bytes)?).ok()?,
            // Groups are of no field that the schema has.
            _ => return None,
        };
        let (value, rest) = bytes.split_at_checked(length)?;
        if let Some(below) = below {
            path.push(name);
            if let Some(found) = unknown(&SHAPES[below], value, path) {
                return Some(found);
            }
            path.pop();
        }
        bytes = rest;
    }
    None
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
