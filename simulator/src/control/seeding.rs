//! From a seed to a world. Everything passes the same checks as a request, so that no seed can build a world that
//! Twilio could not.

use std::sync::Arc;

use jiff::SignedDuration;

use super::ControlError;
use crate::api::{Refusal, Rules, webhook_from_params};
use crate::delivery::Courier;
use crate::seed::{
    AccountSeed, ConversationSeed, KeySeed, MessageSeed, ParticipantSeed, Region, Seed, WebhookSeed,
};
use crate::settings::Settings;
use crate::sid::{ConversationSid, ParticipantSid, WebhookSid};
use crate::state::State;
use crate::world::{
    Account, AccountData, Binding, Cause, ConversationChanges, MessageDraft, NewAccount, NewConversation,
    NewWebhook, Origin, ParticipantChanges, Period,
};

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
        let new = NewAccount {
            sid: seed.sid,
            region: seed.region,
            auth_token: seed.auth_token.clone(),
            service: seed.default_service.unwrap_or_else(|| state.sids.next()),
            messaging_service: seed.messaging_service.unwrap_or_else(|| state.sids.next()),
            clock: state.clock.clone(),
            tokens: Arc::clone(&state.tokens),
        };
        state.world.add_account(Account::new(new))
    });
    account.set_auth_token(seed.auth_token.clone());
    account.set_status(seed.status);
    {
        let mut data = account.data();
        for service in &seed.services {
            data.add_service(*service, format!("Service {service}"));
        }
        if let Some(flows) = &seed.flows {
            data.flows.get_or_insert_default().extend(flows);
        }
    }
    for key in &seed.keys {
        add_key(state, &account, key)?;
    }
    for conversation in &seed.conversations {
        add_conversation(state, courier, &account, conversation, &Origin::Seed)?;
    }
    Ok(())
}

pub(super) fn add_key(state: &State, account: &Account, key: &KeySeed) -> Result<(), ControlError> {
    if key.rights().is_some() && account.region != Region::Us1 {
        return Err(ControlError::NoRestrictedKeys(account.sid));
    }
    match state.world.key_owner(key.sid) {
        Some(owner) if owner != account.sid => Err(ControlError::KeyTaken { key: key.sid, owner }),
        _ => {
            state.world.set_key(account.sid, key);
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
    let timer = |text: &Option<String>| {
        let parse = |text: &String| Period::parse(text, SignedDuration::ZERO);
        let wrong = Refusal::InvalidParameter("Timers".to_owned());
        text.as_ref().map(|text| parse(text).ok_or(wrong)).transpose()
    };
    let content = ConversationChanges {
        unique_name: seed.unique_name.clone(),
        friendly_name: seed.friendly_name.clone(),
        attributes: seed.attributes.clone(),
        inactive_after: timer(&seed.inactive_after)?,
        closed_after: timer(&seed.closed_after)?,
        ..ConversationChanges::default()
    };
    {
        let mut data = account.data();
        let service = seed.service.unwrap_or(data.defaults.service);
        data.create_conversation(NewConversation { sid, service, content }, Cause::Seed)?;
        for participant in &seed.participants {
            add_participant(state, &mut data, sid, participant, Cause::Seed)?;
        }
        for MessageSeed { author, body } in &seed.messages {
            let draft = MessageDraft::said(author.clone(), body.clone());
            data.add_message(sid, &state.sids, draft, Cause::Seed)?;
        }
    }
    for webhook in &seed.webhooks {
        add_webhook(state, courier, account, sid, webhook, origin.clone())?;
    }
    match seed.initializing_ms.map(span_of_ms) {
        Some(span) => account.data().set_up(sid, span, seed.state, Cause::Seed)?,
        None => account.data().set_state(sid, seed.state, Cause::Seed)?,
    }
    Ok(sid)
}

pub(super) fn add_participant(
    state: &State,
    data: &mut AccountData,
    conversation: ConversationSid,
    seed: &ParticipantSeed,
    cause: Cause,
) -> Result<ParticipantSid, ControlError> {
    let ParticipantSeed { sid, identity, address, proxy_address } = seed.clone();
    if identity.is_none() && address.is_none() {
        return Err(Refusal::InvalidParameter("Identity".to_owned()).into());
    }
    let content = ParticipantChanges {
        identity,
        binding: Binding { address, proxy_address, projected_address: None },
        ..ParticipantChanges::default()
    };
    let sid = sid.unwrap_or_else(|| state.sids.next());
    Ok(data.add_participant(conversation, sid, content, cause)?.sid)
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
    let settings = unpaced(state.settings());
    {
        let mut data = account.data();
        let rules = Rules { settings, region: account.region, flows: data.flows.as_ref() };
        let (configuration, replay_after) = webhook_from_params(&seed.to_params(), rules)?;
        data.create_webhook(conversation, NewWebhook { sid, configuration, replay_after }, origin, settings)?;
    }
    courier.collect(state, account);
    Ok(sid)
}

/// So many milliseconds, or as many as there can be.
pub(super) fn span_of_ms(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// The same without a limit on changes a second: that is a client's matter.
pub(super) fn unpaced(settings: Settings) -> Settings {
    Settings { max_changes_per_second: None, ..settings }
}
