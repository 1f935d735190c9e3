//! The reading half of a pass: what [`decide`](crate::decide::decide) asked for, and nothing more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::Api;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject, ListParams};

use super::context::Context;
use super::error::Trouble;
use super::object::{full_name, journal, sibling, view};
use super::pass::Pass;
use super::secrets::{Login, SecretName};
use crate::api::{CONVERSATION_LABEL, ConversationWebhook};
use crate::decide::{Access, Board, Remote, Renamed, Sender, Sibling, Siblings, Wanted, address_source};
use crate::lanes::Errand;
use crate::twilio::{self, AccountSid, ConversationRef, ConversationSid, Credentials, ErrorKind, WebhookSid};

impl Pass {
    /// Reads the object's Secret, or takes what was read of it before.
    pub(super) async fn read_credentials(&mut self) -> Result<(), Trouble> {
        let login = match self.ctx.secrets.login(&self.secret).await {
            // The Secret may go before its objects, as in a namespace that is being deleted.
            Err(trouble) if trouble.about_credentials() => self.last_good().ok_or(trouble)?,
            login => login?,
        };
        self.access = Access::Known {
            account: login.credentials.account_sid().clone(),
            region: login.credentials.region().as_str().to_owned(),
            proved: login.proved,
        };
        self.login = Some(login);
        Ok(())
    }

    /// The credentials that last served for the account that an object which is to go lives in.
    fn last_good(&self) -> Option<Login> {
        let (account, region) = match &self.object {
            Some(object) if object.deleting || self.vanished => match object.open_attempt() {
                Some(attempt) => (attempt.account.clone(), attempt.region.clone()),
                None => object.record.account.clone().zip(object.record.region.clone())?,
            },
            Some(_) => return None,
            None => self.made_in.clone()?,
        };
        self.ctx.secrets.last_good(&self.namespace, &account, &region)
    }

    /// Reads the webhook's address from the Secret that the spec names.
    pub(super) async fn read_address(&mut self) -> Result<(), Trouble> {
        let unready = || Trouble::Internal("the spec names no Secret for the address");
        let raw = self.raw.as_ref().ok_or_else(unready)?;
        let source = address_source(&raw.spec).ok_or_else(unready)?;
        let secret = SecretName { namespace: self.namespace.clone(), name: source.name.clone() };
        let address = self.ctx.addresses.read(secret, &source.key, self.asked_at.is_some()).await?;
        self.address = Some(address);
        self.object = self.raw.as_ref().map(|raw| view(raw, self.address.as_ref()));
        Ok(())
    }

    /// Has Twilio confirm the account: by its configuration, and where the key may not read that, by the conversation.
    /// Objects that share a Secret share one proof, or one refusal.
    pub(super) async fn prove_account(&mut self) -> Result<(), Trouble> {
        let secret = self.secret.clone();
        // Who waits for a turn must not take a place in the lane from the one whose turn it is.
        self.permit = None;
        let ctx = Arc::clone(&self.ctx);
        let login = self.login()?.clone();
        let _turn = self.unless_stopped(ctx.secrets.turn_to_prove(&login)).await?;
        if self.ctx.secrets.is_proved(&secret, &login).await? {
            self.proved().await;
            return Ok(());
        }
        let declared = login.credentials.account_sid().clone();
        self.permit =
            Some(self.unless_stopped(ctx.lanes.enter(login.credentials.door(), self.errand())).await??);
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
        let found = match proof {
            Err(error) if error.kind() == ErrorKind::Credentials => return Err(self.shut_out(error).await),
            // Not accepted yet: a key of another account would take the place of one that served.
            proof => proof?,
        };
        if found != declared {
            let operation = twilio::Operation::FetchConfiguration;
            let foreign = twilio::Error::ForeignAccount { operation, expected: declared, found };
            self.ctx.secrets.refused(&secret, &login, &foreign).await;
            return Err(self.unless_replaced(foreign));
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
        let service = self.service.clone();
        let conversation = self.ctx.twilio.fetch_conversation(credentials, service.as_ref(), asked).await?;
        Ok(conversation.account_sid)
    }

    /// Finds the conversation that the object's unique name means.
    pub(super) async fn locate(&mut self) -> Result<(), Trouble> {
        match self.look_up(self.ctx.timing.settle).await? {
            Some(conversation) => self.conversation = Some(conversation),
            None => self.remote = Remote::NotFound,
        }
        Ok(())
    }

    /// Finds out whether the unique name means another conversation, now that the one it meant is gone.
    pub(super) async fn locate_again(&mut self) -> Result<(), Trouble> {
        self.permit = None;
        self.place = None;
        self.renamed = match self.look_up(self.ctx.timing.board).await? {
            Some(conversation) => Renamed::Found(conversation),
            None => Renamed::NotFound,
        };
        Ok(())
    }

    /// The conversation behind the object's unique name, where Twilio knows one; as looked up at most so long ago.
    async fn look_up(&mut self, max_age: Duration) -> Result<Option<ConversationSid>, Trouble> {
        let Some(Wanted::UniqueName(name)) = self
            .object
            .as_ref()
            .and_then(|object| object.desired.as_ref().ok())
            .map(|desired| &desired.conversation)
        else {
            return Err(Trouble::Internal("the object names no conversation"));
        };
        let (name, service, login) = (name.clone(), self.service.clone(), self.login()?.clone());
        let ctx = Arc::clone(&self.ctx);
        let held = ctx.conversations.hold_name(login.credentials.door(), service.as_ref(), &name);
        let mut held = self.unless_stopped(held).await?;
        if let Some(conversation) = held.conversation(max_age) {
            return Ok(Some(conversation.clone()));
        }
        let permit = self.unless_stopped(ctx.lanes.enter(login.credentials.door(), self.errand())).await??;
        debug_assert!(self.permit.is_none(), "a pass looks a name up before it enters a conversation");
        let found = self.ctx.twilio.fetch_conversation(&login.credentials, service.as_ref(), &name).await;
        drop(permit);
        if let Err(error) = &found
            && error.is_not_found()
        {
            self.looked_at = Some(Instant::now());
            return Ok(None);
        }
        let found = self.heard(found).await?;
        held.found(found.sid.clone());
        Ok(Some(found.sid))
    }

    /// Lists the conversation's webhooks, or takes the list that a sibling made a moment ago.
    pub(super) async fn list(&mut self, fresh: bool) -> Result<(), Trouble> {
        let at = self.enter().await?;
        let max_age = self.ctx.timing.board;
        let new_enough = |asked: Instant| !fresh && self.asked_at.is_none_or(|since| asked >= since);
        let shared = self
            .place
            .as_ref()
            .and_then(|place| place.board(max_age))
            .filter(|(asked, _)| new_enough(*asked));
        if let Some((asked, board)) = shared {
            self.looked_at = Some(asked);
            self.remote = Remote::Listed { board: board.clone(), fresh: false };
        } else {
            let asked = Instant::now();
            self.looked_at = Some(asked);
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
        // Whatever was known of siblings is older than this list. Only a create can do with what the cache has.
        let creates = self.object.as_ref().is_some_and(|object| object.record.webhook.is_none());
        self.siblings = if creates {
            Siblings::Cached(self.ctx.index.siblings(&at.conversation))
        } else {
            Siblings::Unread
        };
        Ok(())
    }

    /// Reads whether the kind itself is being deleted.
    pub(super) async fn read_kind(&mut self) -> Result<(), Trouble> {
        self.kind = self.ctx.definition.kind_since(self.deletion_seen).await?;
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
        let Some(login) = &self.login else { return reply.map_err(Trouble::from) };
        match reply {
            Ok(value) => {
                self.ctx.secrets.accepted(&self.secret, login, false).await;
                Ok(value)
            }
            // A login that opens its account lacks the right for this one thing: other objects may need less.
            Err(error) if error.kind() == ErrorKind::Credentials => match self.still_opens().await {
                Ok(false) => Err(self.shut_out(error).await),
                // With a lane that takes nobody in, nothing more is known than the refusal itself.
                Ok(true) | Err(_) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the login opens any account at all.
    async fn still_opens(&mut self) -> Result<bool, Trouble> {
        let Some(login) = self.login.clone() else { return Ok(false) };
        let _permit = match self.permit {
            Some(_) => None,
            None => Some(self.ctx.lanes.enter(login.credentials.door(), self.errand()).await?),
        };
        Ok(self.ctx.twilio.fetch_configuration(&login.credentials).await.is_ok()
            || self.account_of_conversation(&login.credentials).await.is_ok())
    }

    /// Twilio refused the login: whoever uses the Secret hears of it. The Secret is read again at once, since it may
    /// hold another login by now.
    async fn shut_out(&mut self, error: twilio::Error) -> Trouble {
        if let Some(login) = &self.login {
            self.ctx.secrets.refused(&self.secret, login, &error).await;
        }
        match self.ctx.secrets.login(&self.secret).await {
            Ok(_) => Trouble::Rotated,
            Err(_) => self.unless_replaced(error),
        }
    }

    /// A refusal is the last word on an object that is to go only where no credentials from before are left. Each later
    /// pass of a single object would probe the new ones again and never come to the old.
    fn unless_replaced(&self, refusal: twilio::Error) -> Trouble {
        if self.last_good().is_some() { Trouble::Rotated } else { refusal.into() }
    }

    /// Twilio confirmed that the credentials belong to the declared account.
    pub(super) async fn proved(&mut self) {
        if let Access::Known { proved, .. } = &mut self.access {
            *proved = true;
        }
        if let Some(login) = &self.login {
            self.ctx.secrets.accepted(&self.secret, login, true).await;
        }
    }

    /// Holds the conversation and a place in the account's lane, in this order: who waits for a conversation must
    /// not take a place from others.
    pub(super) async fn enter(&mut self) -> Result<ConversationRef, Trouble> {
        let conversation =
            self.conversation.clone().ok_or(Trouble::Internal("the object names no conversation"))?;
        let credentials = self.login()?.credentials.clone();
        let ctx = Arc::clone(&self.ctx);
        if self.place.is_none() {
            // In this order for one that proved its account before: see above.
            self.permit = None;
            self.place =
                Some(self.unless_stopped(ctx.conversations.hold(credentials.door(), &conversation)).await?);
        }
        if self.permit.is_none() {
            let errand = match self.errand() {
                // While its list is young: later it would be one more request.
                Errand::First if self.follows() => Errand::Next,
                errand => errand,
            };
            self.permit = Some(self.unless_stopped(ctx.lanes.enter(credentials.door(), errand)).await??);
        }
        Ok(ConversationRef { service: self.service.clone(), conversation })
    }

    /// Whether the conversation was listed a moment ago, for a pass before this one.
    fn follows(&mut self) -> bool {
        let age = self.ctx.timing.board;
        self.place.as_mut().is_some_and(|place| place.follows(age))
    }

    /// What this pass wants in the account's lane.
    fn errand(&self) -> Errand {
        if self.memory.failures > 0 { Errand::Retry } else { Errand::First }
    }

    /// Waits for something that is not a request. While nothing is under way, a stop ends the wait, and so does the time
    /// that a pass may take.
    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T, Trouble> {
        if self.sender != Sender::Idle {
            return Ok(wait.await);
        }
        let deadline = self.started + self.ctx.timing.pass;
        tokio::select! {
            biased;
            () = self.ctx.stop.cancelled() => Err(Trouble::Stopping),
            done = wait => Ok(done),
            () = tokio::time::sleep_until(deadline.into()) => Err(Trouble::Crowded),
        }
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
    if let Ok(object) = serde_json::to_value(object).and_then(serde_json::from_value::<ConversationWebhook>) {
        return sibling(&object);
    }
    // What cannot be decoded still claims what it claims.
    let status = |key: &str| object.data["status"][key].as_str();
    let webhook: Option<WebhookSid> = status("webhookSid").and_then(|sid| sid.parse().ok());
    let open = journal(object.annotations()).open(webhook.as_ref(), status("settledAttempt")).cloned();
    let generation = object.metadata.generation.unwrap_or_default();
    let deleting = object.metadata.deletion_timestamp.is_some();
    Sibling {
        uid: object.uid().unwrap_or_default(),
        name: full_name(object),
        as_journalled: open.as_ref().is_some_and(|open| {
            Some(&open.uid) == object.metadata.uid.as_ref()
                && open.generation == generation - i64::from(deleting)
        }),
        open,
        webhook,
        desired: None,
        answer: None,
    }
}
