//! The control API over HTTP, for other languages and processes: JSON in, JSON out, every route one typed method of
//! [`Control`]. Documented in the crate's README. No request here enters the journal.

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Control, ControlError, WebhookChanges};
use crate::fault::{FaultId, FaultRule};
use crate::operation::Operation;
use crate::seed::{AccountSeed, ConversationSeed, KeySeed, Seed, WebhookSeed};
use crate::settings::Settings;
use crate::sid::{AccountSid, ConversationSid, KeySid, WebhookSid};
use crate::world::{ApiClient, ConversationState};

/// Seeds can be large; nothing else is.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The routes, all under `/_simulator`.
pub(crate) fn router(control: Control) -> Router {
    let routes = Router::new()
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/reset", post(reset))
        .route("/seed", post(seed))
        .route("/settings", get(settings).put(set_settings))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/faults/{id}", axum::routing::delete(remove_fault))
        .route("/journal", get(journal).put(resize_journal).delete(clear_journal))
        .route("/counters", get(counters).delete(clear_counters))
        .route("/ledger", get(ledger))
        .route("/ledger/duplicates", get(duplicates))
        .route("/ledger/foreign-touched", get(foreign_touched))
        .route("/deliveries", get(deliveries).delete(clear_deliveries))
        .route("/accounts", post(add_account))
        .route("/accounts/{account}/auth-token", put(rotate_auth_token))
        .route("/accounts/{account}/keys", post(add_key))
        .route("/accounts/{account}/conversations", get(conversations).post(create_conversation))
        .route("/keys/{key}", axum::routing::delete(revoke_key))
        .route("/keys/{key}/secret", put(rotate_key_secret))
        .route("/conversations/{conversation}", get(conversation).delete(delete_conversation))
        .route("/conversations/{conversation}/state", put(set_conversation_state))
        .route("/conversations/{conversation}/recreate", post(recreate_conversation))
        .route("/conversations/{conversation}/messages", post(say))
        .route("/conversations/{conversation}/webhooks", post(create_webhook))
        .route("/conversations/{conversation}/fill-slots", post(fill_slots))
        .route("/webhooks/{webhook}", patch(edit_webhook).delete(delete_webhook));
    Router::new()
        .nest("/_simulator", routes)
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here; see the README") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path has other methods; see the README")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(control)
}

/// JSON in both directions; what cannot be read is a [`Problem`].
struct Json<T>(T);

impl<S: Send + Sync, T> FromRequest<S> for Json<T>
where
    axum::Json<T>: FromRequest<S, Rejection = JsonRejection>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text())),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// An error of the control API: `{"error": "…"}`.
struct Problem {
    status: StatusCode,
    error: String,
}

impl Problem {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let status = match error {
            ControlError::UnknownAccount(_)
            | ControlError::UnknownKey(_)
            | ControlError::UnknownConversation(_)
            | ControlError::UnknownWebhook(_)
            | ControlError::UnknownFault(_) => StatusCode::NOT_FOUND,
            ControlError::KeyTaken { .. } | ControlError::SidTaken(_) => StatusCode::CONFLICT,
            ControlError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, axum::Json(json!({"error": self.error}))).into_response()
    }
}

type Done = Result<StatusCode, Problem>;
type Found<T> = Result<Json<T>, Problem>;
type Made = (StatusCode, Json<serde_json::Value>);

const DONE: Done = Ok(StatusCode::NO_CONTENT);

fn made(sid: impl Serialize) -> Made {
    (StatusCode::CREATED, Json(json!({"sid": sid})))
}

async fn reset(State(control): State<Control>) -> Done {
    control.reset()?;
    DONE
}

async fn seed(State(control): State<Control>, Json(seed): Json<Seed>) -> Done {
    control.seed(&seed)?;
    DONE
}

async fn settings(State(control): State<Control>) -> impl IntoResponse {
    Json(control.settings())
}

async fn set_settings(State(control): State<Control>, Json(settings): Json<Settings>) -> Done {
    control.set_settings(settings);
    DONE
}

async fn faults(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"faults": control.faults()}))
}

async fn add_fault(State(control): State<Control>, Json(rule): Json<FaultRule>) -> impl IntoResponse {
    (StatusCode::CREATED, Json(json!({"id": control.add_fault(rule)})))
}

async fn clear_faults(State(control): State<Control>) -> Done {
    control.clear_faults();
    DONE
}

async fn remove_fault(State(control): State<Control>, Path(id): Path<u64>) -> Done {
    control.remove_fault(FaultId(id))?;
    DONE
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JournalQuery {
    #[serde(default)]
    after: u64,
    account: Option<AccountSid>,
    operation: Option<Operation>,
}

async fn journal(State(control): State<Control>, Query(wanted): Query<JournalQuery>) -> impl IntoResponse {
    let mut entries = control.journal_since(wanted.after);
    entries.retain(|entry| {
        wanted.account.is_none_or(|account| entry.account == Some(account))
            && wanted.operation.is_none_or(|operation| entry.operation == Some(operation))
    });
    Json(json!({"last": control.journal_mark(), "requests": entries}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JournalSize {
    size: usize,
}

async fn resize_journal(
    State(control): State<Control>,
    Json(JournalSize { size }): Json<JournalSize>,
) -> Done {
    control.resize_journal(size);
    DONE
}

async fn clear_journal(State(control): State<Control>) -> Done {
    control.clear_journal();
    DONE
}

async fn counters(State(control): State<Control>) -> impl IntoResponse {
    Json(control.counters())
}

async fn clear_counters(State(control): State<Control>) -> Done {
    control.clear_counters();
    DONE
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerQuery {
    account: Option<AccountSid>,
    conversation: Option<ConversationSid>,
    alive: Option<bool>,
}

async fn ledger(State(control): State<Control>, Query(wanted): Query<LedgerQuery>) -> impl IntoResponse {
    let ledger = control.ledger();
    let records = ledger.records().iter().filter(|record| {
        wanted.account.is_none_or(|account| record.account == account)
            && wanted.conversation.is_none_or(|conversation| record.conversation == conversation)
            && wanted.alive.is_none_or(|alive| record.alive() == alive)
    });
    Json(json!({"webhooks": records.collect::<Vec<_>>()}))
}

async fn duplicates(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"groups": control.ledger().duplicates()}))
}

async fn foreign_touched(
    State(control): State<Control>,
    Query(client): Query<ApiClient>,
) -> impl IntoResponse {
    Json(json!({"webhooks": control.ledger().foreign_touched(&client)}))
}

async fn deliveries(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"pending": control.deliveries_pending(), "deliveries": control.deliveries()}))
}

async fn clear_deliveries(State(control): State<Control>) -> Done {
    control.clear_deliveries();
    DONE
}

async fn add_account(
    State(control): State<Control>,
    Json(account): Json<AccountSeed>,
) -> Result<Made, Problem> {
    let sid = account.sid;
    control.seed(&Seed::new().account(account))?;
    Ok(made(sid))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AuthToken {
    auth_token: String,
}

async fn rotate_auth_token(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(AuthToken { auth_token }): Json<AuthToken>,
) -> Done {
    control.rotate_auth_token(account, auth_token)?;
    DONE
}

async fn add_key(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(key): Json<KeySeed>,
) -> Result<Made, Problem> {
    control.add_key(account, &key)?;
    Ok(made(key.sid))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySecret {
    secret: String,
}

async fn rotate_key_secret(
    State(control): State<Control>,
    Path(key): Path<KeySid>,
    Json(KeySecret { secret }): Json<KeySecret>,
) -> Done {
    control.rotate_key_secret(key, secret)?;
    DONE
}

async fn revoke_key(State(control): State<Control>, Path(key): Path<KeySid>) -> Done {
    control.revoke_key(key)?;
    DONE
}

async fn conversations(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
) -> Found<serde_json::Value> {
    Ok(Json(json!({"conversations": control.conversations(account)?})))
}

async fn create_conversation(
    State(control): State<Control>,
    Path(account): Path<AccountSid>,
    Json(conversation): Json<ConversationSeed>,
) -> Result<Made, Problem> {
    Ok(made(control.create_conversation(account, &conversation)?))
}

async fn conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Found<crate::world::Conversation> {
    Ok(Json(control.conversation(conversation)?))
}

async fn delete_conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Done {
    control.delete_conversation(conversation)?;
    DONE
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewState {
    state: ConversationState,
}

async fn set_conversation_state(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(NewState { state }): Json<NewState>,
) -> Done {
    control.set_conversation_state(conversation, state)?;
    DONE
}

async fn recreate_conversation(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Result<Made, Problem> {
    Ok(made(control.recreate_conversation(conversation)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saying {
    author: String,
    body: String,
}

async fn say(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(Saying { author, body }): Json<Saying>,
) -> Result<Made, Problem> {
    Ok(made(control.say(conversation, author, body)?))
}

async fn create_webhook(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
    Json(webhook): Json<WebhookSeed>,
) -> Result<Made, Problem> {
    Ok(made(control.create_webhook(conversation, &webhook)?))
}

async fn fill_slots(
    State(control): State<Control>,
    Path(conversation): Path<ConversationSid>,
) -> Found<serde_json::Value> {
    Ok(Json(json!({"sids": control.fill_slots(conversation)?})))
}

async fn edit_webhook(
    State(control): State<Control>,
    Path(webhook): Path<WebhookSid>,
    Json(changes): Json<WebhookChanges>,
) -> Done {
    control.edit_webhook(webhook, &changes)?;
    DONE
}

async fn delete_webhook(State(control): State<Control>, Path(webhook): Path<WebhookSid>) -> Done {
    control.delete_webhook(webhook)?;
    DONE
}
