//! A simulator with two accounts, and a client that speaks plain HTTP to it.

use std::fmt::Debug;
use std::str::FromStr;
use std::time::{Duration, Instant};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use twilio_conversations_simulator::{
    AccountSeed, AccountSid, Config, ConversationSeed, ConversationSid, Delivery, FlowSid, KeySeed, KeySid,
    Operation, Seed, ServiceSid, Settings, Simulator, WebhookSeed, WebhookSid,
};

pub(crate) const ACCOUNT: AccountSid = AccountSid::numbered(1);
pub(crate) const OTHER_ACCOUNT: AccountSid = AccountSid::numbered(2);
pub(crate) const TOKEN: &str = "token-1";
pub(crate) const OTHER_TOKEN: &str = "token-2";
pub(crate) const KEY: KeySid = KeySid::numbered(1);
pub(crate) const READ_ONLY_KEY: KeySid = KeySid::numbered(2);
pub(crate) const SECRET: &str = "key-secret";
pub(crate) const DEFAULT_SERVICE: ServiceSid = ServiceSid::numbered(1);
pub(crate) const SERVICE: ServiceSid = ServiceSid::numbered(2);
pub(crate) const CONVERSATION: ConversationSid = ConversationSid::numbered(1);
pub(crate) const IN_SERVICE: ConversationSid = ConversationSid::numbered(2);
pub(crate) const OF_OTHER: ConversationSid = ConversationSid::numbered(3);
pub(crate) const FLOW: FlowSid = FlowSid::numbered(1);
pub(crate) const BOT: &str = "https://bots.example.com/a";
/// A URL of this machine at which nobody answers: deliveries to it are on record, and fail at once.
pub(crate) const NOBODY: &str = "http://127.0.0.1:1/";
/// How long anything may take that happens by itself.
pub(crate) const SOON: Duration = Duration::from_secs(5);
/// What makes a REST call fire webhooks.
pub(crate) const FIRES: (&str, &str) = ("X-Twilio-Webhook-Enabled", "true");

pub(crate) fn seed() -> Seed {
    let reads = [Operation::List, Operation::Fetch, Operation::ConversationFetch];
    Seed::new()
        .account(
            AccountSeed::new(ACCOUNT, TOKEN)
                .default_service(DEFAULT_SERVICE)
                .service(SERVICE)
                .flow(FLOW)
                .key(KeySeed::new(KEY, SECRET))
                .key(KeySeed::new(READ_ONLY_KEY, SECRET).restricted_to(reads))
                .conversation(ConversationSeed::new(CONVERSATION).unique_name("tenant a/support"))
                .conversation(ConversationSeed::new(IN_SERVICE).service(SERVICE)),
        )
        .account(AccountSeed::new(OTHER_ACCOUNT, OTHER_TOKEN).conversation(ConversationSeed::new(OF_OTHER)))
}

pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(seed()).await
    }

    pub(crate) async fn start_with(seed: Seed) -> Self {
        Self::with(Config { random_seed: 7, ..Config::from(seed) }).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let simulator = Simulator::start(config).await.unwrap();
        let client = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("behaviour/1")
            .build()
            .unwrap();
        Self { simulator, client }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.simulator.url())
    }

    pub(crate) fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).basic_auth(ACCOUNT, Some(TOKEN))
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        Reply::to(self.request(Method::POST, path).form(form)).await
    }

    /// The same, and webhooks hear of it.
    pub(crate) async fn post_firing(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        Reply::to(self.request(Method::POST, path).header(FIRES.0, FIRES.1).form(form)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::DELETE, path)).await
    }

    /// The same, and webhooks hear of it.
    pub(crate) async fn delete_firing(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::DELETE, path).header(FIRES.0, FIRES.1)).await
    }

    /// A call of the control API; `Value::Null` is no body.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Reply {
        let request = self.anonymous(method, &format!("/_simulator{path}"));
        Reply::to(if body.is_null() { request } else { request.json(&body) }).await
    }

    /// Changes the switches.
    pub(crate) fn switch(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.simulator.settings();
        change(&mut settings);
        self.simulator.set_settings(settings);
    }

    /// A webhook of somebody else's that hears of these events, at a URL where nobody answers.
    pub(crate) fn listen<const N: usize>(
        &self,
        conversation: ConversationSid,
        events: [&str; N],
    ) -> WebhookSid {
        let webhook = WebhookSeed::webhook(NOBODY).filters(events);
        self.simulator.create_webhook(conversation, &webhook).unwrap()
    }

    /// All deliveries, once none is under way.
    pub(crate) async fn settled(&self) -> Vec<Delivery> {
        assert!(self.simulator.deliveries_settled(2 * SOON).await);
        self.simulator.deliveries()
    }

    /// The events of all deliveries, in order.
    pub(crate) async fn heard(&self) -> Vec<String> {
        self.settled().await.into_iter().map(|delivery| delivery.event).collect()
    }

    /// Creates a webhook target at `url` and returns its SID.
    pub(crate) async fn create(&self, url: &str) -> WebhookSid {
        let reply = self.post(&webhooks(CONVERSATION), &webhook_form(url)).await;
        assert_eq!(reply.status, 201, "{}", reply.json);
        reply.sid()
    }

    pub(crate) async fn try_create(&self) -> reqwest::Result<Response> {
        self.request(Method::POST, &webhooks(CONVERSATION)).form(&webhook_form(BOT)).send().await
    }

    pub(crate) async fn listed(&self) -> Vec<WebhookSid> {
        let reply = self.get(&webhooks(CONVERSATION)).await;
        let webhooks = reply.json["webhooks"].as_array().unwrap();
        webhooks.iter().map(|webhook| webhook["sid"].as_str().unwrap().parse().unwrap()).collect()
    }

    pub(crate) fn alive(&self) -> usize {
        self.simulator.ledger().alive(CONVERSATION).len()
    }
}

pub(crate) fn webhooks(conversation: ConversationSid) -> String {
    format!("/v1/Conversations/{conversation}/Webhooks")
}

pub(crate) fn webhook(sid: WebhookSid) -> String {
    format!("{}/{sid}", webhooks(CONVERSATION))
}

pub(crate) fn conversation(sid: ConversationSid) -> String {
    format!("/v1/Conversations/{sid}")
}

pub(crate) fn participants(conversation: ConversationSid) -> String {
    format!("/v1/Conversations/{conversation}/Participants")
}

pub(crate) fn messages(conversation: ConversationSid) -> String {
    format!("/v1/Conversations/{conversation}/Messages")
}

pub(crate) fn webhook_form(url: &str) -> [(&str, &str); 3] {
    [("Target", "webhook"), ("Configuration.Url", url), ("Configuration.Filters", "onMessageAdded")]
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) json: Value,
}

impl Reply {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        Self::of(request.send().await.unwrap()).await
    }

    /// The SID of what was made or fetched.
    pub(crate) fn sid<S: FromStr<Err: Debug>>(&self) -> S {
        self.json["sid"].as_str().unwrap().parse().unwrap()
    }

    /// One field of every item of a list.
    pub(crate) fn column(&self, list: &str, field: &str) -> Vec<Value> {
        self.json[list].as_array().unwrap().iter().map(|item| item[field].clone()).collect()
    }

    pub(crate) async fn of(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Self { status, headers, json }
    }

    /// Status and Twilio code, after a look at the form of the error body.
    pub(crate) fn error(&self) -> (u16, u64) {
        let code = self.json["code"].as_u64().unwrap();
        assert_eq!(self.json["status"], self.status);
        assert_eq!(self.json["more_info"], format!("https://www.twilio.com/docs/errors/{code}"));
        assert!(!self.json["message"].as_str().unwrap().is_empty());
        (self.status, code)
    }
}

/// A webhook as somebody else makes it.
pub(crate) fn outside(url: &str) -> WebhookSeed {
    WebhookSeed::webhook(url)
}

/// Waits until it is true.
pub(crate) async fn eventually(what: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !what() {
        assert!(Instant::now() < deadline, "it never came true");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
}
