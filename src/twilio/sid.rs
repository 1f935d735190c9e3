//! Twilio's identifiers: two letters that name the kind, then 32 hexadecimal digits.
//!
//! Parsed once at the edge, so that no other code asks whether a string is a SID. The digits are kept in lower case, as
//! Twilio writes them: a SID that a user typed and the one that comes back are equal.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Hexadecimal digits after the two letters.
const DIGITS: usize = 32;

/// A text is not a SID of the wanted kind.
///
/// Says what was expected and how long the text is, never the text: it may be a secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not {kind}: expected {prefix} and {DIGITS} hexadecimal digits, found {length} characters")]
pub struct InvalidSid {
    kind: &'static str,
    prefix: &'static str,
    length: usize,
}

fn canonical(text: &str, kind: &'static str, prefix: &'static str) -> Result<Box<str>, InvalidSid> {
    text.strip_prefix(prefix)
        .filter(|digits| digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .map(|digits| format!("{prefix}{}", digits.to_ascii_lowercase()).into())
        .ok_or_else(|| InvalidSid { kind, prefix, length: text.chars().count() })
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// The SID as Twilio writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidSid;

            fn from_str(text: &str) -> Result<Self, InvalidSid> {
                canonical(text, $kind, $prefix).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

sid!(
    /// An account (`AC…`): everything else lives in one.
    AccountSid, "AC", "an account SID"
);
sid!(
    /// A conversation (`CH…`).
    ConversationSid, "CH", "a conversation SID"
);
sid!(
    /// A Conversation Service (`IS…`), which Twilio's paths also call a chat service.
    ChatServiceSid, "IS", "a Conversation Service SID"
);
sid!(
    /// A conversation-scoped webhook (`WH…`): its only name, given by Twilio.
    WebhookSid, "WH", "a webhook SID"
);
sid!(
    /// A Studio flow (`FW…`).
    FlowSid, "FW", "a Studio flow SID"
);
sid!(
    /// An API key (`SK…`): a login that belongs to one account.
    ApiKeySid, "SK", "an API key SID"
);

#[cfg(test)]
mod tests {
    use super::*;

    const CH: &str = "CH0123456789abcdefabcdef0123456789";

    #[test]
    fn a_sid_keeps_its_text() {
        let sid: ConversationSid = CH.parse().unwrap();
        assert_eq!(sid.as_str(), CH);
        assert_eq!(sid.to_string(), CH);
        assert_eq!(format!("{sid:?}"), CH);
    }

    #[test]
    fn the_case_of_digits_does_not_matter() {
        let typed: ConversationSid = CH.replace("abcdef", "ABcdEF").parse().unwrap();
        assert_eq!(typed, CH.parse().unwrap());
        assert_eq!(typed.as_str(), CH);
    }

    #[test]
    fn json_is_validated() {
        let sid: ConversationSid = serde_json::from_str(&format!("\"{CH}\"")).unwrap();
        assert_eq!(serde_json::to_string(&sid).unwrap(), format!("\"{CH}\""));
        assert!(serde_json::from_str::<ConversationSid>("\"CH12\"").is_err());
        assert!(serde_json::from_str::<ConversationSid>("12").is_err());
    }

    #[test]
    fn every_kind_takes_only_its_own_letters() {
        let digits = "0".repeat(DIGITS);
        assert!(format!("AC{digits}").parse::<AccountSid>().is_ok());
        assert!(format!("IS{digits}").parse::<ChatServiceSid>().is_ok());
        assert!(format!("WH{digits}").parse::<WebhookSid>().is_ok());
        assert!(format!("FW{digits}").parse::<FlowSid>().is_ok());
        assert!(format!("SK{digits}").parse::<ApiKeySid>().is_ok());
        assert!(format!("SK{digits}").parse::<AccountSid>().is_err());
    }

    #[test]
    fn what_is_not_a_sid_is_refused() {
        let digits = "0".repeat(DIGITS);
        for text in [
            String::new(),
            "CH".to_owned(),
            format!("CH{}", "0".repeat(31)),
            format!("CH{}", "0".repeat(33)),
            format!("CH{}g", "0".repeat(31)),
            format!("ch{digits}"),
            format!(" CH{digits}"),
            format!("CH{digits}\n"),
            format!("CH{}", "ü".repeat(16)),
        ] {
            assert!(text.parse::<ConversationSid>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_error_says_what_was_expected_and_not_what_was_found() {
        let error = "a-token-in-the-wrong-place".parse::<AccountSid>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "not an account SID: expected AC and 32 hexadecimal digits, found 26 characters"
        );
        assert!(!format!("{error:?}").contains("token"));
    }
}
