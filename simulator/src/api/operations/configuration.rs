//! The account's configuration, and the webhooks of a whole account or service.

use url::Url;

use super::fields::invalid;
use super::{Answer, Call};
use crate::api::refusal::Refusal;
use crate::api::render::{ConfigurationJson, GlobalWebhookJson, ServiceWebhookJson};
use crate::api::route::OnlyOne;
use crate::api::webhook_form;
use crate::world::{Method, WideWebhook};

pub(super) fn perform(call: &Call<'_>, verb: OnlyOne) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    if verb == OnlyOne::Update {
        let service = call.parsed("DefaultChatServiceSid")?;
        let messaging_service = call.parsed("DefaultMessagingServiceSid")?;
        let inactive_after = call.inactive_timer("DefaultInactiveTimer")?;
        let closed_after = call.closed_timer("DefaultClosedTimer")?;
        if let Some(service) = service {
            data.defaults.service = data.service(service)?.sid;
        }
        let defaults = &mut data.defaults;
        defaults.messaging_service = messaging_service.unwrap_or(defaults.messaging_service);
        defaults.inactive_after = inactive_after.or(defaults.inactive_after.take());
        defaults.closed_after = closed_after.or(defaults.closed_after.take());
    }
    Ok(Answer::json(200, &ConfigurationJson::new(data.sid, &data.defaults, &call.links())))
}

/// The webhook of the whole account.
pub(super) fn global_webhook(call: &Call<'_>, verb: OnlyOne) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    if verb == OnlyOne::Update {
        let to_flex = match call.form.get("Target") {
            None => data.webhook.to_flex,
            Some("webhook") => false,
            Some("flex") => true,
            Some(_) => return Err(invalid("Target")),
        };
        data.webhook = WideWebhook { to_flex, ..updated(call, &data.webhook)? };
    }
    Ok(Answer::json(200, &GlobalWebhookJson::new(data.sid, &data.webhook, &call.links())))
}

/// The webhook of a service.
pub(super) fn service_webhook(call: &Call<'_>, verb: OnlyOne) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let sid = call.service(&data)?;
    if verb == OnlyOne::Update {
        let webhook = updated(call, &data.service(sid)?.webhook)?;
        data.service_mut(sid)?.webhook = webhook;
    }
    let service = data.service(sid)?;
    Ok(Answer::json(200, &ServiceWebhookJson::new(data.sid, service, &call.links())))
}

/// What was sent, laid over what is there. An empty URL takes the URL away.
fn updated(call: &Call<'_>, current: &WideWebhook) -> Result<WideWebhook, Refusal> {
    let method = match call.form.get("Method") {
        None => current.method,
        Some(text) if text.eq_ignore_ascii_case("get") => Some(Method::Get),
        Some(text) if text.eq_ignore_ascii_case("post") => Some(Method::Post),
        Some(_) => return Err(Refusal::InvalidMethod),
    };
    let url = |name: &str, current: &Option<String>| match call.form.get(name) {
        None => Ok(current.clone()),
        Some("") => Ok(None),
        Some(text) => match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(text.to_owned())),
            _ => Err(Refusal::InvalidUrl),
        },
    };
    Ok(WideWebhook {
        method,
        filters: webhook_form::wide_filters(call.form, "Filters")?.unwrap_or(current.filters.clone()),
        pre_url: url("PreWebhookUrl", &current.pre_url)?,
        post_url: url("PostWebhookUrl", &current.post_url)?,
        to_flex: current.to_flex,
    })
}
