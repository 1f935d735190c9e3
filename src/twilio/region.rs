//! Regions and edges: the parts of a host name that a Secret may choose.

use std::fmt;
use std::str::FromStr;

/// A text cannot be one part of a host name: lower-case letters, digits and inner hyphens, at most 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected lower-case letters, digits and inner hyphens, at most 63")]
pub struct InvalidLabel;

fn label(text: &str) -> Result<Box<str>, InvalidLabel> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (1..=63).contains(&text.len())
        && text.bytes().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if good { Ok(text.into()) } else { Err(InvalidLabel) }
}

/// A Twilio region, `us1` by default: regions share neither data nor credentials.
///
/// It becomes a part of the host name, and its characters are such that it can become nothing else.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(Box<str>);

impl Region {
    /// The region as Twilio writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The edge that Twilio documents for the region, where it documents one.
    pub(super) fn default_edge(&self) -> Option<Edge> {
        let name = match &*self.0 {
            "us1" => "ashburn",
            "ie1" => "dublin",
            "au1" => "sydney",
            _ => return None,
        };
        Some(Edge(name.into()))
    }
}

impl Default for Region {
    fn default() -> Self {
        Self("us1".into())
    }
}

/// A Twilio edge: the place where requests enter Twilio's network. Has the same safe characters as [`Region`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge(Box<str>);

impl Edge {
    /// The edge as Twilio writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_of_label {
    ($name:ident) => {
        impl FromStr for $name {
            type Err = InvalidLabel;

            fn from_str(text: &str) -> Result<Self, InvalidLabel> {
                label(text).map(Self)
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
    };
}

text_of_label!(Region);
text_of_label!(Edge);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_cannot_alter_a_host() {
        for bad in ["", "-a", "a-", "A", "a.b", "a/b", "a@b", "a:1", "a b", "ä", "a\n", &"a".repeat(64)] {
            assert!(bad.parse::<Region>().is_err() && bad.parse::<Edge>().is_err(), "{bad:?}");
        }
    }
}
