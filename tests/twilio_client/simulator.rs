//! The five operations, both path families and the settings on which Twilio's own sources disagree, against the
//! simulator.

use std::collections::{BTreeMap, BTreeSet};

use conversation_webhook_operator::twilio::{
    Client, ConversationRef, ConversationState, CreateOutcome, Credentials, Error, ErrorKind, Method,
    Missing, NewWebhook, Target, Webhook, WebhookConfig,
};
use twilio_conversations_simulator::{
    self as simulator, AccountSeed, ConversationSeed, CountLimitStatus, Fault, FaultRule, Garble, KeySeed,
    MethodCase, NotFoundCode, Seed, Settings, Silence, Simulator, TriggerKeys,
};

use crate::world::{AC, CH, IS, OTHER_AC, OTHER_CH, client, config, impatient_client};

const FW: &str = "FW00000000000000000000000000000001";
const SK: &str = "SK00000000000000000000000000000001";

struct World {
    simulator: Simulator,
    client: Client,
    credentials: Credentials,
}

/// One conversation in the default service, one in another service, one that is closed; an account beside it.
async fn world() -> World {
    let conversation = |sid: &str| ConversationSeed::new(sid.parse().unwrap());
    let seed = Seed::new()
        .account(
            AccountSeed::new(AC.parse().unwrap(), "token")
                .key(KeySeed::new(SK.parse().unwrap(), "secret"))
                .service(IS.parse().unwrap())
                .conversation(conversation(CH).unique_name("a/b ü?"))
                .conversation(conversation(OTHER_CH).service(IS.parse().unwrap())),
        )
        .account(AccountSeed::new(OTHER_AC.parse().unwrap(), "token"));
    let simulator = Simulator::start(seed).await.unwrap();
    let client = client(&simulator.url().parse().unwrap());
    World { simulator, client, credentials: login(AC, "token") }
}

fn login(account: &str, token: &str) -> Credentials {
    secret([("TWILIO_ACCOUNT_SID", account), ("TWILIO_AUTH_TOKEN", token)])
}

fn secret<const N: usize>(data: [(&str, &str); N]) -> Credentials {
    let data: BTreeMap<_, _> =
        data.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
    Credentials::from_secret_data(&data).unwrap()
}

fn default_service() -> ConversationRef {
    ConversationRef { service: None, conversation: CH.parse().unwrap() }
}

fn other_service() -> ConversationRef {
    ConversationRef { service: Some(IS.parse().unwrap()), conversation: OTHER_CH.parse().unwrap() }
}

fn trigger() -> WebhookConfig {
    WebhookConfig {
        target: Target::Trigger,
        filters: BTreeSet::new(),
        triggers: BTreeSet::from(["help".to_owned(), "agent".to_owned()]),
        ..config()
    }
}

fn studio() -> WebhookConfig {
    WebhookConfig {
        target: Target::Studio,
        url: None,
        method: None,
        flow_sid: Some(FW.parse().unwrap()),
        ..config()
    }
}

impl World {
    async fn create(&self, at: &ConversationRef, config: &WebhookConfig) -> CreateOutcome {
        let new = NewWebhook { config, replay_after: None };
        self.client.create_webhook(&self.credentials, at, &new).await
    }

    async fn created(&self, at: &ConversationRef, config: &WebhookConfig) -> Webhook {
        match self.create(at, config).await {
            CreateOutcome::Created(webhook) => webhook,
            other => panic!("{other:?}"),
        }
    }

    fn alive(&self) -> usize {
        self.simulator.ledger().alive_in(AC.parse().unwrap()).len()
    }
}

#[tokio::test]
async fn a_webhook_lives_its_whole_life_on_both_path_families() {
    let world = world().await;
    let World { client, credentials: c, .. } = &world;
    for at in [default_service(), other_service()] {
        for config in [config(), trigger(), studio()] {
            let created = world.created(&at, &config).await;
            assert_eq!(created.config, config);
            assert_eq!(created.conversation_sid, at.conversation);
            assert_eq!(client.fetch_webhook(c, &at, &created.sid).await.unwrap(), created);
            assert_eq!(client.list_webhooks(c, &at).await.unwrap(), std::slice::from_ref(&created));

            let edited = match config.target {
                Target::Webhook | Target::Trigger => WebhookConfig {
                    url: Some("https://bot.example.com/new".to_owned()),
                    method: Some(Method::Get),
                    ..config
                },
                _ => WebhookConfig { filters: BTreeSet::from(["onParticipantAdded".to_owned()]), ..config },
            };
            let updated = client.update_webhook(c, &at, &created.sid, &edited).await.unwrap();
            assert_eq!((&updated.sid, &updated.config), (&created.sid, &edited));

            client.delete_webhook(c, &at, &created.sid).await.unwrap();
            assert!(client.list_webhooks(c, &at).await.unwrap().is_empty());
            let again = client.delete_webhook(c, &at, &created.sid).await.unwrap_err();
            assert!(again.is_not_found(), "{again}");
        }
    }
}

#[tokio::test]
async fn what_twilio_sources_disagree_on_makes_no_difference() {
    for method_case in [MethodCase::Lower, MethodCase::Upper] {
        for trigger_keys in [TriggerKeys::Triggers, TriggerKeys::Filters] {
            for echo_replay_after in [false, true] {
                let world = world().await;
                let settings =
                    Settings { method_case, trigger_keys, echo_replay_after, ..Settings::default() };
                world.simulator.set_settings(settings);
                for config in [config(), trigger(), studio()] {
                    let new = NewWebhook { config: &config, replay_after: Some(3) };
                    let outcome =
                        world.client.create_webhook(&world.credentials, &default_service(), &new).await;
                    let CreateOutcome::Created(created) = outcome else { panic!("{outcome:?}") };
                    assert_eq!(created.config, config, "{settings:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_sixth_webhook_is_refused_whatever_the_status() {
    for count_limit_status in [CountLimitStatus::BadRequest, CountLimitStatus::Forbidden] {
        let world = world().await;
        world.simulator.set_settings(Settings { count_limit_status, ..Settings::default() });
        for _ in 0..5 {
            world.created(&default_service(), &config()).await;
        }
        let CreateOutcome::NotCreated(error) = world.create(&default_service(), &config()).await else {
            panic!()
        };
        assert_eq!(error.kind(), ErrorKind::ConversationFull);
        let list = world.client.list_webhooks(&world.credentials, &default_service()).await.unwrap();
        assert_eq!(list.len(), 5);
    }
}

#[tokio::test]
async fn absence_is_told_apart() {
    for not_found_code in [NotFoundCode::General, NotFoundCode::Specific] {
        let World { simulator, client, credentials: c } = world().await;
        simulator.set_settings(Settings { not_found_code, ..Settings::default() });
        let nowhere =
            ConversationRef { service: None, conversation: CH.replace("01", "09").parse().unwrap() };
        let error = client.list_webhooks(&c, &nowhere).await.unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.kind(), ErrorKind::NotFound(Missing::Conversation));

        let gone = "WH00000000000000000000000000000009".parse().unwrap();
        let error = client.fetch_webhook(&c, &default_service(), &gone).await.unwrap_err();
        assert!(error.is_not_found());
        assert!(matches!(error.kind(), ErrorKind::NotFound(Missing::Webhook | Missing::Unknown)));
    }
}

#[tokio::test]
async fn a_conversation_is_found_by_sid_and_by_an_awkward_name() {
    let World { simulator, client, credentials: c } = world().await;
    let by_name = client.fetch_conversation(&c, None, "a/b ü?").await.unwrap();
    assert_eq!((by_name.sid.as_str(), by_name.state), (CH, ConversationState::Active));
    assert!(by_name.chat_service_sid.is_some());
    simulator.set_conversation_state(CH.parse().unwrap(), simulator::ConversationState::Closed).unwrap();
    assert_eq!(client.fetch_conversation(&c, None, CH).await.unwrap().state, ConversationState::Closed);

    let service = IS.parse().unwrap();
    let in_service = client.fetch_conversation(&c, Some(&service), OTHER_CH).await.unwrap();
    assert_eq!(in_service.chat_service_sid, Some(service));
    assert!(client.fetch_conversation(&c, None, "no such name").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_login_is_proved_by_the_account_that_answers() {
    let World { simulator: _running, client, .. } = world().await;
    let key = secret([("TWILIO_ACCOUNT_SID", AC), ("TWILIO_API_KEY", SK), ("TWILIO_API_SECRET", "secret")]);
    assert_eq!(client.fetch_configuration(&key).await.unwrap().as_str(), AC);

    let wrong = client.fetch_configuration(&login(AC, "wrong")).await.unwrap_err();
    assert_eq!((wrong.code(), wrong.kind()), (Some(20003), ErrorKind::Credentials));

    let others =
        secret([("TWILIO_ACCOUNT_SID", OTHER_AC), ("TWILIO_API_KEY", SK), ("TWILIO_API_SECRET", "secret")]);
    assert_eq!(client.fetch_configuration(&others).await.unwrap().as_str(), AC);
    let foreign = client.fetch_conversation(&others, None, CH).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::ForeignAccount);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_unknown_and_is_not_sent_again() {
    for fault in [
        Fault::Reset { commit: true },
        Fault::Close { commit: true },
        Fault::Error { status: 503, code: None, commit: true },
        Fault::Garbled { reply: Garble::Truncated, commit: true },
        Fault::Garbled { reply: Garble::Html, commit: true },
        Fault::Garbled { reply: Garble::OtherAccount { account: OTHER_AC.parse().unwrap() }, commit: true },
    ] {
        let world = world().await;
        world.simulator.add_fault(FaultRule::new(fault.clone()).on(simulator::Operation::Create));
        let outcome = world.create(&default_service(), &config()).await;
        assert!(matches!(outcome, CreateOutcome::Unknown(_)), "{fault:?}: {outcome:?}");
        assert_eq!(world.alive(), 1, "{fault:?}");
        let counts = world.simulator.counters().total(simulator::Operation::Create);
        assert_eq!(counts.requests, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_create_that_is_carried_out_late_is_unknown() {
    let world = world().await;
    let client = impatient_client(&world.simulator.url().parse().unwrap());
    world.simulator.add_fault(FaultRule::new(Fault::LateCommit { after_ms: 100, connection: Silence::Hang }));
    let config = config();
    let new = NewWebhook { config: &config, replay_after: None };
    let outcome = client.create_webhook(&world.credentials, &default_service(), &new).await;
    assert!(matches!(outcome, CreateOutcome::Unknown(Error::Timeout { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_rate_limited_create_made_nothing() {
    let world = world().await;
    let fault = Fault::TooManyRequests { retry_after: Some(2), code: None };
    world.simulator.add_fault(FaultRule::new(fault).once());
    let CreateOutcome::NotCreated(error) = world.create(&default_service(), &config()).await else {
        panic!()
    };
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(2)));
    assert!(error.request_id().is_some());
    assert_eq!(world.alive(), 0);
}

#[tokio::test]
async fn endless_pages_end() {
    let world = world().await;
    let fault = Fault::Garbled { reply: Garble::EndlessPages, commit: true };
    world.simulator.add_fault(FaultRule::new(fault).on(simulator::Operation::List));
    let error = world.client.list_webhooks(&world.credentials, &default_service()).await.unwrap_err();
    assert!(matches!(error, Error::EndlessPages { .. }), "{error:?}");
}
