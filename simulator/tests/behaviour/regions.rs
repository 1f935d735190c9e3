//! Twilio's regions, and what is missing outside the United States.

use crate::fixture::*;
use http::Method;
use serde_json::json;
use twilio_conversations_simulator::{
    AccountSeed, ControlError, ConversationSeed, DeliveryStatus, KeyKind, KeySeed, KeySid, Operation,
    Refusal, Region, Seed, WebhookSeed,
};

async fn start_in(region: Region) -> World {
    let account = AccountSeed::new(ACCOUNT, TOKEN).region(region).flow(FLOW);
    let account = account.key(KeySeed::new(KEY, SECRET)).conversation(ConversationSeed::new(CONVERSATION));
    World::start_with(Seed::new().account(account)).await
}

/// What a proof of the account answers when it is asked at that host.
async fn status_at(world: &World, host: &str) -> (u16, u64) {
    let reply = Reply::to(world.request(Method::GET, "/v1/Configuration").header("host", host)).await;
    if reply.status == 200 { (200, 0) } else { reply.error() }
}

#[tokio::test]
async fn a_host_that_names_a_region_knows_the_accounts_of_that_region_only() {
    let us = [
        "conversations.twilio.com",
        "conversations.ashburn.us1.twilio.com",
        "conversations.dublin.twilio.com",
    ];
    let ireland = ["conversations.dublin.ie1.twilio.com", "conversations.ie1.twilio.com"];
    let neither = ["conversations.sydney.au1.twilio.com", "conversations.au1.twilio.com:443"];
    for (region, own, others) in [
        (Region::Us1, &us[..], [&ireland[..], &neither].concat()),
        (Region::Ie1, &ireland, [&us[..], &neither].concat()),
    ] {
        let world = start_in(region).await;
        for host in own {
            assert_eq!(status_at(&world, host).await, (200, 0), "{host}");
        }
        for host in others {
            assert_eq!(status_at(&world, host).await, (401, 20003), "{host}");
        }
        for host in [
            "127.0.0.1:8080",
            "twilio.tenant-a.svc",
            "api.twilio.com",
            "conversations.twilio.com.example.com",
        ] {
            assert_eq!(status_at(&world, host).await, (200, 0), "{host} names no region");
        }
    }
}

#[tokio::test]
async fn ireland_has_no_studio() {
    let world = start_in(Region::Ie1).await;
    let flow = FLOW.to_string();
    let studio = [("Target", "studio"), ("Configuration.FlowSid", flow.as_str())];
    assert_eq!(world.post(&webhooks(CONVERSATION), &studio).await.error(), (400, 50364));
    let by_outsider = world.simulator.create_webhook(CONVERSATION, &WebhookSeed::studio(FLOW));
    assert_eq!(by_outsider, Err(ControlError::Refused(Refusal::InvalidTarget)));
    world.create(BOT).await;
    assert_eq!(world.alive(), 1);
}

#[tokio::test]
async fn ireland_has_no_delivery_receipts() {
    let world = start_in(Region::Ie1).await;
    let message = world.simulator.say(CONVERSATION, "ana", "hello").unwrap();
    let ana = world.simulator.conversation(CONVERSATION).unwrap().participants[0].sid;
    let report = world.simulator.report_delivery(CONVERSATION, message, ana, DeliveryStatus::Read, 0);
    assert_eq!(report, Err(ControlError::Refused(Refusal::NotOffered)));
    let receipts = world.get(&format!("{}/{message}/Receipts", messages(CONVERSATION))).await;
    assert_eq!(receipts.json["delivery_receipts"], json!([]));
}

#[tokio::test]
async fn restricted_keys_are_of_the_united_states() {
    let restricted = || KeySeed::new(KeySid::numbered(9), SECRET).restricted_to([Operation::List]);
    let ireland = start_in(Region::Ie1).await;
    let refused = ireland.simulator.add_key(ACCOUNT, &restricted());
    assert_eq!(refused, Err(ControlError::NoRestrictedKeys(ACCOUNT)));
    let no_rights = KeySeed { kind: KeyKind::Restricted, ..KeySeed::new(KeySid::numbered(9), SECRET) };
    let body = serde_json::to_value(&no_rights).unwrap();
    let over_http = ireland.control(Method::POST, &format!("/accounts/{ACCOUNT}/keys"), body).await;
    assert_eq!(over_http.status, 422, "{}", over_http.json);
    ireland.simulator.add_key(ACCOUNT, &KeySeed::new(KeySid::numbered(9), SECRET).main()).unwrap();
    start_in(Region::Us1).await.simulator.add_key(ACCOUNT, &restricted()).unwrap();
}

#[tokio::test]
async fn australia_has_no_conversations_for_any_key() {
    let world = start_in(Region::Au1).await;
    let list = || world.anonymous(Method::GET, &webhooks(CONVERSATION));
    assert_eq!(Reply::to(list().basic_auth(KEY, Some(SECRET))).await.error(), (400, 50385));
    assert_eq!(Reply::to(list().basic_auth(ACCOUNT, Some(TOKEN))).await.error(), (400, 50385));
    assert_eq!(Reply::to(list().basic_auth(KEY, Some("wrong"))).await.error(), (401, 20003));
}
