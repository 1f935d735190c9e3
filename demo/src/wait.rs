//! Waiting with a deadline: nothing here sleeps for luck.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::time::sleep;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until there is something to be seen. `what` completes the sentence "it took too long until …".
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("it took more than {} s until {what}", within.as_secs());
        }
        sleep(LOOK_EVERY).await;
    }
}
