//! Who did something, and how a test asks for "everything that *this* client did".

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something done, by somebody, at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// By whom.
    #[serde(flatten)]
    pub origin: Origin,
}

/// Where a change came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Origin {
    /// A request to the API.
    Api {
        /// Its number in the journal.
        request: u64,
        /// The user of its credentials (`AC…` or `SK…`).
        user: String,
        /// Its `User-Agent`.
        user_agent: String,
    },
    /// The control API or the library: Studio, Flex, a person.
    Outsider,
    /// The seed.
    Seed,
}

impl Origin {
    /// Whether both are one client's requests, or both somebody's who does not use the API.
    pub(crate) fn is_same_client(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Api { user, user_agent, .. }, Self::Api { user: other, user_agent: other_agent, .. }) => {
                user == other && user_agent == other_agent
            }
            (Self::Outsider, Self::Outsider) | (Self::Seed, Self::Seed) => true,
            _ => false,
        }
    }

    /// Whether it was a request to the API.
    #[must_use]
    pub const fn is_api(&self) -> bool {
        matches!(self, Self::Api { .. })
    }
}

/// Picks out one client of the API by its credentials, its `User-Agent`, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ApiClient {
    /// The user of the credentials; absent means any.
    pub user: Option<String>,
    /// The beginning of the `User-Agent`; absent means any.
    pub user_agent: Option<String>,
}

impl ApiClient {
    /// Everybody who uses the API.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// The client that authenticates as `AC…` or `SK…`.
    #[must_use]
    pub fn user(user: &(impl ToString + ?Sized)) -> Self {
        Self { user: Some(user.to_string()), user_agent: None }
    }

    /// The client whose `User-Agent` begins like this.
    #[must_use]
    pub fn user_agent(prefix: impl Into<String>) -> Self {
        Self { user: None, user_agent: Some(prefix.into()) }
    }

    /// Whether this was its doing.
    #[must_use]
    pub fn did(&self, act: &Act) -> bool {
        let Origin::Api { user, user_agent, .. } = &act.origin else { return false };
        self.user.as_ref().is_none_or(|wanted| wanted == user)
            && self.user_agent.as_ref().is_none_or(|prefix| user_agent.starts_with(prefix.as_str()))
    }
}
