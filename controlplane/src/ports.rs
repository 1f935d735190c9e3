//! Free TCP ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result};

/// `N` different ports that were free a moment ago. Another process may take one before its user binds it; whoever asks
/// must be ready to ask again.
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    // All listeners stay open until every port is known, so that no port comes twice.
    let mut listeners = Vec::with_capacity(N);
    for port in &mut ports {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port on 127.0.0.1")?;
        *port = listener.local_addr().context("read the port that was found")?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
