//! Switches for the points on which Twilio's own sources disagree, or say nothing. The defaults follow the
//! OpenAPI document; a client that is to survive the real service should pass with every combination.

use serde::{Deserialize, Serialize};

/// How the simulator behaves where Twilio's behaviour is not certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// The case in which `configuration.method` comes back.
    pub method_case: MethodCase,
    /// The key under which a trigger's keywords come back.
    pub trigger_keys: TriggerKeys,
    /// Whether `configuration.replay_after` comes back.
    pub echo_replay_after: bool,
    /// The HTTP status of the limits on counts (50361 and 50362).
    pub count_limit_status: CountLimitStatus,
    /// The code of a 404 for a conversation, webhook or service.
    pub not_found_code: NotFoundCode,
    /// What happens to a `webhook` target that is created without filters.
    pub missing_filters: MissingFilters,
}

/// The case of `configuration.method` in replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MethodCase {
    /// `get`, `post`: since July 2025.
    #[default]
    Lower,
    /// `GET`, `POST`: before that.
    Upper,
}

/// The key of a trigger's keywords in replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TriggerKeys {
    /// Under `triggers`, as field code reads them.
    #[default]
    Triggers,
    /// Under `filters`, as Twilio's examples show them.
    Filters,
}

/// The HTTP status of a limit on counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CountLimitStatus {
    /// 400, as for other refused parameters.
    #[default]
    BadRequest,
    /// 403, as Twilio's older chat limits page says.
    Forbidden,
}

/// The code in the body of a 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotFoundCode {
    /// 20404 for everything.
    #[default]
    General,
    /// 50350 for a conversation, 50360 for a webhook, 50050 for a service.
    Specific,
}

/// What a `webhook` target without filters meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MissingFilters {
    /// Refused with 50370, as the error catalogue says.
    #[default]
    Refuse,
    /// Created, and then never fires, as field reports say.
    Accept,
}
