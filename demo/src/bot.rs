//! The tenant's bot: takes what Twilio delivers, believes it only with a genuine signature, and answers 403 otherwise.
//! It runs inside the tour, and as a process of its own for `make demo-up`.

use std::fmt;
use std::io::{Write as _, stdout};
use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::form_urlencoded;

use crate::signature::is_genuine;
use crate::twilio::AUTH_TOKEN;

/// The header that holds the signature.
pub(crate) const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// A request that the bot got.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    /// The URL that was asked, as the webhook has it.
    pub(crate) url: String,
    /// The form fields.
    pub(crate) form: Vec<(String, String)>,
    /// The signature that came with it; empty where none did.
    pub(crate) signature: String,
    /// Whether it was Twilio's.
    pub(crate) accepted: bool,
}

impl Receipt {
    /// The value of a form field; empty where it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.accepted { "accepted, signature genuine" } else { "refused, signature wrong" };
        write!(f, "{verdict}: {} at {}", self.field("EventType"), self.url)?;
        write!(f, ", {} said \"{}\"", self.field("Author"), self.field("Body"))
    }
}

/// A running bot, and what it gets.
#[derive(Debug)]
pub(crate) struct Bot {
    /// Its base URL, without a slash at its end.
    pub(crate) url: String,
    /// Every request, as it came.
    pub(crate) receipts: mpsc::UnboundedReceiver<Receipt>,
}

#[derive(Clone)]
struct Desk {
    url: String,
    receipts: mpsc::UnboundedSender<Receipt>,
}

impl Bot {
    /// Starts it on a free port of 127.0.0.1. It ends with the runtime.
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("start the bot")?;
        let url = format!("http://{}", listener.local_addr().context("start the bot")?);
        let (sender, receipts) = mpsc::unbounded_channel();
        let desk = Desk { url: url.clone(), receipts: sender };
        let routes = Router::new().fallback(any(receive)).with_state(desk);
        tokio::spawn(async { axum::serve(listener, routes).await });
        Ok(Self { url, receipts })
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Result<Receipt> {
        self.receipts.recv().await.context("the bot is gone")
    }
}

async fn receive(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    // A bot behind a proxy must take the URL that Twilio was given here, not the one that it sees.
    let url = format!("{}{uri}", desk.url);
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepted = is_genuine(AUTH_TOKEN, &url, &form, signature);
    let receipt = Receipt { url, form, signature: signature.to_owned(), accepted };
    // Nobody listens any more when the demo is over.
    let _ = desk.receipts.send(receipt);
    if accepted { StatusCode::OK } else { StatusCode::FORBIDDEN }
}

/// The bot as a process: its URL on the first line of standard output, then a line for each request.
pub(crate) async fn run() -> Result<()> {
    let mut bot = Bot::start().await?;
    writeln!(stdout(), "{}", bot.url)?;
    loop {
        let receipt = bot.next().await?;
        writeln!(stdout(), "{receipt}")?;
    }
}
