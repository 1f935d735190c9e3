//! What others do at the very moment when a request is struck.

use std::fmt;

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use twilio_conversations_simulator::WebhookSeed;

use super::scenario::{BOT_NAME, Scenario, swap_login};
use crate::support::{World, conversation, webhook_spec};

/// What happens beside the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Interference {
    /// Nothing.
    None,
    /// A second object on the conversation asks for the same.
    SiblingAlike,
    /// A second object on the conversation asks for something else.
    SiblingOther,
    /// Somebody else makes a webhook that is equal to the one that the object asks for.
    Twin,
    /// A second process, which knows of no election, was standing still since before the work began, and goes on.
    SecondLeader,
    /// The object is edited.
    SpecEdit,
    /// The object is deleted.
    Delete,
    /// The Secret gets another key of the same account, and the old key is revoked.
    CredentialSwap,
}

impl Interference {
    pub(super) const ALL: [Self; 8] = [
        Self::None,
        Self::SiblingAlike,
        Self::SiblingOther,
        Self::Twin,
        Self::SecondLeader,
        Self::SpecEdit,
        Self::Delete,
        Self::CredentialSwap,
    ];

    /// Why it does not apply to a scenario, where it does not.
    pub(super) const fn excluded(self, scenario: Scenario) -> Option<&'static str> {
        match self {
            Self::Delete if scenario.deletes() => Some("the object is being deleted already"),
            _ => None,
        }
    }

    /// Does it. An object that is gone by then is not edited or deleted any more.
    pub(super) async fn happen(self, scenario: Scenario, world: &World) {
        let objects = world.objects();
        match self {
            Self::SiblingAlike => drop(world.create("sibling", scenario.spec(world)).await),
            Self::SiblingOther => {
                world.create("sibling", webhook_spec(1, "https://bots.example.com/sibling")).await;
            }
            Self::Twin => {
                let twin =
                    WebhookSeed::webhook(scenario.address()).method("POST").filters(["onMessageAdded"]);
                world.simulator.create_webhook(conversation(1), &twin).unwrap();
            }
            Self::SpecEdit => {
                let edit = json!({ "spec": { "configuration": { "method": "GET" } } });
                let edited = objects.patch(BOT_NAME, &PatchParams::default(), &Patch::Merge(edit)).await;
                unless_gone(edited.map(drop));
            }
            Self::Delete => unless_gone(objects.delete(BOT_NAME, &DeleteParams::default()).await.map(drop)),
            // The second process is the caller's.
            Self::None | Self::SecondLeader => {}
            Self::CredentialSwap => swap_login(world).await,
        }
    }

    /// Whether what an object asks for may be there already by somebody else's doing, so that a person must say what is
    /// to become of it.
    pub(super) fn may_hold(self, reason: &str) -> bool {
        match self {
            Self::SiblingAlike => matches!(reason, "TwinExists" | "AlreadyClaimed"),
            Self::Twin => matches!(reason, "TwinExists" | "CreateAmbiguous"),
            _ => false,
        }
    }
}

/// The object may have gone at this very moment.
fn unless_gone(done: kube::Result<()>) {
    match done {
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        done => done.unwrap(),
    }
}

impl fmt::Display for Interference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "alone",
            Self::SiblingAlike => "sibling alike",
            Self::SiblingOther => "sibling of its own",
            Self::Twin => "outsider's twin",
            Self::SecondLeader => "second leader",
            Self::SpecEdit => "spec edit",
            Self::Delete => "delete",
            Self::CredentialSwap => "credential swap",
        })
    }
}
