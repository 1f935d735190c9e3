//! A Conversations service, and the webhooks that are set for a whole service or a whole account.

use jiff::Timestamp;

use super::pace::Pace;
use super::webhook::Method;
use crate::sid::{RoleSid, ServiceSid};

/// A service.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) sid: ServiceSid,
    pub(crate) friendly_name: String,
    /// Its place in the order of creation.
    pub(crate) ordinal: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) webhook: WideWebhook,
    pub(crate) pace: Pace,
}

impl Service {
    /// The role that participants have unless they are given another.
    pub(crate) const fn participant_role(&self) -> RoleSid {
        RoleSid::numbered(self.sid.number() ^ 1)
    }
}

/// A webhook for every conversation of a service or of an account. It hears of what its filters name, and exists
/// beside the scoped ones. Events before the fact are not simulated: the URL for them is kept and never called.
#[derive(Debug, Clone, Default)]
pub(crate) struct WideWebhook {
    /// POST unless it is set.
    pub(crate) method: Option<Method>,
    pub(crate) filters: Vec<String>,
    pub(crate) pre_url: Option<String>,
    pub(crate) post_url: Option<String>,
    /// The account's only: events go to Flex, not to a URL.
    pub(crate) to_flex: bool,
}
