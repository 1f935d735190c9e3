//! The operator's own program, as a pod would run it: under a `ServiceAccount`, with flags and a health check.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::narrator::Narrator;
use crate::process::Process;
use crate::{place, wait};

const READY_WITHIN: Duration = Duration::from_mins(1);

/// Starts the operator and waits until `/readyz` says so.
pub(crate) async fn start(
    narrator: &Narrator,
    kubeconfig: &Path,
    twilio: &str,
    log: &Path,
) -> Result<Process> {
    // Free a moment ago; should somebody take it first, the operator says so and ends.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    let admin = listener.local_addr().context("find a free port")?;
    drop(listener);

    let arguments = [
        "run".to_owned(),
        format!("--twilio-base-url={twilio}"),
        "--twilio-allow-http=true".to_owned(),
        // Short, so that one need not wait ten minutes to see an outside edit put back.
        "--resync-interval=3s".to_owned(),
        format!("--lease-namespace={}", crate::stage::OPERATOR),
        format!("--lease-name={}", crate::stage::OPERATOR),
        format!("--admin-address={admin}"),
        "--log-format=text".to_owned(),
    ];
    narrator.command(&format!("conversation-webhook-operator {}", arguments.join(" ")));
    let mut operator =
        Process::spawn("operator", &place::operator()?, &arguments, &[("KUBECONFIG", kubeconfig)], log)?;

    let client = reqwest::Client::builder().no_proxy().build()?;
    let readyz = format!("http://{admin}/readyz");
    let ready = wait::until("the operator was ready", READY_WITHIN, async || {
        let answer = client.get(&readyz).send().await;
        Ok(answer.is_ok_and(|answer| answer.status().is_success()).then_some(()))
    });
    operator.during(ready).await?;
    Ok(operator)
}
