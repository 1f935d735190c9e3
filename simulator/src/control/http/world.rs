//! Changes of the world behind the API's back: accounts and their credentials, conversations, webhooks, messages.

use std::time::Duration;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::json;

use super::{DONE, Done, Found, Json, Made, Problem, made};
use crate::control::{Control, WebhookChanges};
use crate::seed::{
    AccountSeed, AccountStatus, ConversationSeed, KeySeed, ParticipantSeed, Seed, WebhookSeed,
};
use crate::sid::{AccountSid, ConversationSid, KeySid, MessageSid, ParticipantSid, WebhookSid};
use crate::world::{ConversationState, DeliveryStatus};

pub(super) async fn add_account(
    State(control): State<Control>,
    Json(account): Json<AccountSeed>,
) -> Result<Made, Problem> {
    let sid = account.sid;
    control.seed(&Seed::new().account(account))?;
    Ok(made(sid))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AuthToken {
    auth_token: String,
}

pub(super) async fn rotate_auth_token(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(AuthToken { auth_token }): Json<AuthToken>,
) -> Done {
    control.rotate_auth_token(account, auth_token)?;
    DONE
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewStatus {
    status: AccountStatus,
}

pub(super) async fn set_account_status(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(NewStatus { status }): Json<NewStatus>,
) -> Done {
    control.set_account_status(account, status)?;
    DONE
}

pub(super) async fn add_key(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(key): Json<KeySeed>,
) -> Result<Made, Problem> {
    control.add_key(account, &key)?;
    Ok(made(key.sid))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeySecret {
    secret: String,
}

pub(super) async fn rotate_key_secret(
    State(control): State<Control>,
    Path(key): Path<KeySid>,
    Json(KeySecret { secret }): Json<KeySecret>,
) -> Done {
    control.rotate_key_secret(key, secret)?;
    DONE
}

pub(super) async fn revoke_key(State(control): State<Control>, Path(key): Path<KeySid>) -> Done {
    control.revoke_key(key)?;
    DONE
}

pub(super) async fn conversations(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
) -> Found<serde_json::Value> {
    Ok(Json(json!({"conversations": control.conversations(account)?})))
}

pub(super) async fn create_conversation(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(conversation): Json<ConversationSeed>,
) -> Result<Made, Problem> {
    Ok(made(control.create_conversation(account, &conversation)?))
}

pub(super) async fn conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Found<crate::world::Conversation> {
    Ok(Json(control.conversation(conversation)?))
}

pub(super) async fn delete_conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Done {
    control.delete_conversation(conversation)?;
    DONE
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewState {
    state: ConversationState,
}

pub(super) async fn set_conversation_state(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(NewState { state }): Json<NewState>,
) -> Done {
    control.set_conversation_state(conversation, state)?;
    DONE
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Span {
    for_ms: u64,
}

pub(super) async fn initialize_conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(Span { for_ms }): Json<Span>,
) -> Done {
    control.initialize_conversation(conversation, Duration::from_millis(for_ms))?;
    DONE
}

pub(super) async fn delete_conversation_slowly(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(Span { for_ms }): Json<Span>,
) -> Done {
    control.delete_conversation_slowly(conversation, Duration::from_millis(for_ms))?;
    DONE
}

pub(super) async fn recreate_conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Result<Made, Problem> {
    Ok(made(control.recreate_conversation(conversation)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saying {
    author: String,
    body: String,
}

pub(super) async fn say(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(Saying { author, body }): Json<Saying>,
) -> Result<Made, Problem> {
    Ok(made(control.say(conversation, author, body)?))
}

pub(super) async fn join(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(participant): Json<ParticipantSeed>,
) -> Result<Made, Problem> {
    Ok(made(control.join(conversation, &participant)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Report {
    participant: ParticipantSid,
    status: DeliveryStatus,
    #[serde(default)]
    error_code: u32,
}

pub(super) async fn report_delivery(
    State(control): State<Control>,
    Path((conversation, message)): Path<(ConversationSid, MessageSid)>,
    Json(Report { participant, status, error_code }): Json<Report>,
) -> Result<Made, Problem> {
    Ok(made(control.report_delivery(conversation, message, participant, status, error_code)?))
}

pub(super) async fn create_webhook(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(webhook): Json<WebhookSeed>,
) -> Result<Made, Problem> {
    Ok(made(control.create_webhook(conversation, &webhook)?))
}

pub(super) async fn fill_slots(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Found<serde_json::Value> {
    Ok(Json(json!({"sids": control.fill_slots(conversation)?})))
}

pub(super) async fn edit_webhook(
    State(control): State<Control>,
    Path(webhook): Path<WebhookSid>,
    Json(changes): Json<WebhookChanges>,
) -> Done {
    control.edit_webhook(webhook, &changes)?;
    DONE
}

pub(super) async fn delete_webhook(State(control): State<Control>, Path(webhook): Path<WebhookSid>) -> Done {
    control.delete_webhook(webhook)?;
    DONE
}

pub(super) async fn restore_webhook(State(control): State<Control>, Path(webhook): Path<WebhookSid>) -> Done {
    control.restore_webhook(webhook)?;
    DONE
}
