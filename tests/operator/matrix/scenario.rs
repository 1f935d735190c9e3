//! What the operator is doing when it is struck: small stories about one object, each with a beginning that nothing
//! disturbs and a step that starts the work.

use std::fmt;

use conversation_webhook_operator::api::RECONCILE_ANNOTATION;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, ConversationSeed, Fault, KeySeed, KeySid, Operation, Seed, WebhookChanges,
    WebhookSeed,
};

use crate::support::{ACCOUNT, BOT, World, annotate, conversation, sid_of, strike, webhook_spec};

/// The object that the story is about.
pub(super) const BOT_NAME: &str = "bot";
/// Where its webhook is to point after it was edited.
const EDITED: &str = "https://bots.example.com/edited";
/// The Secret with the credentials, which the chart lets the operator read.
const CREDENTIALS: &str = "twilio-credentials";
/// A Secret with an address.
const ADDRESS: &str = "bot-address";

/// Where the chart is installed.
pub(super) const SYSTEM: &str = "cwo-system";
/// The account of the runs that are compared with the audit log.
pub(super) const RECORDED: &str = "recorded";

/// A story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Scenario {
    /// The operator starts, and finds an object that has no webhook.
    Create,
    /// An object names its conversation by unique name.
    CreateByName,
    /// An object has its address from a Secret.
    CreateFromSecret,
    /// An object names a webhook that is to be taken over, and changed.
    TakeOver,
    /// A create lost its reply, and is found (R11).
    Recover,
    /// A create vanished on its way, and is made again.
    Repeat,
    /// An object's address is changed.
    Edit,
    /// Somebody else changed the webhook, and a check is due.
    Drift,
    /// Somebody else deleted the webhook, and a check is due (R14).
    Loss,
    /// An object is deleted.
    Delete,
    /// An object is deleted whose create lost its reply.
    DeleteOpen,
}

/// When the operator starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The step is there when it does.
    AfterStep,
    /// It waits for objects.
    Idle,
    /// It has made the object's webhook.
    Served,
    /// It has sent the object's create, and got no reply.
    Unresolved,
}

impl Scenario {
    pub(super) const ALL: [Self; 11] = [
        Self::Create,
        Self::CreateByName,
        Self::CreateFromSecret,
        Self::TakeOver,
        Self::Recover,
        Self::Repeat,
        Self::Edit,
        Self::Drift,
        Self::Loss,
        Self::Delete,
        Self::DeleteOpen,
    ];

    pub(super) const fn start(self) -> Start {
        match self {
            Self::Create => Start::AfterStep,
            Self::CreateByName | Self::CreateFromSecret | Self::TakeOver => Start::Idle,
            Self::Edit | Self::Drift | Self::Loss | Self::Delete => Start::Served,
            Self::Recover | Self::Repeat | Self::DeleteOpen => Start::Unresolved,
        }
    }

    /// Whether the object is to be gone in the end.
    pub(super) const fn deletes(self) -> bool {
        matches!(self, Self::Delete | Self::DeleteOpen)
    }

    /// Where the webhook points in the end, as far as nobody interferes.
    pub(super) const fn address(self) -> &'static str {
        match self {
            Self::Edit => EDITED,
            _ => BOT,
        }
    }

    /// A simulator's seed: one conversation, and a key.
    pub(super) fn seed() -> Seed {
        let account = AccountSeed::new(ACCOUNT.parse::<AccountSid>().unwrap(), "unused-auth-token")
            .key(Login::FIRST.seed())
            .conversation(ConversationSeed::new(conversation(1)).unique_name("support"));
        Seed::new().account(account)
    }

    /// A namespace with what the story needs.
    pub(super) async fn world(self) -> World {
        let world = World::with(Self::seed()).await;
        set_secret(&world, CREDENTIALS, &Login::FIRST.entries()).await;
        if self == Self::CreateFromSecret {
            set_secret(&world, ADDRESS, &[("url", BOT)]).await;
            grant_address(&world).await;
        }
        world
    }

    /// The spec of the story's object, or of another that asks for the same.
    pub(super) fn spec(self, world: &World) -> Value {
        let mut spec = webhook_spec(1, self.address());
        match self {
            Self::CreateByName => {
                let names = spec.as_object_mut().unwrap();
                names.remove("conversationSid");
                names.insert("conversationUniqueName".to_owned(), json!("support"));
            }
            Self::CreateFromSecret => {
                let from = json!({ "secretKeyRef": { "name": ADDRESS, "key": "url" } });
                spec["configuration"] = json!({ "urlFrom": from, "filters": ["onMessageAdded"] });
            }
            Self::TakeOver => {
                let ledger = world.simulator.ledger();
                let planted = ledger.records().first().map(|record| record.sid.to_string());
                spec["webhookSid"] = json!(planted);
            }
            _ => {}
        }
        spec
    }

    /// What comes before the operator is there, or before it has anything to do.
    pub(super) async fn prepare(self, world: &World) {
        match self.start() {
            Start::Served => drop(world.create(BOT_NAME, webhook_spec(1, BOT)).await),
            Start::Unresolved => {
                let vanishes = self == Self::Repeat;
                let fault = if vanishes { Fault::reset() } else { Fault::reset_after_commit() };
                strike(world, 1, Operation::Create, fault);
                world.create(BOT_NAME, webhook_spec(1, BOT)).await;
            }
            Start::AfterStep | Start::Idle => {}
        }
        if self == Self::TakeOver {
            let others = WebhookSeed::webhook("https://elsewhere.example.com/").filters(["onMessageAdded"]);
            world.simulator.create_webhook(conversation(1), &others).unwrap();
        }
    }

    /// What starts the work.
    pub(super) async fn step(self, world: &World) {
        match self {
            Self::Create | Self::CreateByName | Self::CreateFromSecret | Self::TakeOver => {
                world.create(BOT_NAME, self.spec(world)).await;
            }
            Self::Edit => {
                let edit = json!({ "spec": { "configuration": { "url": EDITED } } });
                world.patch(BOT_NAME, edit).await;
            }
            Self::Drift => {
                let webhook = borne(world).await;
                let changes = WebhookChanges::url("https://elsewhere.example.com/");
                world.simulator.edit_webhook(webhook.parse().unwrap(), &changes).unwrap();
                annotate(world, BOT_NAME, RECONCILE_ANNOTATION, "check").await;
            }
            Self::Loss => {
                let webhook = borne(world).await;
                world.simulator.delete_webhook(webhook.parse().unwrap()).unwrap();
                annotate(world, BOT_NAME, RECONCILE_ANNOTATION, "check").await;
            }
            Self::Delete | Self::DeleteOpen => world.delete(BOT_NAME).await,
            // Time does it.
            Self::Recover | Self::Repeat => {}
        }
    }
}

async fn borne(world: &World) -> String {
    sid_of(&world.objects().get(BOT_NAME).await.unwrap())
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::CreateByName => "create by name",
            Self::CreateFromSecret => "create with urlFrom",
            Self::TakeOver => "take over",
            Self::Recover => "recover a create",
            Self::Repeat => "repeat a create",
            Self::Edit => "edit",
            Self::Drift => "drift",
            Self::Loss => "loss",
            Self::Delete => "delete",
            Self::DeleteOpen => "delete with an open attempt",
        })
    }
}

/// A key of the account.
#[derive(Clone, Copy)]
pub(super) struct Login {
    sid: &'static str,
    secret: &'static str,
}

impl Login {
    pub(super) const FIRST: Self = Self { sid: "SK00000000000000000000000000000001", secret: "canary-first" };
    pub(super) const SECOND: Self =
        Self { sid: "SK00000000000000000000000000000002", secret: "canary-second" };

    pub(super) fn sid(self) -> KeySid {
        self.sid.parse().unwrap()
    }

    pub(super) fn secret(self) -> &'static str {
        self.secret
    }

    pub(super) fn seed(self) -> KeySeed {
        KeySeed::new(self.sid(), self.secret)
    }

    fn entries(self) -> [(&'static str, &'static str); 3] {
        [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_API_KEY", self.sid), ("TWILIO_API_SECRET", self.secret)]
    }
}

/// Another key of the same account takes the place of the first one, which is good for nothing from then on.
pub(super) async fn swap_login(world: &World) {
    world.simulator.add_key(ACCOUNT.parse().unwrap(), &Login::SECOND.seed()).unwrap();
    set_secret(world, CREDENTIALS, &Login::SECOND.entries()).await;
    world.simulator.revoke_key(Login::FIRST.sid()).unwrap();
}

/// In one write, so that there is no moment without a Secret.
async fn set_secret(world: &World, name: &str, entries: &[(&str, &str)]) {
    let api: Api<Secret> = Api::namespaced(world.kube.clone(), &world.namespace);
    let text: serde_json::Map<String, Value> =
        entries.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": text,
        "data": { "TWILIO_AUTH_TOKEN": null },
    });
    let exists = api.get_opt(name).await.unwrap().is_some();
    if exists {
        api.patch(name, &PatchParams::default(), &Patch::Merge(secret)).await.unwrap();
    } else {
        let mut secret = secret;
        secret.as_object_mut().unwrap().remove("data");
        api.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    }
}

/// Lets the operator read the Secret with the address, which the chart does not name.
async fn grant_address(world: &World) {
    let role = json!({
        "metadata": { "name": "read-address" },
        "rules": [{ "apiGroups": [""], "resources": ["secrets"], "resourceNames": [ADDRESS], "verbs": ["get"] }],
    });
    let subject = |name| json!({ "kind": "ServiceAccount", "name": name, "namespace": SYSTEM });
    let binding = json!({
        "metadata": { "name": "read-address" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "read-address" },
        "subjects": [subject("cwo-conversation-webhook-operator"), subject(RECORDED)],
    });
    let roles: Api<Role> = Api::namespaced(world.kube.clone(), &world.namespace);
    roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    let bindings: Api<RoleBinding> = Api::namespaced(world.kube.clone(), &world.namespace);
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
}
