//! Cases: a SID, whatever Twilio says to its deletion, and SIDs that were lost and are back.

use conversation_webhook_operator::api::{ConversationWebhook, RECONCILE_ANNOTATION};
use twilio_conversations_simulator::{Fault, FaultRule, NotFoundCode, Operation, Settings};

use super::served;
use crate::support::{
    SCALED, World, annotate, assert_harmless, conversation, only_webhook, sent, sid_of, strike,
    wait_event_saying,
};

#[tokio::test]
async fn deletion_sid_is_deleted_and_what_is_gone_already_counts_as_deleted() {
    let mut world = World::new().await;
    for (n, not_found_code, codes) in
        [(1, NotFoundCode::General, [20404, 20404]), (11, NotFoundCode::Specific, [50360, 50350])]
    {
        world.simulator.set_settings(Settings { not_found_code, ..Settings::default() });
        world.start_operator(&[SCALED]).await;
        for (n, name) in [(n, "there"), (n + 1, "webhook-gone"), (n + 2, "conversation-gone")] {
            served(&world, n, name).await;
        }
        world.simulator.delete_webhook(only_webhook(&world, n + 1).sid).unwrap();
        world.simulator.delete_conversation(conversation(n + 2)).unwrap();
        for (n, name, status, code) in [
            (n, "there", 204, None),
            (n + 1, "webhook-gone", 404, Some(codes[0])),
            (n + 2, "conversation-gone", 404, Some(codes[1])),
        ] {
            world.delete(name).await;
            world.wait_gone(name).await;
            let [delete] = &sent(&world, n, Operation::Delete)[..] else { panic!("{name}: one delete") };
            assert_eq!((delete.status, delete.code), (Some(status), code), "{name}");
            assert_eq!(world.alive(conversation(n)), [], "{name}");
        }
        world.stop_operator().await;
    }
    assert_harmless(&world);
}

#[tokio::test]
async fn deletion_sid_on_a_conversation_that_is_closed_for_good_is_let_go_and_said() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED]).await;
    let sid = served(&world, 1, "bot").await;
    strike(&world, 1, Operation::Delete, Fault::error(400, 50377));
    world.delete("bot").await;
    world.wait_gone("bot").await;
    let [delete] = &sent(&world, 1, Operation::Delete)[..] else { panic!("one delete") };
    assert_eq!(delete.code, Some(50377));
    let conversation = conversation(1).to_string();
    wait_event_saying(&world, "bot", "ConversationClosed", &[&sid, &conversation, "closed for good"]).await;
}

#[tokio::test]
async fn deletion_lost_sids_that_are_back_are_deleted_first() {
    let mut world = World::new().await;
    world.start_operator(&[SCALED, "--resync-interval=24h"]).await;
    let old = served(&world, 1, "bot").await;
    // Lists that lag by an hour do not show it, so that another is made.
    let lagging = FaultRule::new(Fault::stale_list(3_600_000)).on(Operation::List);
    world.simulator.add_fault(lagging.conversation(conversation(1)));
    annotate(&world, "bot", RECONCILE_ANNOTATION, "look").await;
    let is_other = |object: &ConversationWebhook| {
        let sid = object.status.as_ref().and_then(|status| status.webhook_sid.as_ref());
        sid.is_some_and(|sid| sid.as_str() != old)
    };
    world.wait("bot", "made again", is_other).await;
    let new = sid_of(&world.wait_ready("bot").await);
    world.simulator.clear_faults();
    assert_eq!(world.alive(conversation(1)).len(), 2);

    world.delete("bot").await;
    world.wait_gone("bot").await;
    assert_eq!(world.alive(conversation(1)), []);
    let deleted: Vec<String> = sent(&world, 1, Operation::Delete)
        .iter()
        .map(|delete| delete.path.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(deleted, [old.clone(), new]);
    wait_event_saying(&world, "bot", "DeletedAgain", &[&old]).await;
    assert_harmless(&world);
}
