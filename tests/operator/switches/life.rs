//! The life of one object of each target, beside somebody else's webhook, as users see it: the same under every switch.

use conversation_webhook_operator::api::{ConditionType, Provenance, RESOLVE_ANNOTATION};
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    Configuration, Fault, Operation, Seed, Settings, StudioFilters, WebhookChanges, WebhookRecord,
    WebhookSeed,
};

use crate::support::{
    BOT, FLOW, PATIENCE, SCALED, World, annotate, assert_bears, assert_harmless, condition, conversation,
    eventually, journal_of, made, only_webhook, plant, ready, sent, strike, wait_another_look, webhook_spec,
};

/// Checks come often enough for a test to see several of them.
const OFTEN: &str = "--resync-interval=1s";

/// One object of each target on a conversation of its own: name, conversation, spec.
fn objects() -> [(&'static str, u32, Value); 3] {
    let mut bot = webhook_spec(1, BOT);
    bot["configuration"]["filters"] =
        json!(["onMessageAdded", "onParticipantAdded", "onConversationUpdated"]);
    bot["configuration"]["replayAfter"] = json!(0);
    let trigger = json!({
        "conversationSid": conversation(2),
        "target": "trigger",
        "configuration": { "url": BOT, "method": "GET", "triggers": ["help", "agent", "human"] },
    });
    let studio = json!({
        "conversationSid": conversation(3),
        "target": "studio",
        "configuration": { "flowSid": FLOW, "filters": ["onMessageAdded", "onMessageRemoved"] },
    });
    [("bot", 1, bot), ("keyword", 2, trigger), ("flow", 3, studio)]
}

/// A world under these switches, with an operator.
pub(super) async fn world(settings: Settings) -> World {
    start(Seed { settings: Some(settings), ..World::seed() }).await
}

async fn start(seed: Seed) -> World {
    let mut world = World::with(seed).await;
    world.start_operator(&[SCALED, OFTEN]).await;
    world
}

/// Creation, checks, an edit, a correction, a lost reply, deletion: of each target, beside a stranger's webhook.
pub(super) async fn whole(settings: Settings) {
    live(world(settings).await).await;
}

/// The same under the switches of the whole run.
pub(super) async fn whole_as_it_is() {
    live(start(World::seed()).await).await;
}

async fn live(mut world: World) {
    for n in 1..=3 {
        plant(&world, n, &WebhookSeed::webhook("https://strangers.example.com/"));
    }
    made_once_and_left_alone(&world).await;
    edited_by_the_user(&world).await;
    edited_by_somebody_else(&world).await;
    made_with_a_lost_reply(&world).await;
    gone_with_their_objects(&world).await;
    assert_harmless(&world);
    world.stop_operator().await;
}

/// How many updates Twilio was sent for conversation `n`.
fn updates(world: &World, n: u32) -> usize {
    sent(world, n, Operation::Update).len()
}

async fn made_once_and_left_alone(world: &World) {
    for (name, _, spec) in objects() {
        world.create(name, spec).await;
    }
    for (name, n, _) in objects() {
        let object = world.wait_ready(name).await;
        let webhook = only_webhook(world, n);
        assert_bears(&object, &webhook, Provenance::Created);
        for _ in 0..2 {
            wait_another_look(world, n).await;
        }
        let object = world.objects().get(name).await.unwrap();
        assert_eq!(ready(&object).unwrap().reason, "Available", "{name}");
        assert_eq!(condition(&object, ConditionType::Synced).unwrap().status, "True", "{name}");
        assert_eq!(updates(world, n), 0, "{name} is as it was written");
        assert_eq!(only_webhook(world, n), webhook, "{name}");
    }
}

async fn edited_by_the_user(world: &World) {
    let edits = [
        ("bot", 1, json!({ "url": "https://bots.example.com/b", "filters": ["onMessageAdded"] })),
        ("keyword", 2, json!({ "method": "POST", "triggers": ["operator"] })),
        ("flow", 3, json!({ "filters": ["onMessageAdded"] })),
    ];
    for (name, n, configuration) in edits {
        let before = only_webhook(world, n);
        world.patch(name, json!({ "spec": { "configuration": configuration } })).await;
        world.wait_ready(name).await;
        let after = only_webhook(world, n);
        assert_eq!(after.sid, before.sid);
        assert_ne!(after.configuration, before.configuration, "{name}");
        wait_another_look(world, n).await;
        wait_another_look(world, n).await;
        assert_eq!(updates(world, n), 1, "{name} is edited once");
    }
}

async fn edited_by_somebody_else(world: &World) {
    for (name, n) in [("bot", 1), ("keyword", 2)] {
        let wanted = only_webhook(world, n);
        let changes = WebhookChanges::url("https://elsewhere.example.com/");
        world.simulator.edit_webhook(wanted.sid, &changes).unwrap();
        eventually(&format!("{name} is as it was"), PATIENCE, async || {
            (only_webhook(world, n).configuration == wanted.configuration).then_some(())
        })
        .await;
        world.wait_ready(name).await;
        wait_another_look(world, n).await;
        assert_eq!(updates(world, n), 2, "{name} is corrected once");
    }
}

async fn made_with_a_lost_reply(world: &World) {
    for (name, n, mut spec) in objects() {
        let (name, n) = (format!("{name}-again"), n + 10);
        spec["conversationSid"] = json!(conversation(n));
        plant(world, n, &WebhookSeed::webhook("https://strangers.example.com/"));
        strike(world, n, Operation::Create, Fault::reset_after_commit());
        world.create(&name, spec).await;
    }
    for (name, n, _) in objects() {
        let (name, n) = (format!("{name}-again"), n + 10);
        let proves_nothing =
            name.starts_with("flow") && world.simulator.settings().studio_filters == StudioFilters::Hide;
        if proves_nothing {
            // What hides its filters may be anybody's for the same flow: a person says whose it is.
            let webhook = only_webhook(world, n).sid.to_string();
            let object = world.wait_told(&name, "CreateAmbiguous", &[&webhook]).await;
            let answer = format!("{}={webhook}", journal_of(&object).id);
            annotate(world, &name, RESOLVE_ANNOTATION, &answer).await;
        }
        let object = world.wait_ready(&name).await;
        let provenance = if proves_nothing { Provenance::Adopted } else { Provenance::Inferred };
        assert_bears(&object, &only_webhook(world, n), provenance);
        assert_eq!(updates(world, n), 0);
    }
}

async fn gone_with_their_objects(world: &World) {
    for (name, _, _) in objects() {
        world.delete(name).await;
        world.delete(&format!("{name}-again")).await;
    }
    for (name, n, _) in objects() {
        world.wait_gone(name).await;
        world.wait_gone(&format!("{name}-again")).await;
        for n in [n, n + 10] {
            let left: Vec<WebhookRecord> = world.alive(conversation(n));
            assert!(matches!(&left[..], [only] if !only.created.origin.is_api()), "{left:#?}");
            assert!(matches!(left[0].configuration, Configuration::Webhook { .. }));
            assert_eq!(made(world, n).len(), 1);
        }
    }
}
