//! The reading half of a pass: what [`decide`](crate::decide::decide) asked for, and nothing more.

use std::collections::BTreeMap;
use std::time::Instant;

use kube::Api;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject, ListParams};

use super::context::Context;
use super::error::Trouble;
use super::object::{full_name, sibling};
use super::reconcile::Pass;
use crate::api::{ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook};
use crate::decide::{Access, Attempt, Board, Remote, Sibling, Siblings, Wanted};
use crate::twilio::{self, AccountSid, ConversationRef, ConversationSid, Credentials, ErrorKind, WebhookSid};

impl Pass {
    /// Reads the object's Secret, or takes what was read of it before.
    pub(super) async fn read_credentials(&mut self) -> Result<(), Trouble> {
        let login = self.ctx.secrets.login(&self.secret()).await?;
        self.access = Access::Known {
            account: login.credentials.account_sid().clone(),
            region: login.credentials.region().as_str().to_owned(),
            proved: login.proved,
        };
        self.login = Some(login);
        Ok(())
    }

    /// Has Twilio confirm the account: by its configuration, and where the key may not read that, by the conversation.
    /// Objects that share a Secret share one proof, or one refusal.
    pub(super) async fn prove_account(&mut self) -> Result<(), Trouble> {
        let secret = self.secret();
        // Who waits for a turn must not take a place in the lane from the one whose turn it is.
        self.permit = None;
        let _turn = self.ctx.secrets.turn_to_prove(&secret).await;
        let login = self.login()?.clone();
        if self.ctx.secrets.is_proved(&secret, &login).await? {
            self.proved().await;
            return Ok(());
        }
        let declared = login.credentials.account_sid().clone();
        self.permit = Some(self.ctx.lanes.enter(&declared).await);
        let proof = match self.ctx.twilio.fetch_configuration(&login.credentials).await {
            Err(refused) if refused.kind() == ErrorKind::Credentials => {
                match self.account_of_conversation(&login.credentials).await {
                    // Nobody knows in whose account it is missing. Another object's conversation may tell, so this
                    // is no word on the Secret.
                    Err(error) if matches!(error.kind(), ErrorKind::NotFound(_)) => {
                        return Err(refused.into());
                    }
                    proof => proof,
                }
            }
            proof => proof,
        };
        if self.place.is_none() {
            // Who waits for a conversation must not take a place from others.
            self.permit = None;
        }
        let found = self.heard(proof).await?;
        if found != declared {
            let operation = twilio::Operation::FetchConfiguration;
            let foreign = twilio::Error::ForeignAccount { operation, expected: declared, found };
            self.ctx.secrets.refused(&secret, &foreign).await;
            return Err(foreign.into());
        }
        self.proved().await;
        Ok(())
    }

    /// The account that the object's conversation belongs to.
    async fn account_of_conversation(&self, credentials: &Credentials) -> Result<AccountSid, twilio::Error> {
        let wanted = self.object.as_ref().and_then(|object| object.desired.as_ref().ok());
        let asked = match (&self.conversation, wanted.map(|desired| &desired.conversation)) {
            (Some(conversation), _) | (None, Some(Wanted::Sid(conversation))) => conversation.as_str(),
            (None, Some(Wanted::UniqueName(name))) => name,
            (None, None) => "",
        };
        let service = self.service();
        let conversation = self.ctx.twilio.fetch_conversation(credentials, service.as_ref(), asked).await?;
        Ok(conversation.account_sid)
    }

    /// Finds the conversation that the object's unique name means.
    pub(super) async fn locate(&mut self) -> Result<(), Trouble> {
        let Some(Wanted::UniqueName(name)) = self
            .object
            .as_ref()
            .and_then(|object| object.desired.as_ref().ok())
            .map(|desired| &desired.conversation)
        else {
            return Err(Trouble::Kubernetes("the object names no conversation".to_owned()));
        };
        let (name, service, login) = (name.clone(), self.service(), self.login()?.clone());
        let account = login.credentials.account_sid();
        let mut held = self.ctx.conversations.hold_name(account, service.as_ref(), &name).await;
        if let Some(conversation) = held.conversation(self.ctx.timing.settle) {
            self.conversation = Some(conversation.clone());
            return Ok(());
        }
        let permit = self.ctx.lanes.enter(account).await;
        debug_assert!(self.permit.is_none(), "a pass looks a name up before it enters a conversation");
        let found = self.ctx.twilio.fetch_conversation(&login.credentials, service.as_ref(), &name).await;
        drop(permit);
        if let Err(error) = &found
            && error.is_not_found()
        {
            self.remote = Remote::NotFound;
            return Ok(());
        }
        let found = self.heard(found).await?;
        held.found(found.sid.clone());
        self.conversation = Some(found.sid);
        Ok(())
    }

    /// Lists the conversation's webhooks, or takes the list that a sibling made a moment ago.
    pub(super) async fn list(&mut self, fresh: bool) -> Result<(), Trouble> {
        let at = self.enter().await?;
        let max_age = self.ctx.timing.board;
        let shared = self.place.as_ref().and_then(|place| place.board(max_age)).filter(|_| !fresh);
        if let Some(board) = shared {
            self.remote = Remote::Listed { board: board.clone(), fresh: false };
        } else {
            let asked = Instant::now();
            let listed = self.ctx.twilio.list_webhooks(&self.login()?.credentials, &at).await;
            let webhooks = match listed {
                Err(error) if error.is_not_found() => {
                    self.remote = Remote::NotFound;
                    return Ok(());
                }
                // A service that is not there is no word on the webhook, and none at all from another account.
                Err(error) if matches!(error.kind(), ErrorKind::NotFound(_)) => {
                    self.prove_account().await?;
                    return Err(error.into());
                }
                listed => self.heard(listed).await?,
            };
            if !webhooks.is_empty() {
                // The client checked that each bears the declared account.
                self.proved().await;
            }
            let board = Board::new(webhooks);
            if let Some(place) = &mut self.place {
                place.listed(asked, board.clone());
            }
            self.remote = Remote::Listed { board, fresh: true };
        }
        // Whatever was known of siblings is older than this list.
        self.siblings = Siblings::Cached(self.ctx.cached_siblings(&at.conversation));
        Ok(())
    }

    /// Reads whether the kind itself is being deleted.
    pub(super) async fn read_kind(&mut self) -> Result<(), Trouble> {
        self.kind = self.ctx.definition.kind_since(self.began).await?;
        Ok(())
    }

    /// Reads the other objects on the conversation from the API server.
    pub(super) async fn read_siblings(&mut self) -> Result<(), Trouble> {
        let Some(conversation) = self.conversation.clone() else {
            self.siblings = Siblings::Live(Vec::new());
            return Ok(());
        };
        self.siblings = Siblings::Live(live_siblings(&self.ctx, &conversation).await?);
        Ok(())
    }

    /// Passes a reply of Twilio's on, and remembers what it says about the credentials.
    pub(super) async fn heard<T>(&mut self, reply: Result<T, twilio::Error>) -> Result<T, Trouble> {
        let secret = self.secret();
        match reply {
            Ok(value) => {
                if let Some(login) = &self.login {
                    self.ctx.secrets.accepted(&secret, login, false).await;
                }
                Ok(value)
            }
            Err(error) => {
                if error.kind() == ErrorKind::Credentials {
                    self.ctx.secrets.refused(&secret, &error).await;
                }
                Err(error.into())
            }
        }
    }

    /// Twilio confirmed that the credentials belong to the declared account.
    pub(super) async fn proved(&mut self) {
        if let Access::Known { proved, .. } = &mut self.access {
            *proved = true;
        }
        if let Some(login) = &self.login {
            self.ctx.secrets.accepted(&self.secret(), login, true).await;
        }
    }

    /// Holds the conversation and a place in the account's lane, in this order: who waits for a conversation must
    /// not take a place from others.
    pub(super) async fn enter(&mut self) -> Result<ConversationRef, Trouble> {
        let conversation = self
            .conversation
            .clone()
            .ok_or_else(|| Trouble::Kubernetes("the object names no conversation".to_owned()))?;
        let account = self.login()?.credentials.account_sid().clone();
        if self.place.is_none() {
            self.place = Some(self.ctx.conversations.hold(&account, &conversation).await);
        }
        if self.permit.is_none() {
            self.permit = Some(self.ctx.lanes.enter(&account).await);
        }
        Ok(ConversationRef { service: self.service(), conversation })
    }
}

/// Two lists straight from etcd's state, by label and by status, over all served namespaces and without the watch's
/// selector. Untyped, so that one object that cannot be decoded does not hide the others.
async fn live_siblings(ctx: &Context, conversation: &ConversationSid) -> Result<Vec<Sibling>, Trouble> {
    let kind = ApiResource::erase::<ConversationWebhook>(&());
    let apis: Vec<Api<DynamicObject>> = if ctx.namespaces.is_empty() {
        vec![Api::all_with(ctx.kube.clone(), &kind)]
    } else {
        ctx.namespaces
            .iter()
            .map(|namespace| Api::namespaced_with(ctx.kube.clone(), namespace, &kind))
            .collect()
    };
    let by_label = ListParams::default().labels(&format!("{CONVERSATION_LABEL}={conversation}"));
    let by_status = ListParams::default().fields(&format!("status.conversationSid={conversation}"));
    let mut siblings = BTreeMap::new();
    for api in &apis {
        for params in [&by_label, &by_status] {
            for object in api.list(params).await?.items {
                siblings.insert(object.uid().unwrap_or_default(), object);
            }
        }
    }
    Ok(siblings.values().map(live_sibling).collect())
}

fn live_sibling(object: &DynamicObject) -> Sibling {
    let (uid, name) = (object.uid().unwrap_or_default(), full_name(object));
    let status = |key: &str| object.data["status"][key].as_str().map(str::to_owned);
    let webhook: Option<WebhookSid> = status("webhookSid").and_then(|sid| sid.parse().ok());
    let settled = status("settledAttempt");
    let attempt = object.annotations().get(ATTEMPT_ANNOTATION).and_then(|text| Attempt::parse(text).ok());
    match serde_json::to_value(object).and_then(serde_json::from_value::<ConversationWebhook>) {
        Ok(object) => sibling(&object),
        // What cannot be decoded still claims what it claims.
        Err(_) => Sibling {
            uid,
            name,
            open: attempt
                .filter(|attempt| webhook.is_none() && settled.as_deref() != Some(attempt.id.as_str())),
            webhook,
            desired: None,
        },
    }
}
