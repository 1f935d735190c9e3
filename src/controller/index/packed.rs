//! Objects as few bytes: compressed JSON, with a dictionary of what most objects have in common.
//!
//! What is packed is a Zstandard frame (RFC 8878) without its first four bytes, which all frames share. It says how long the
//! object is, and not which dictionary it takes.

use std::sync::{Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::error_boundary::InvalidObject;
use serde::{Deserialize, Serialize};
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

#[cfg(test)]
impl Packed {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
impl Packer {
    /// What is compressed.
    pub(super) fn json(guarded: &Guarded) -> Result<String, PackError> {
        Ok(serde_json::to_string(&Borrowed::of(guarded))?)
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
        let frame = compressor.compress(json)?;
        Ok(Packed(frame.strip_prefix(&MAGIC).ok_or(PackError::Frame)?.into()))
    }

    pub(super) fn unpack(&self, packed: &Packed) -> Result<Guarded, PackError> {
        let frame = [&MAGIC, &*packed.0].concat();
        let length = get_frame_content_size(&frame).map_err(|_| PackError::Frame)?.ok_or(PackError::Frame)?;
        let length = usize::try_from(length).map_err(|_| PackError::Frame)?;
        let json = self.unpacks.lock().unwrap_or_else(PoisonError::into_inner).decompress(&frame, length)?;
        Ok(Guarded(match serde_json::from_slice(&json)? {
            Content::Object(object) => Ok(*object),
            Content::Invalid { error, metadata } => Err(InvalidObject { error, metadata: *metadata }),
        }))
    }
}
