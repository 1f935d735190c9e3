//! How many requests to the API server are under way.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tower::limit::GlobalConcurrencyLimitLayer;

/// Room for so many requests at a time; whoever comes then waits.
#[derive(Clone, Debug)]
pub struct ApiRoom {
    permits: Arc<Semaphore>,
    size: usize,
}

impl ApiRoom {
    /// Room for `size` requests.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Self { permits: Arc::new(Semaphore::new(size)), size }
    }

    /// For a client: its requests are let in.
    #[must_use]
    pub fn layer(&self) -> GlobalConcurrencyLimitLayer {
        GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(&self.permits))
    }

    /// How many it has room for.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many are under way.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.size.saturating_sub(self.permits.available_permits())
    }
}
