//! A line to the simulator that is dead at first.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpSocket, TcpStream};

/// An address that refuses connections until the line is opened.
pub(crate) struct Line {
    // Bound and not listening: nobody else can take the port, and nobody answers.
    socket: TcpSocket,
    to: SocketAddr,
}

impl Line {
    /// A dead line to this address.
    pub(crate) fn to(to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { socket, to }
    }

    /// What a client uses in place of the address's own URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.socket.local_addr().unwrap())
    }

    /// Passes connections on from now on, until the test ends.
    pub(crate) fn open(self) {
        let Self { socket, to } = self;
        let listener = socket.listen(64).unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(to).await?;
                    copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
    }
}
