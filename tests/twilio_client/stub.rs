//! An HTTP server that does exactly what a test says, connection by connection, and remembers what it was sent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) line: String,
    /// Names in lower case, as hyper writes them.
    pub(crate) headers: String,
    pub(crate) body: String,
}

/// What the server does once it has read a request.
#[derive(Debug, Clone)]
pub(crate) enum Then {
    /// Writes these bytes and waits for the next request on the connection.
    Reply(Vec<u8>),
    /// Writes these bytes and closes the connection.
    ReplyAndClose(Vec<u8>),
    /// Writes these bytes, one at a time for ever.
    Drip(Vec<u8>),
    /// Closes the connection without a word.
    Close,
    /// Breaks the connection off.
    Reset,
    /// Says nothing.
    Silence,
}

/// The server; it ends with the value.
#[derive(Debug)]
pub(crate) struct Stub {
    pub(crate) url: Url,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stub {
    /// `behaviour` gets the number of the request, from 0, and the request.
    pub(crate) async fn start(behaviour: impl Fn(usize, &Request) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let behaviour = Arc::new(behaviour);
        let task = tokio::spawn({
            let requests = Arc::clone(&requests);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&requests), Arc::clone(&behaviour)));
                }
            }
        });
        Self { url, requests, task }
    }

    /// A server that does the same with every request.
    pub(crate) async fn always(then: Then) -> Self {
        Self::start(move |_, _| then.clone()).await
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    requests: Arc<Mutex<Vec<Request>>>,
    behaviour: Arc<impl Fn(usize, &Request) -> Then>,
) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        let number = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        match behaviour(number, &request) {
            Then::Reply(bytes) => stream.write_all(&bytes).await.unwrap(),
            Then::ReplyAndClose(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                return;
            }
            Then::Drip(bytes) => {
                for byte in bytes.iter().cycle() {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Then::Close => return,
            Then::Reset => {
                stream.get_ref().set_zero_linger().unwrap();
                return;
            }
            Then::Silence => {
                let _closed = stream.read_u8().await;
                return;
            }
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") && headers != "\r\n" {
        stream.read_line(&mut headers).await.ok().filter(|length| *length > 0)?;
    }
    let length = headers
        .lines()
        .find_map(|header| header.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Request { line: line.trim_end().to_owned(), headers, body: String::from_utf8(body).unwrap() })
}

/// A whole reply with a body.
pub(crate) fn reply(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    reply_with(status, "", body)
}

/// A whole reply with further header lines, each ended by a line break.
pub(crate) fn reply_with(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut bytes =
        format!("HTTP/1.1 {status} Any\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
