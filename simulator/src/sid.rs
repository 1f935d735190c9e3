//! Twilio's SIDs as types: a prefix that names the kind, and 128 bits in lower-case hex.
//!
//! Every SID is parsed once, where it enters, and is a plain copyable number from there on. SIDs made here come
//! from [`SidSource`], so that one seed gives one sequence; nothing here may ask the operating system for randomness.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A text that is not the SID that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {prefix} and 32 hexadecimal digits")]
pub struct SidError {
    prefix: &'static str,
}

macro_rules! sids {
    ($($(#[$doc:meta])+ $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            #[doc = concat!("The SID whose 128 bits are `number`: `", $prefix, "000…001` for 1. Handy in seeds.")]
            #[must_use]
            pub const fn numbered(number: u128) -> Self {
                Self(number)
            }

            /// Its 128 bits.
            #[must_use]
            pub const fn number(self) -> u128 {
                self.0
            }
        }

        impl From<u128> for $name {
            fn from(bits: u128) -> Self {
                Self(bits)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(text($prefix, self.0, &mut [0; SID_BYTES]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = SidError;

            fn from_str(text: &str) -> Result<Self, SidError> {
                parse($prefix, text).map(Self).ok_or(SidError { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(text($prefix, self.0, &mut [0; SID_BYTES]))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

sids! {
    /// An account.
    AccountSid = "AC";
    /// An API key.
    KeySid = "SK";
    /// A Conversations service (`chat_service_sid`).
    ServiceSid = "IS";
    /// A messaging service.
    MessagingServiceSid = "MG";
    /// A conversation.
    ConversationSid = "CH";
    /// A conversation-scoped webhook.
    WebhookSid = "WH";
    /// A message of a conversation.
    MessageSid = "IM";
    /// A participant of a conversation.
    ParticipantSid = "MB";
    /// The role of a participant.
    RoleSid = "RL";
    /// A delivery receipt of a message.
    ReceiptSid = "DY";
    /// A message as its channel knows it (SMS and the like).
    ChannelMessageSid = "SM";
    /// A Studio flow.
    FlowSid = "FW";
    /// The id that Twilio gives each request (`Twilio-Request-Id`).
    RequestId = "RQ";
}

/// Prefix and digits.
const SID_BYTES: usize = 34;

/// Writes a SID in one piece. A list of webhooks is SIDs for the most part, and the formatting machinery passes on
/// their leading zeros one by one.
fn text<'a>(prefix: &str, number: u128, buffer: &'a mut [u8; SID_BYTES]) -> &'a str {
    let (kind, digits) = buffer.split_at_mut(prefix.len());
    kind.copy_from_slice(prefix.as_bytes());
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
    }
    std::str::from_utf8(buffer).unwrap_or_default()
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn parse(prefix: &str, text: &str) -> Option<u128> {
    let digits = text.strip_prefix(prefix)?;
    let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(digits, 16).ok()).flatten()
}

/// A seeded source of SIDs and other random numbers, without a lock.
///
/// `SplitMix64` over a counter: one-to-one on 64 bits, so that no SID repeats within a run.
#[derive(Debug)]
pub(crate) struct SidSource {
    counter: AtomicU64,
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl SidSource {
    pub(crate) fn new(seed: u64) -> Self {
        Self { counter: AtomicU64::new(mix(seed)) }
    }

    pub(crate) fn next<S: From<u128>>(&self) -> S {
        let counter = self.counter.fetch_add(GOLDEN_GAMMA, Ordering::Relaxed);
        let high = mix(counter);
        S::from(u128::from(high) << 64 | u128::from(mix(high ^ GOLDEN_GAMMA)))
    }
}

/// A seeded sequence of numbers in `0.0..1.0`, for one owner.
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    counter: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { counter: mix(seed) }
    }

    pub(crate) fn roll(&mut self) -> f64 {
        self.counter = self.counter.wrapping_add(GOLDEN_GAMMA);
        let bits = u32::try_from(mix(self.counter) >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_survives_the_round_trip() {
        let sid: WebhookSid = "WH0123456789abcdef0123456789abcdef".parse().unwrap();
        assert_eq!(sid.to_string(), "WH0123456789abcdef0123456789abcdef");
        assert_eq!(serde_json::to_value(sid).unwrap(), "WH0123456789abcdef0123456789abcdef");
        assert_eq!(AccountSid::numbered(u128::MAX).to_string(), format!("AC{}", "f".repeat(32)));
        assert_eq!(format!("{:?}", FlowSid::numbered(10)), format!("FW{}a", "0".repeat(31)));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "WH", "CH0123456789abcdef0123456789abcdef", "WH+123456789abcdef0123456789abcdef", "WHé"]
        {
            assert!(text.parse::<WebhookSid>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let sequence = |seed| {
            let source = SidSource::new(seed);
            (0..1000).map(|_| source.next::<WebhookSid>()).collect::<Vec<_>>()
        };
        assert_eq!(sequence(7), sequence(7));
        assert_ne!(sequence(7), sequence(8));
        let unique: std::collections::HashSet<_> = sequence(7).into_iter().collect();
        assert_eq!(unique.len(), 1000);
    }
}
