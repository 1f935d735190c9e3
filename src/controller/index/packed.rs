//! Objects as few bytes: compressed JSON, with a dictionary of what most objects have in common.

use std::sync::{Mutex, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::error_boundary::InvalidObject;
use serde::{Deserialize, Serialize};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::api::ConversationWebhook;
use crate::controller::guarded::Guarded;

/// What most objects have in common; it only has to resemble them. Whoever changes messages or fields may change it, or not:
/// it is never stored.
pub(super) const COMMON: &[u8] = include_bytes!("common.json");

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
    #[error("cut short")]
    Short,
}

impl Packer {
    pub(super) fn new() -> std::io::Result<Self> {
        let mut packs = Compressor::with_dictionary(LEVEL, COMMON)?;
        // The length is at the start of what is packed.
        packs.set_parameter(CParameter::ContentSizeFlag(false))?;
        Ok(Self {
            packs: Mutex::new((packs, Vec::new())),
            unpacks: Mutex::new(Decompressor::with_dictionary(COMMON)?),
        })
    }

    pub(super) fn pack(&self, guarded: &Guarded) -> Result<Packed, PackError> {
        let content = Borrowed::of(guarded);
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        let (compressor, json) = &mut *packs;
        json.clear();
        serde_json::to_writer(&mut *json, &content)?;
        let mut packed = u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        packed.extend(compressor.compress(json)?);
        Ok(Packed(packed.into()))
    }

    pub(super) fn unpack(&self, packed: &Packed) -> Result<Guarded, PackError> {
        let (length, rest) = packed.0.split_first_chunk::<4>().ok_or(PackError::Short)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let json = self.unpacks.lock().unwrap_or_else(PoisonError::into_inner).decompress(rest, length)?;
        Ok(Guarded(match serde_json::from_slice(&json)? {
            Content::Object(object) => Ok(*object),
            Content::Invalid { error, metadata } => Err(InvalidObject { error, metadata: *metadata }),
        }))
    }
}
