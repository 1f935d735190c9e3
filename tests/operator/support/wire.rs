//! A wire to the API server that can be cut, and that counts what is tried over it. TLS goes through: nothing is read.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::World;

/// The only way of one operator's to the API server. It ends with the value.
pub(crate) struct Wire {
    kubeconfig: PathBuf,
    shared: Arc<Shared>,
    listener: AbortHandle,
    _directory: TempDir,
}

struct Shared {
    to: SocketAddr,
    refused: AtomicUsize,
    cuts: watch::Sender<usize>,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.listener.abort();
        self.cut();
    }
}

impl Wire {
    /// A wire to the API server of this world.
    pub(crate) async fn start(world: &World) -> Self {
        let url = world.plane.url();
        let to = url.strip_prefix("https://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let kubeconfig = directory.path().join("kubeconfig");
        let direct = std::fs::read_to_string(world.kubeconfig()).unwrap();
        let over_here = direct.replace(url, &format!("https://{}", listener.local_addr().unwrap()));
        assert_ne!(direct, over_here, "the kubeconfig does not name {url}");
        std::fs::write(&kubeconfig, over_here).unwrap();
        let shared = Arc::new(Shared { to, refused: AtomicUsize::new(0), cuts: watch::Sender::new(0) });
        let passing = Arc::clone(&shared);
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&passing).pass(client));
            }
        })
        .abort_handle();
        Self { kubeconfig, shared, listener, _directory: directory }
    }

    /// The kubeconfig of the operator whose wire this is.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Breaks all connections. New ones go through.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How often a connection was asked for while nobody listened on the other side.
    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }
}

impl Shared {
    async fn pass(self: Arc<Self>, mut client: TcpStream) {
        let mut cuts = self.cuts.subscribe();
        let Ok(mut server) = TcpStream::connect(self.to).await else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            _ = cuts.changed() => {}
        }
    }
}
