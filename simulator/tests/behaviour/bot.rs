//! A bot: what webhooks call, as a plain socket, so that a test sees each byte that was sent.

use std::collections::BTreeMap;

use crate::fixture::SOON;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::form_urlencoded;

/// A request as the bot received it.
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let encoded = if self.method == "GET" { query } else { &self.body };
        form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()
    }
}

/// A bot that answers every request with `answer` and hands it over.
pub(crate) struct Bot {
    pub(crate) origin: String,
    pub(crate) inbox: mpsc::UnboundedReceiver<Received>,
}

impl Bot {
    pub(crate) async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (sender, inbox) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = Vec::new();
                let received = loop {
                    if stream.read_buf(&mut buffer).await.unwrap() == 0 {
                        break None;
                    }
                    if let Some(received) = parse(&buffer) {
                        break Some(received);
                    }
                };
                if let Some(received) = received {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    let _ = sender.send(received);
                }
            }
        });
        Self { origin, inbox }
    }

    pub(crate) async fn next(&mut self) -> Received {
        tokio::time::timeout(SOON, self.inbox.recv()).await.unwrap().unwrap()
    }
}

fn parse(buffer: &[u8]) -> Option<Received> {
    let text = std::str::from_utf8(buffer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let mut request_line = lines.next()?.split(' ');
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    (body.len() >= length).then(|| Received {
        method: request_line.next().unwrap().to_owned(),
        target: request_line.next().unwrap().to_owned(),
        headers,
        body: body.to_owned(),
    })
}

pub(crate) const OK: &str = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
