//! From form parameters to a [`Configuration`], with the checks and codes of each target. Parameters that the
//! target does not have, and unknown ones, are ignored, as Twilio does; nothing here looks at the conversation.

use std::collections::BTreeSet;

use url::Url;

use super::params::Params;
use super::refusal::Refusal;
use crate::seed::{Region, WebhookSeed};
use crate::settings::{Admitted, MissingFilters, OtherTargetKeys, Settings};
use crate::sid::FlowSid;
use crate::world::{Configuration, Method, Target};

const URL: &str = "Configuration.Url";
const METHOD: &str = "Configuration.Method";
const FILTERS: &str = "Configuration.Filters";
const TRIGGERS: &str = "Configuration.Triggers";
const FLOW_SID: &str = "Configuration.FlowSid";
const REPLAY_AFTER: &str = "Configuration.ReplayAfter";

const MAX_URL_CHARS: usize = 512;
const MAX_TRIGGERS: usize = 5;
const MAX_TRIGGER_CHARS: usize = 248;

/// The events that a scoped webhook may ask for: those after the fact, and tied to one conversation.
const SCOPED_EVENTS: [&str; 10] = [
    "onMessageAdded",
    "onMessageUpdated",
    "onMessageRemoved",
    "onConversationUpdated",
    "onConversationStateUpdated",
    "onConversationRemoved",
    "onParticipantAdded",
    "onParticipantUpdated",
    "onParticipantRemoved",
    "onDeliveryUpdated",
];

/// The events after the fact that are not tied to one conversation.
const UNSCOPED_EVENTS: [&str; 3] = ["onConversationAdded", "onUserAdded", "onUserUpdated"];

/// The events before the fact.
const PRE_EVENTS: [&str; 10] = [
    "onMessageAdd",
    "onMessageUpdate",
    "onMessageRemove",
    "onConversationAdd",
    "onConversationUpdate",
    "onConversationRemove",
    "onParticipantAdd",
    "onParticipantUpdate",
    "onParticipantRemove",
    "onUserUpdate",
];

/// Names that the examples of Twilio's OpenAPI document have, and no list of events.
const LEGACY_EVENTS: [&str; 3] = ["onMessageSent", "onConversationDestroyed", "onMessageSend"];

/// What the checks need to know besides the parameters.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) settings: Settings,
    /// Where the account is.
    pub(crate) region: Region,
    /// The account's flows; `None` means that every well-formed SID is one.
    pub(crate) flows: Option<&'a BTreeSet<FlowSid>>,
}

/// The parameters of a create, checked.
pub(crate) fn create(params: &Params, rules: Rules<'_>) -> Result<(Configuration, Option<u64>), Refusal> {
    let target = target(params)?;
    refuse_keys_of_others(params, target, rules.settings)?;
    let configuration = match target {
        Target::Webhook => Configuration::Webhook {
            url: url(params)?.ok_or(Refusal::MissingUrl)?,
            method: method(params)?.unwrap_or_default(),
            filters: match (filters(params, rules.settings)?, rules.settings.missing_filters) {
                (Some(filters), _) => filters,
                (None, MissingFilters::Accept) => Vec::new(),
                (None, MissingFilters::Refuse) => return Err(Refusal::MissingFilter),
            },
        },
        Target::Trigger => Configuration::Trigger {
            url: url(params)?.ok_or(Refusal::MissingUrl)?,
            method: method(params)?.unwrap_or_default(),
            triggers: triggers(params)?.ok_or(Refusal::MissingTrigger)?,
        },
        // Ireland has no Studio.
        Target::Studio if rules.region == Region::Ie1 => return Err(Refusal::InvalidTarget),
        Target::Studio => Configuration::Studio {
            flow_sid: flow_sid(params, rules)?.ok_or(Refusal::InvalidFlowSid)?,
            filters: filters(params, rules.settings)?.unwrap_or_default(),
        },
    };
    Ok((configuration, replay_after(params)?))
}

/// The parameters of an update, checked and laid over what is there: what was not sent keeps its value, a list
/// that was sent replaces the whole list. `Target` and `ReplayAfter` are not parameters of an update.
pub(crate) fn update(
    params: &Params,
    current: &Configuration,
    rules: Rules<'_>,
) -> Result<Configuration, Refusal> {
    refuse_keys_of_others(params, current.target(), rules.settings)?;
    let mut next = current.clone();
    match &mut next {
        Configuration::Webhook { url: old_url, method: old_method, filters: old_filters } => {
            replace(old_url, url(params)?);
            replace(old_method, method(params)?);
            replace(old_filters, filters(params, rules.settings)?);
        }
        Configuration::Trigger { url: old_url, method: old_method, triggers: old_triggers } => {
            replace(old_url, url(params)?);
            replace(old_method, method(params)?);
            replace(old_triggers, triggers(params)?);
        }
        Configuration::Studio { flow_sid: old_flow_sid, filters: old_filters } => {
            replace(old_flow_sid, flow_sid(params, rules)?);
            replace(old_filters, filters(params, rules.settings)?);
        }
    }
    Ok(next)
}

impl WebhookSeed {
    /// The parameters that a client would send for this.
    pub(crate) fn to_params(&self) -> Params {
        let mut params = Params::default();
        let target = match self.target {
            Target::Webhook => "webhook",
            Target::Trigger => "trigger",
            Target::Studio => "studio",
        };
        params.push("Target", target);
        for (name, value) in [(URL, &self.url), (METHOD, &self.method), (FLOW_SID, &self.flow_sid)] {
            if let Some(value) = value {
                params.push(name, value);
            }
        }
        for (name, values) in [(FILTERS, &self.filters), (TRIGGERS, &self.triggers)] {
            for value in values {
                params.push(name, value);
            }
        }
        if let Some(index) = self.replay_after {
            params.push(REPLAY_AFTER, index.to_string());
        }
        params
    }
}

fn replace<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn target(params: &Params) -> Result<Target, Refusal> {
    match params.get("Target").filter(|text| !text.is_empty()) {
        None => Err(Refusal::MissingTarget),
        Some("webhook") => Ok(Target::Webhook),
        Some("trigger") => Ok(Target::Trigger),
        Some("studio") => Ok(Target::Studio),
        Some(_) => Err(Refusal::InvalidTarget),
    }
}

fn url(params: &Params) -> Result<Option<String>, Refusal> {
    let Some(text) = params.get(URL) else { return Ok(None) };
    if text.is_empty() {
        return Err(Refusal::MissingUrl);
    }
    if text.chars().count() > MAX_URL_CHARS {
        return Err(Refusal::UrlTooLong);
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(text.to_owned())),
        _ => Err(Refusal::InvalidUrl),
    }
}

fn method(params: &Params) -> Result<Option<Method>, Refusal> {
    match params.get(METHOD) {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("get") => Ok(Some(Method::Get)),
        Some(text) if text.eq_ignore_ascii_case("post") => Ok(Some(Method::Post)),
        Some(_) => Err(Refusal::InvalidMethod),
    }
}

fn filters(params: &Params, settings: Settings) -> Result<Option<Vec<String>>, Refusal> {
    let known = |filter: &str| {
        SCOPED_EVENTS.contains(&filter)
            || (settings.unscoped_events == Admitted::Accept && UNSCOPED_EVENTS.contains(&filter))
            || (settings.legacy_events == Admitted::Accept && LEGACY_EVENTS.contains(&filter))
    };
    distinct(params, FILTERS, known)
}

/// The filters of a webhook of a whole service or account, which may ask for everything.
pub(crate) fn wide_filters(params: &Params, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let known = |filter: &str| {
        [&SCOPED_EVENTS[..], &UNSCOPED_EVENTS, &PRE_EVENTS].iter().any(|events| events.contains(&filter))
    };
    distinct(params, name, known)
}

/// The values of a list of events, each once.
fn distinct(
    params: &Params,
    name: &str,
    known: impl Fn(&str) -> bool,
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(all) = params.all(name) else { return Ok(None) };
    let mut filters: Vec<String> = Vec::new();
    for filter in all {
        if !known(&filter) {
            return Err(Refusal::InvalidFilter);
        }
        if !filters.contains(&filter) {
            filters.push(filter);
        }
    }
    Ok(Some(filters))
}

/// Parameters that the target does not have are ignored, unless the switch says otherwise.
fn refuse_keys_of_others(params: &Params, target: Target, settings: Settings) -> Result<(), Refusal> {
    if settings.other_target_keys == OtherTargetKeys::Ignore {
        return Ok(());
    }
    let others: &[&str] = match target {
        Target::Webhook => &[TRIGGERS, FLOW_SID],
        Target::Trigger => &[FILTERS, FLOW_SID],
        Target::Studio => &[URL, METHOD, TRIGGERS],
    };
    match others.iter().find(|name| params.get(name).is_some()) {
        Some(name) => Err(Refusal::InvalidParameter((*name).to_owned())),
        None => Ok(()),
    }
}

fn triggers(params: &Params) -> Result<Option<Vec<String>>, Refusal> {
    let Some(triggers) = params.all(TRIGGERS) else { return Ok(None) };
    if triggers.len() > MAX_TRIGGERS {
        return Err(Refusal::TooManyTriggers);
    }
    let well_formed = |trigger: &String| (1..=MAX_TRIGGER_CHARS).contains(&trigger.chars().count());
    if triggers.iter().all(well_formed) { Ok(Some(triggers)) } else { Err(Refusal::InvalidTrigger) }
}

fn flow_sid(params: &Params, rules: Rules<'_>) -> Result<Option<FlowSid>, Refusal> {
    let Some(text) = params.get(FLOW_SID) else { return Ok(None) };
    let sid = text.parse().map_err(|_| Refusal::InvalidFlowSid)?;
    match rules.flows {
        Some(flows) if !flows.contains(&sid) => Err(Refusal::InvalidFlowSid),
        _ => Ok(Some(sid)),
    }
}

fn replay_after(params: &Params) -> Result<Option<u64>, Refusal> {
    let parse = |text: &str| text.parse().map_err(|_| Refusal::InvalidParameter(REPLAY_AFTER.into()));
    params.get(REPLAY_AFTER).map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> Rules<'static> {
        Rules { settings: Settings::default(), region: Region::Us1, flows: None }
    }

    /// Parameters that are nearly right: real names, real and odd values.
    fn params() -> impl Strategy<Value = Params> {
        let names = ["Target", URL, METHOD, FILTERS, TRIGGERS, FLOW_SID, REPLAY_AFTER, "Other"];
        let flow = "FW00000000000000000000000000000001";
        let values =
            ["webhook", "trigger", "studio", "https://a.example.com", "GET", "onMessageAdded", flow, "3", ""];
        let value = prop_oneof![3 => prop::sample::select(values.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
        prop::collection::vec((prop::sample::select(names.to_vec()), value), 0..12).prop_map(|pairs| {
            pairs.into_iter().fold(Params::default(), |mut params, (name, value)| {
                params.push(name, value);
                params
            })
        })
    }

    proptest! {
        #[test]
        fn an_update_with_the_parameters_of_the_create_changes_nothing(params in params()) {
            if let Ok((configuration, _)) = create(&params, rules()) {
                prop_assert_eq!(update(&params, &configuration, rules()), Ok(configuration));
            }
        }

        #[test]
        fn any_form_is_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = create(&Params::parse(&body), rules());
        }
    }
}
