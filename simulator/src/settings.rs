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
    /// Whether the filters of a `studio` target come back.
    pub studio_filters: StudioFilters,
    /// The order in which filters and keywords come back.
    pub filter_order: FilterOrder,
    /// The order in which webhooks are listed.
    pub list_order: ListOrder,
    /// `date_updated` of a webhook that was never changed.
    pub date_updated: DateUpdated,
    /// How many webhooks a page may have.
    pub page_limit: PageLimit,
    /// What a closed conversation still admits.
    pub closed_conversation: ClosedConversation,
    /// The HTTP status of refusals for a conversation's state (50377, 50386, 50334).
    pub state_status: StateStatus,
    /// Whether a conversation's unique name is understood in the paths below the conversation.
    pub unique_name_in_path: UniqueNameInPath,
    /// What happens to filters for events that are not tied to one conversation.
    pub unscoped_events: Admitted,
    /// What happens to filters with the event names of the examples in Twilio's OpenAPI document.
    pub legacy_events: Admitted,
    /// What happens to parameters that the target does not have.
    pub other_target_keys: OtherTargetKeys,
    /// How often a delivery that failed is tried again.
    pub delivery_retries: u32,
    /// How many requests of an account may be under way at once; more are refused with 20429.
    pub max_concurrent: Option<usize>,
    /// How many changes a second a conversation or a service admits; more are refused with 50063.
    pub max_changes_per_second: Option<u32>,
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

/// Whether the filters of a `studio` target come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StudioFilters {
    /// They do.
    #[default]
    Echo,
    /// They do not, as in Twilio's examples, which show the flow alone.
    Hide,
}

/// The order in which filters and keywords come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FilterOrder {
    /// As they were sent.
    #[default]
    AsSent,
    /// The other way round: nothing is documented.
    Reversed,
}

/// The order in which webhooks are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListOrder {
    /// In the order of their creation.
    #[default]
    OldestFirst,
    /// The other way round: nothing is documented.
    NewestFirst,
}

/// `date_updated` of a webhook that was never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DateUpdated {
    /// The time of its creation.
    #[default]
    Always,
    /// Null until the first change.
    AfterChange,
}

/// How many webhooks a page may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PageLimit {
    /// 5, which is the default too, as in the OpenAPI document.
    #[default]
    Five,
    /// 1000, and 50 unless asked, as in the older documentation.
    Thousand,
}

/// What a closed conversation still admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClosedConversation {
    /// Webhooks can be deleted; all other changes meet 50377.
    #[default]
    RefuseChanges,
    /// All changes meet 50377.
    RefuseAll,
    /// Webhooks can be created, changed and deleted.
    Accept,
}

/// The HTTP status of refusals for a conversation's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StateStatus {
    /// 400.
    #[default]
    BadRequest,
    /// 409.
    Conflict,
}

/// Whether a conversation's unique name is understood in the paths below the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UniqueNameInPath {
    /// It is, as in the path of the conversation itself.
    #[default]
    Accept,
    /// The conversation is not found.
    Refuse,
}

/// What happens to a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Admitted {
    /// Refused with 50365.
    #[default]
    Refuse,
    /// Accepted, and it never fires.
    Accept,
}

/// What happens to parameters that the target does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OtherTargetKeys {
    /// Nothing.
    #[default]
    Ignore,
    /// They are refused with 20001.
    Refuse,
}
