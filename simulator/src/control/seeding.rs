//! From a seed to a world. Everything passes the same checks as a request, so that no seed can build a world that
//! Twilio could not.

use std::sync::Arc;
use std::time::Duration;

use super::ControlError;
use crate::api::{Rules, webhook_from_params};
use crate::delivery::{self, Courier};
use crate::seed::{AccountSeed, ConversationSeed, KeySeed, Seed, WebhookSeed};
use crate::sid::{AccountSid, ConversationSid, WebhookSid};
use crate::state::State;
use crate::world::{Account, ConversationState, NewConversation, NewWebhook, Origin};

pub(super) fn seed(state: &Arc<State>, courier: &Courier, seed: &Seed) -> Result<(), ControlError> {
    if let Some(settings) = seed.settings {
        *state.settings.write() = settings;
    }
    for account in &seed.accounts {
        add_account(state, courier, account)?;
    }
    for rule in &seed.faults {
        state.faults.add(rule.clone());
    }
    Ok(())
}

fn add_account(state: &Arc<State>, courier: &Courier, seed: &AccountSeed) -> Result<(), ControlError> {
    let account = state.world.account(seed.sid).unwrap_or_else(|| {
        let default_service = seed.default_service.unwrap_or_else(|| state.sids.next());
        let messaging_service = seed.messaging_service.unwrap_or_else(|| state.sids.next());
        state.world.add_account(Account::new(
            seed.sid,
            default_service,
            messaging_service,
            seed.auth_token.clone(),
        ))
    });
    account.set_auth_token(seed.auth_token.clone());
    {
        let mut data = account.data();
        data.services.extend(&seed.services);
        if let Some(flows) = &seed.flows {
            data.flows.get_or_insert_default().extend(flows);
        }
    }
    for key in &seed.keys {
        add_key(state, seed.sid, key)?;
    }
    for conversation in &seed.conversations {
        add_conversation(state, courier, &account, conversation, &Origin::Seed)?;
    }
    Ok(())
}

pub(super) fn add_key(state: &State, account: AccountSid, key: &KeySeed) -> Result<(), ControlError> {
    match state.world.key_owner(key.sid) {
        Some(owner) if owner != account => Err(ControlError::KeyTaken { key: key.sid, owner }),
        _ => {
            state.world.set_key(account, key);
            Ok(())
        }
    }
}

pub(super) fn add_conversation(
    state: &Arc<State>,
    courier: &Courier,
    account: &Account,
    seed: &ConversationSeed,
    origin: &Origin,
) -> Result<ConversationSid, ControlError> {
    let sid = seed.sid.unwrap_or_else(|| state.sids.next());
    if state.world.account_of(sid).is_some() {
        return Err(ControlError::SidTaken(sid.to_string()));
    }
    let new = NewConversation {
        sid,
        service: seed.service.unwrap_or(account.default_service),
        unique_name: seed.unique_name.clone(),
        friendly_name: seed.friendly_name.clone(),
        attributes: seed.attributes.clone(),
        state: ConversationState::Active,
    };
    account.data().create_conversation(new)?;
    for webhook in &seed.webhooks {
        add_webhook(state, courier, account, sid, webhook, origin.clone())?;
    }
    match seed.initializing_ms.map(Duration::from_millis) {
        Some(span) => account.data().set_up(sid, span, seed.state),
        None => account.data().set_state(sid, seed.state),
    };
    Ok(sid)
}

pub(super) fn add_webhook(
    state: &Arc<State>,
    courier: &Courier,
    account: &Account,
    conversation: ConversationSid,
    seed: &WebhookSeed,
    origin: Origin,
) -> Result<WebhookSid, ControlError> {
    let sid = seed.sid.unwrap_or_else(|| state.sids.next());
    if state.world.account_of_webhook(sid).is_some() {
        return Err(ControlError::SidTaken(sid.to_string()));
    }
    let dispatches = {
        let mut data = account.data();
        let rules = Rules { settings: state.settings(), flows: data.flows.as_ref() };
        let (configuration, replay_after) = webhook_from_params(&seed.to_params(), rules)?;
        data.create_webhook(conversation, NewWebhook { sid, configuration, replay_after }, origin)?;
        delivery::replay(account, &data, sid, &state.sids)
    };
    courier.send(state, dispatches);
    Ok(sid)
}
