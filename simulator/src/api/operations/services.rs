//! Services.

use super::{Answer, Call, PAGE_LIMITS};
use crate::api::page::{Listing, PageRequest};
use crate::api::refusal::Refusal;
use crate::api::render::{ServiceJson, ServiceList};
use crate::api::route::ServiceVerb;
use crate::sid::ServiceSid;

pub(super) fn perform(call: &Call<'_>, verb: &ServiceVerb) -> Result<Answer, Refusal> {
    let parse = |sid: &str| sid.parse::<ServiceSid>().map_err(|_| Refusal::ServiceNotFound);
    match verb {
        ServiceVerb::Create => create(call),
        ServiceVerb::List => list(call),
        ServiceVerb::Fetch(sid) => {
            let data = call.account.data();
            let service = data.service(parse(sid)?)?;
            Ok(Answer::json(200, &ServiceJson::new(data.sid, service, &call.links())))
        }
        ServiceVerb::Delete(sid) => {
            call.account.data().delete_service(parse(sid)?, &call.origin, call.cause())?;
            Ok(Answer::no_content())
        }
    }
}

fn create(call: &Call<'_>) -> Result<Answer, Refusal> {
    let name = call.name("FriendlyName")?.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Refusal::MissingParameter("FriendlyName".to_owned()))?;
    let mut data = call.account.data();
    let account = data.sid;
    let service = data.add_service(call.sids.next(), name);
    Ok(Answer::json(201, &ServiceJson::new(account, service, &call.links())))
}

fn list(call: &Call<'_>) -> Result<Answer, Refusal> {
    let page = PageRequest::parse(call.query, PAGE_LIMITS)?;
    let data = call.account.data();
    let links = call.links();
    let url = links.services();
    let listing = Listing { url: &url, query: "", key: "services", descending: false };
    let page = page.cut(&data.services(), |service| service.ordinal, &listing)?;
    let services =
        page.items.into_iter().map(|service| ServiceJson::new(data.sid, service, &links)).collect();
    Ok(Answer::json(200, &ServiceList { meta: page.meta, services }))
}
