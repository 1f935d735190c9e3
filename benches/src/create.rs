//! All objects are there when the contender starts: how long until every one of them is Ready, and what that takes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::contender::{Contender, Operator, Peer, Usage};
use crate::report::{self, Figure, Row};
use crate::stage::{Size, Stage};
use crate::{floor, ready};

/// Longer than anything takes; what takes longer is broken.
const PATIENCE: Duration = Duration::from_mins(20);

/// One run of one contender.
struct Run {
    seconds: f64,
    /// Writes of objects and their status, for each object.
    writes: f64,
    /// All requests to the API server for each object, the watches and lists at the start included.
    requests: f64,
    /// Requests to Twilio for each object.
    twilio: f64,
    /// Of these lists, for each conversation.
    lists: f64,
    /// Webhooks beyond one for each object.
    duplicates: i64,
    usage: Option<Usage>,
}

pub(crate) async fn run(size: Size, repeats: usize, contenders: &[Contender]) -> Result<()> {
    // Before an hour is spent on the others.
    contenders.iter().try_for_each(|contender| contender.check())?;
    let mut runs: Vec<(Contender, Run)> = Vec::new();
    for repeat in 0..repeats {
        for &contender in contenders {
            let run = once(size, contender).await?;
            eprintln!("{} {}: {:.1} s", contender.name(), repeat + 1, run.seconds);
            runs.push((contender, run));
        }
    }
    let of = |contender: Contender, figure: fn(&Run) -> f64| {
        Figure::of(runs.iter().filter(|(run, _)| *run == contender).map(|(_, run)| figure(run)))
    };
    let base = of(Contender::Floor, |run| run.seconds);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let rows: Vec<Row> = contenders
        .iter()
        .map(|&contender| {
            let seconds = of(contender, |run| run.seconds);
            let ratio = base.zip(seconds).map(|(base, seconds)| seconds.median / base.median);
            let usage = runs.iter().filter(|(run, _)| *run == contender).filter_map(|(_, run)| run.usage);
            let usage: Vec<Usage> = usage.collect();
            Row {
                name: contender.name().to_owned(),
                cells: vec![
                    report::figure(seconds, 1),
                    ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
                    report::figure(of(contender, |run| run.writes), 2),
                    report::figure(of(contender, |run| run.requests), 2),
                    report::figure(of(contender, |run| run.twilio), 2),
                    report::figure(of(contender, |run| run.lists), 2),
                    report::figure(of(contender, |run| run.duplicates as f64), 0),
                    report::figure(Figure::of(usage.iter().map(|usage| usage.cpu.as_secs_f64())), 1),
                    report::figure(Figure::of(usage.iter().map(|usage| mib(usage.peak))), 0),
                ],
            }
        })
        .collect();
    let Size { objects, tenants, latency, in_flight, per_conversation, .. } = size;
    println!(
        "{objects} objects, {per_conversation} to a conversation, of {tenants} tenants; Twilio takes {latency} ms and {in_flight} \
         requests of an account at a time; {repeats} runs, median (lowest to highest)\n"
    );
    let head = [
        "s",
        "× floor",
        "writes/object",
        "requests/object",
        "Twilio/object",
        "lists/conversation",
        "duplicates",
        "CPU s",
        "peak MiB",
    ];
    report::table(&head, &rows);
    Ok(())
}

async fn once(size: Size, contender: Contender) -> Result<Run> {
    let stage = Stage::new(size).await?;
    let mark = stage.plane.audit().mark().await?;
    let watching = tokio::spawn(ready::all(stage.kube.clone(), size.objects));
    let started = Instant::now();
    let work = async {
        let operator = match contender {
            Contender::Operator => Some(Operator::start(&stage)?),
            _ => None,
        };
        let peer = Peer::start(contender, &stage)?;
        if contender == Contender::Floor {
            floor::run(&stage).await?;
        }
        watching.await??;
        anyhow::Ok((operator, peer))
    };
    let Ok(operator) = tokio::time::timeout(PATIENCE, work).await else {
        bail!("{}: not all Ready within {PATIENCE:?}", contender.name())
    };
    let ((operator, peer), seconds) = (operator?, started.elapsed().as_secs_f64());
    let usage = match (&operator, &peer) {
        (Some(operator), _) => Some(operator.usage()?),
        (None, peer) => peer.as_ref().map(Peer::usage).transpose()?,
    };
    let twilio = stage.twilio.requests().await?;
    let webhooks = stage.twilio.webhooks().await?;
    let requests = stage.plane.audit().since(mark).await?.by_service_account("bench", "bench");
    let mut by_code = std::collections::BTreeMap::<_, usize>::new();
    for request in requests.iter().filter(|request| request.is_write()) {
        *by_code.entry((request.verb.clone(), request.target(), request.code)).or_default() += 1;
    }
    eprintln!("{by_code:?}");
    let (objects, conversations) =
        (f64::from(size.objects), f64::from(size.objects.div_ceil(size.per_conversation)));
    let writes =
        requests.iter().filter(|request| request.is_write() && request.resource == "conversationwebhooks");
    let run = Run {
        seconds,
        writes: writes.count() as f64 / objects,
        requests: requests.len() as f64 / objects,
        twilio: twilio.all as f64 / objects,
        lists: twilio.lists as f64 / conversations,
        duplicates: i64::try_from(webhooks)? - i64::from(size.objects),
        usage,
    };
    if run.duplicates != 0 {
        eprintln!("{}: {} creates for {} objects", contender.name(), twilio.creates, size.objects);
    }
    if let Some(operator) = operator {
        operator.stop().await?;
    }
    stage.plane.stop().await?;
    Ok(run)
}
