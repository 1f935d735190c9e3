//! A webhook as a request body: Twilio's dotted names, lists as repeated keys.
//!
//! Only the keys of the target are sent. An empty list cannot be said: it sends no key, which to an update means
//! "as it is".

use std::borrow::Cow;

use super::webhook::{NewWebhook, Target, WebhookConfig};

/// Name and value pairs, in the order in which they are sent.
pub(super) type Form<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// The body of a create; `None` for a target that is only ever read.
pub(super) fn create<'a>(new: &NewWebhook<'a>) -> Option<Form<'a>> {
    let mut form = vec![("Target", new.config.target.as_str().into())];
    form.extend(update(new.config)?);
    form.extend(new.replay_after.map(|index| ("Configuration.ReplayAfter", index.to_string().into())));
    Some(form)
}

/// The body of an update: every field that the target has, since a field left out keeps its value at Twilio.
pub(super) fn update(config: &WebhookConfig) -> Option<Form<'_>> {
    let WebhookConfig { target, url, method, filters, triggers, flow_sid } = config;
    let called = || {
        let url = url.iter().map(|url| ("Configuration.Url", url.into()));
        url.chain(method.map(|method| ("Configuration.Method", method.as_str().into())))
    };
    let filters = filters.iter().map(|filter| ("Configuration.Filters", filter.into()));
    Some(match target {
        Target::Webhook => called().chain(filters).collect(),
        Target::Trigger => {
            let triggers = triggers.iter().map(|trigger| ("Configuration.Triggers", trigger.into()));
            called().chain(triggers).collect()
        }
        Target::Studio => {
            let flow = flow_sid.iter().map(|flow| ("Configuration.FlowSid", flow.as_str().into()));
            flow.chain(filters).collect()
        }
        Target::Unknown => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::webhook::Method;
    use super::*;

    fn everything(target: Target) -> WebhookConfig {
        WebhookConfig {
            target,
            url: Some("https://bot.example.com/?a=1&b=2".to_owned()),
            method: Some(Method::Get),
            filters: BTreeSet::from(["onMessageAdded".to_owned(), "onDeliveryUpdated".to_owned()]),
            triggers: BTreeSet::from(["help me".to_owned()]),
            flow_sid: Some("FW00000000000000000000000000000000".parse().unwrap()),
        }
    }

    fn pairs<'a>(form: &'a Form<'_>) -> Vec<(&'static str, &'a str)> {
        form.iter().map(|(name, value)| (*name, value.as_ref())).collect()
    }

    #[test]
    fn each_target_sends_its_own_keys() {
        assert_eq!(
            pairs(&update(&everything(Target::Webhook)).unwrap()),
            [
                ("Configuration.Url", "https://bot.example.com/?a=1&b=2"),
                ("Configuration.Method", "get"),
                ("Configuration.Filters", "onDeliveryUpdated"),
                ("Configuration.Filters", "onMessageAdded"),
            ]
        );
        assert_eq!(
            pairs(&update(&everything(Target::Trigger)).unwrap()),
            [
                ("Configuration.Url", "https://bot.example.com/?a=1&b=2"),
                ("Configuration.Method", "get"),
                ("Configuration.Triggers", "help me"),
            ]
        );
        assert_eq!(
            pairs(&update(&everything(Target::Studio)).unwrap()),
            [
                ("Configuration.FlowSid", "FW00000000000000000000000000000000"),
                ("Configuration.Filters", "onDeliveryUpdated"),
                ("Configuration.Filters", "onMessageAdded"),
            ]
        );
        assert!(update(&everything(Target::Unknown)).is_none());
    }

    #[test]
    fn only_a_create_names_target_and_replay() {
        let config = everything(Target::Trigger);
        let form = create(&NewWebhook { config: &config, replay_after: Some(0) }).unwrap();
        assert_eq!(pairs(&form).first(), Some(&("Target", "trigger")));
        assert_eq!(pairs(&form).last(), Some(&("Configuration.ReplayAfter", "0")));

        let form = create(&NewWebhook { config: &config, replay_after: None }).unwrap();
        assert!(form.iter().all(|(name, _)| *name != "Configuration.ReplayAfter"));
    }

    #[test]
    fn an_empty_list_sends_no_key() {
        let config = WebhookConfig { filters: BTreeSet::new(), ..everything(Target::Studio) };
        assert_eq!(
            pairs(&update(&config).unwrap()),
            [("Configuration.FlowSid", "FW00000000000000000000000000000000")]
        );
    }
}
