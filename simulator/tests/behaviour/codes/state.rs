//! What the state of a conversation or of an account does not admit.

use std::time::Duration;

use super::*;
use twilio_conversations_simulator::{
    AccountSeed, ConversationSid, ConversationState, ParticipantSeed, Region, Seed, StateStatus,
};

const STATUSES: [(StateStatus, u16); 2] = [(StateStatus::BadRequest, 400), (StateStatus::Conflict, 409)];

/// The refusals of everything that changes a conversation's webhooks and content.
async fn refused_changes(world: &World) -> Vec<(u16, u64)> {
    let sid = world.simulator.ledger().records()[0].sid;
    vec![
        refused_create(world, &webhook_form(BOT)).await,
        refused_post(world, &webhook(sid), &webhook_form(BOT)).await,
        refused_post(world, &messages(CONVERSATION), &[("Body", "hello")]).await,
        refused_post(world, &participants(CONVERSATION), &[("Identity", "bob")]).await,
        refused_post(world, &conversation(CONVERSATION), &[("FriendlyName", "other")]).await,
    ]
}

#[tokio::test]
async fn code_50377_conversation_closed_with_either_status() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    for (switch, status) in STATUSES {
        world.switch(|settings| settings.state_status = switch);
        assert_eq!(refused_changes(&world).await, [(status, 50377); 5]);
    }
    assert_eq!(world.listed().await, [sid], "it can be read");
}

#[tokio::test]
async fn code_50386_conversation_initializing_with_either_status() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Initializing).unwrap();
    for (switch, status) in STATUSES {
        world.switch(|settings| settings.state_status = switch);
        assert_eq!(refused_changes(&world).await, [(status, 50386); 5]);
        assert_eq!(refused_delete(&world, &webhook(sid)).await, (status, 50386));
    }
    assert_eq!(world.listed().await, [sid], "it can be read");
}

#[tokio::test]
async fn code_50334_deletion_in_progress_with_either_status_and_then_not_found() {
    let world = World::start().await;
    let sid = world.create(BOT).await;
    world.simulator.delete_conversation_slowly(CONVERSATION, Duration::from_mins(1)).unwrap();
    for (switch, status) in STATUSES {
        world.switch(|settings| settings.state_status = switch);
        assert_eq!(refused_changes(&world).await, [(status, 50334); 5]);
        assert_eq!(refused_delete(&world, &webhook(sid)).await, (status, 50334));
        assert_eq!(refused_get(&world, &webhooks(CONVERSATION)).await, (status, 50334));
        assert_eq!(refused_delete(&world, &conversation(CONVERSATION)).await, (status, 50334));
    }
    world.simulator.advance_clock(Duration::from_mins(1));
    assert_eq!(refused_create(&world, &webhook_form(BOT)).await, (404, 20404));
    assert!(world.simulator.ledger().get(sid).unwrap().deleted.as_ref().unwrap().with_conversation);
}

#[tokio::test]
async fn code_50391_conflicting_change() {
    let world = World::start().await;
    assert_eq!(injected(&world, 409, 50391).await, (409, 50391));
}

#[tokio::test]
async fn code_50385_conversations_not_offered_in_this_region() {
    let account = AccountSeed::new(ACCOUNT, TOKEN).region(Region::Au1);
    let world = World::start_with(Seed::new().account(account)).await;
    assert_eq!(refused_create(&world, &webhook_form(BOT)).await, (400, 50385));
    assert_eq!(refused_get(&world, "/v1/Configuration").await, (400, 50385));
    assert_eq!(refused_post(&world, "/v1/Conversations", &[]).await, (400, 50385));
    assert_eq!(world.simulator.conversations(ACCOUNT).unwrap().len(), 0);
}

#[tokio::test]
async fn code_50353_unique_name_taken() {
    let world = World::start().await;
    let name = [("UniqueName", "tenant a/support")];
    assert_eq!(refused_post(&world, "/v1/Conversations", &name).await, (409, 50353));
    let other = world.post("/v1/Conversations", &[("UniqueName", "other")]).await;
    assert_eq!(refused_post(&world, &conversation(other.sid()), &name).await, (409, 50353));
}

/// In any conversation that is not over: the pair says where an incoming message belongs.
#[tokio::test]
async fn code_50416_binding_exists() {
    let world = World::start().await;
    let form = [("MessagingBinding.Address", "+15550001"), ("MessagingBinding.ProxyAddress", "+15550009")];
    assert_eq!(world.post(&participants(CONVERSATION), &form).await.status, 201);
    let other = world.post("/v1/Conversations", &[]).await.sid::<ConversationSid>();
    assert_eq!(refused_post(&world, &participants(other), &form).await, (409, 50416));
    world.simulator.set_conversation_state(CONVERSATION, ConversationState::Closed).unwrap();
    assert_eq!(world.post(&participants(other), &form).await.status, 201);
}

#[tokio::test]
async fn code_50433_participant_exists() {
    let world = World::start().await;
    world.simulator.join(CONVERSATION, &ParticipantSeed::identity("ana")).unwrap();
    world.simulator.join(CONVERSATION, &ParticipantSeed::identity("bob")).unwrap();
    let ana = [("Identity", "ana")];
    assert_eq!(refused_post(&world, &participants(CONVERSATION), &ana).await, (409, 50433));
    let bob = format!("{}/bob", participants(CONVERSATION));
    assert_eq!(refused_post(&world, &bob, &ana).await, (409, 50433));
}
