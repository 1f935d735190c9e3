//! Nothing changes: what the checks of some intervals ask for and write.

use std::time::Duration;

use anyhow::Result;

use crate::contender::Operator;
use crate::report::{self, Row};
use crate::stage::{Size, Stage};

pub(crate) async fn run(size: Size, interval: Duration, intervals: u32) -> Result<()> {
    let (stage, _) = Stage::at_rest(size).await?;
    let operator = Operator::start_with(&stage, &[&format!("--resync-interval={}s", interval.as_secs())])?;
    operator.knows(size.objects).await?;
    // The first checks are spread over one interval.
    tokio::time::sleep(interval).await;
    let conversations = f64::from(size.conversations());
    let mut rows = Vec::new();
    for n in 1..=intervals {
        let (mark, before) = (stage.plane.audit().mark().await?, stage.twilio.requests().await?);
        tokio::time::sleep(interval).await;
        let twilio = stage.twilio.requests().await?.since(before);
        let requests = stage.plane.audit().since(mark).await?.by_service_account("bench", "bench");
        let writes = requests.iter().filter(|request| request.is_write()).count();
        rows.push(Row {
            name: format!("interval {n}"),
            cells: vec![
                format!("{}", twilio.lists),
                format!("{:.3}", twilio.lists as f64 / conversations),
                format!("{}", twilio.all - twilio.lists),
                writes.to_string(),
                (requests.len() - writes).to_string(),
            ],
        });
    }
    operator.stop().await?;
    println!(
        "{} objects at rest on {conversations} conversations, checked every {} s\n",
        size.objects,
        interval.as_secs()
    );
    let head = [
        "lists",
        "lists/conversation",
        "other requests to Twilio",
        "writes",
        "other requests to the API server",
    ];
    report::table(&head, &rows);
    stage.plane.stop().await
}
