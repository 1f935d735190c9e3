//! Scoped webhooks.

use super::{Answer, Call};
use crate::api::page::{Limits, Listing, PageRequest};
use crate::api::refusal::Refusal;
use crate::api::render::{WebhookJson, WebhookList};
use crate::api::route::Verb;
use crate::api::webhook_form::{self, Rules};
use crate::settings::{ListOrder, PageLimit, Settings};
use crate::sid::WebhookSid;
use crate::world::{AccountData, NewWebhook, WebhookRecord};

pub(super) fn perform(call: &Call<'_>, conversation: &str, verb: &Verb) -> Result<Answer, Refusal> {
    match verb {
        Verb::Create => create(call, conversation),
        Verb::List => list(call, conversation),
        Verb::Fetch(sid) => fetch(call, conversation, sid),
        Verb::Update(sid) => update(call, conversation, sid),
        Verb::Delete(sid) => delete(call, conversation, sid),
    }
}

impl<'a> Call<'a> {
    fn rules<'d>(&self, data: &'d AccountData) -> Rules<'d> {
        Rules { settings: self.settings, flows: data.flows.as_ref(), region: self.account.region }
    }

    /// The webhook that is alive on that conversation.
    fn webhook<'d>(
        &self,
        data: &'d AccountData,
        conversation: &str,
        sid: &str,
    ) -> Result<&'d WebhookRecord, Refusal> {
        let conversation = self.parent(data, conversation)?;
        let sid: WebhookSid = sid.parse().map_err(|_| Refusal::InvalidWebhookSid)?;
        data.record(sid)
            .filter(|record| record.alive() && record.conversation == conversation.sid)
            .ok_or(Refusal::WebhookNotFound)
    }

    fn webhook_json(&'a self, record: &'a WebhookRecord) -> WebhookJson<'a> {
        WebhookJson::new(record, &self.links(), self.settings)
    }
}

const fn limits(settings: Settings) -> Limits {
    match settings.page_limit {
        PageLimit::Five => Limits { default: 5, max: 5 },
        PageLimit::Thousand => Limits { default: 50, max: 1000 },
    }
}

fn create(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let conversation = call.parent(&data, conversation)?.sid;
    let (configuration, replay_after) = webhook_form::create(call.form, call.rules(&data))?;
    let new = NewWebhook { sid: call.sids.next(), configuration, replay_after };
    let record = data.create_webhook(conversation, new, call.origin.clone(), call.settings)?;
    Ok(Answer::json(201, &call.webhook_json(record)))
}

fn list(call: &Call<'_>, conversation: &str) -> Result<Answer, Refusal> {
    let page = PageRequest::parse(call.query, limits(call.settings))?;
    let data = call.account.data();
    let conversation = call.parent(&data, conversation)?;
    let past: Vec<WebhookRecord>;
    let mut records: Vec<&WebhookRecord> = match call.as_of {
        None => data.alive(conversation).collect(),
        Some(moment) => {
            past = data.ever(conversation).filter_map(|record| record.as_of(moment)).collect();
            past.iter().collect()
        }
    };
    let descending = call.settings.list_order == ListOrder::NewestFirst;
    if descending {
        records.reverse();
    }
    let ordinal = |record: &WebhookRecord| {
        let place = conversation.ever.iter().position(|sid| *sid == record.sid);
        place.map_or(u64::MAX, |place| place as u64)
    };
    let links = call.links();
    let url = links.webhooks(conversation.sid);
    let listing = Listing { url: &url, query: "", key: "webhooks", descending };
    let page = page.cut(&records, ordinal, &listing)?;
    let webhooks = page.items.into_iter().map(|record| call.webhook_json(record)).collect();
    Ok(Answer::json(200, &WebhookList { meta: page.meta, webhooks }))
}

fn fetch(call: &Call<'_>, conversation: &str, sid: &str) -> Result<Answer, Refusal> {
    let data = call.account.data();
    Ok(Answer::json(200, &call.webhook_json(call.webhook(&data, conversation, sid)?)))
}

fn update(call: &Call<'_>, conversation: &str, sid: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let record = call.webhook(&data, conversation, sid)?;
    let sid = record.sid;
    let configuration = webhook_form::update(call.form, &record.configuration, call.rules(&data))?;
    let record = data.update_webhook(sid, configuration, call.origin.clone(), call.settings)?;
    Ok(Answer::json(200, &call.webhook_json(record)))
}

fn delete(call: &Call<'_>, conversation: &str, sid: &str) -> Result<Answer, Refusal> {
    let mut data = call.account.data();
    let sid = call.webhook(&data, conversation, sid)?.sid;
    data.delete_webhook(sid, call.origin.clone(), call.settings)?;
    Ok(Answer::no_content())
}
