//! Objects as few bytes: compressed JSON, with a dictionary of what most objects have in common.
//!
//! What no dictionary knows are SIDs and uids, more than half of what is left. They are taken as the numbers that they are
//! before anything is compressed. What is packed is a Zstandard frame (RFC 8878) without its first four bytes, which all
//! frames share. It says how long the JSON with these numbers is, and not which dictionary it takes.

use std::sync::{Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::error_boundary::InvalidObject;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use uuid::fmt::{Hyphenated, Simple};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, get_frame_content_size};

use crate::api::ConversationWebhook;
use crate::controller::guarded::Guarded;

/// What most objects have in common, as `zstd --train` makes it of some: their texts, and how often which bytes occur. It only
/// has to resemble them. Whoever changes messages or fields may change it, or not: it is never stored.
pub(super) const COMMON: &[u8] = include_bytes!("common.zdict");

/// What every frame begins with.
const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// Higher ones save no byte of texts as short as these.
const LEVEL: i32 = 3;

/// An object, packed.
#[derive(Clone, Debug)]
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Packed {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

#[cfg(test)]
impl Packer {
    /// What is compressed.
    pub(super) fn short(guarded: &Guarded) -> Result<Vec<u8>, PackError> {
        Ok(shorten(&serde_json::to_vec(&Borrowed::of(guarded))?))
    }
}

/// What is packed.
#[derive(Serialize, Deserialize)]
enum Content {
    #[serde(rename = "")]
    Object(Box<ConversationWebhook>),
    Invalid {
        error: String,
        metadata: Box<ObjectMeta>,
    },
}

/// The same, borrowed.
#[derive(Serialize)]
enum Borrowed<'a> {
    #[serde(rename = "")]
    Object(&'a ConversationWebhook),
    Invalid {
        error: &'a str,
        metadata: &'a ObjectMeta,
    },
}

impl<'a> Borrowed<'a> {
    fn of(guarded: &'a Guarded) -> Self {
        match &guarded.0 {
            Ok(object) => Self::Object(object),
            Err(InvalidObject { error, metadata }) => Self::Invalid { error, metadata },
        }
    }
}

/// Packs and unpacks.
pub(super) struct Packer {
    packs: Mutex<(Compressor<'static>, Vec<u8>)>,
    unpacks: Mutex<Decompressor<'static>>,
}

/// An object was not packed, or could not be unpacked: a bug, or no memory.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackError {
    #[error("as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("compressed: {0}")]
    Zstd(#[from] std::io::Error),
    #[error("not as it was packed")]
    Frame,
}

impl Packer {
    pub(super) fn new() -> std::io::Result<Self> {
        Self::with_dictionary(COMMON)
    }

    pub(super) fn with_dictionary(dictionary: &[u8]) -> std::io::Result<Self> {
        let mut packs = Compressor::with_dictionary(LEVEL, dictionary)?;
        packs.set_parameter(CParameter::DictIdFlag(false))?;
        Ok(Self {
            packs: Mutex::new((packs, Vec::new())),
            unpacks: Mutex::new(Decompressor::with_dictionary(dictionary)?),
        })
    }

    pub(super) fn pack(&self, guarded: &Guarded) -> Result<Packed, PackError> {
        let content = Borrowed::of(guarded);
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        let (compressor, json) = &mut *packs;
        json.clear();
        serde_json::to_writer(&mut *json, &content)?;
        let frame = compressor.compress(&shorten(json))?;
        Ok(Packed(frame.strip_prefix(&MAGIC).ok_or(PackError::Frame)?.into()))
    }

    pub(super) fn unpack(&self, packed: &Packed) -> Result<Guarded, PackError> {
        let frame = [&MAGIC, &*packed.0].concat();
        let length = get_frame_content_size(&frame).map_err(|_| PackError::Frame)?.ok_or(PackError::Frame)?;
        let length = usize::try_from(length).map_err(|_| PackError::Frame)?;
        let short = self.unpacks.lock().unwrap_or_else(PoisonError::into_inner).decompress(&frame, length)?;
        Ok(Guarded(match serde_json::from_slice(&lengthen(&short))? {
            Content::Object(object) => Ok(*object),
            Content::Invalid { error, metadata } => Err(InvalidObject { error, metadata: *metadata }),
        }))
    }
}

/// How 16 bytes are written in hexadecimal. Each has a mark, which never stands in JSON.
const FORMS: [(u8, usize); 2] = [(1, Hyphenated::LENGTH), (2, Simple::LENGTH)];

fn write(number: Uuid, mark: u8, buffer: &mut [u8]) -> &[u8] {
    if mark == FORMS[0].0 {
        number.hyphenated().encode_lower(buffer).as_bytes()
    } else {
        number.simple().encode_lower(buffer).as_bytes()
    }
}

/// The number at the start of this text, with the mark of its form and its length.
fn number(text: &[u8]) -> Option<(Uuid, u8, usize)> {
    FORMS.into_iter().find_map(|(mark, length)| {
        let text = text.get(..length)?;
        let number = Uuid::try_parse_ascii(text).ok()?;
        // Whatever else can be read like that comes back in another form.
        (write(number, mark, &mut [0; Hyphenated::LENGTH]) == text).then_some((number, mark, length))
    })
}

/// Bytes of digits at the start of this text, or of anything else.
fn run(text: &[u8], of_digits: bool) -> usize {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.iter().position(|byte| is_digit(byte) != of_digits).unwrap_or(text.len())
}

/// JSON with each SID and each uid in 17 bytes.
fn shorten(json: &[u8]) -> Vec<u8> {
    let mut short = Vec::with_capacity(json.len());
    let mut rest = json;
    while !rest.is_empty() {
        let (other, after) = rest.split_at(run(rest, false));
        short.extend(other);
        // No number starts in the midst of digits, and each starts with as many as a uid has before its first hyphen.
        let digits = run(after, true);
        let found = if digits < 8 { None } else { number(after) };
        if let Some((number, mark, length)) = found {
            short.push(mark);
            short.extend(number.as_bytes());
            rest = &after[length..];
        } else {
            let (digits, after) = after.split_at(digits);
            short.extend(digits);
            rest = after;
        }
    }
    short
}

/// What was shortened, as it was.
fn lengthen(short: &[u8]) -> Vec<u8> {
    let mut json = Vec::with_capacity(short.len() * 2);
    let mut rest = short;
    loop {
        let mark = rest.iter().position(|byte| FORMS.iter().any(|(mark, _)| mark == byte));
        let (other, after) = rest.split_at(mark.unwrap_or(rest.len()));
        json.extend(other);
        let Some((mark, after)) = after.split_first() else { return json };
        // What packs puts 16 bytes behind each.
        let Some((bytes, after)) = after.split_first_chunk() else { return json };
        json.extend(write(Uuid::from_bytes(*bytes), *mark, &mut [0; Hyphenated::LENGTH]));
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sids_and_uids_take_17_bytes() {
        let json =
            br#"{"a":"WH5ff741112bc3a3916354283379b8e8c4","b":"3759bff0-3195-4635-81e7-fc8297a253bb"}"#;
        assert_eq!(shorten(json).len(), json.len() - 15 - 19);
    }

    proptest! {
        #[test]
        fn what_is_shortened_comes_back_as_it_was(
            parts in prop::collection::vec("[0-9a-fA-F-]{0,40}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[^a]{0,5}", 0..8)
        ) {
            let json = serde_json::to_vec(&parts).unwrap();
            prop_assert_eq!(lengthen(&shorten(&json)), json);
        }
    }
}
