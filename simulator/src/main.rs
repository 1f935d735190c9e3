//! The simulator as a program: for demos, other languages, and users' own CI.

use std::io::{Write, stdout};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{ArgAction, Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use twilio_conversations_simulator::{Config, DeliveryHosts, Seed, Simulator, WrongReply};

/// A faithful local stand-in for Twilio's Conversations (classic) REST API.
///
/// Prints its URL on standard output when it answers. There is no access control on `/_simulator/`: keep it on a
/// loopback address, or inside a network that you trust.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; port 0 takes a free port.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    listen: SocketAddr,
    /// What it holds at its start and after each reset: a YAML file.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The number that all SIDs and probabilities follow from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    random_seed: u64,
    /// How many requests the journal holds.
    #[arg(long, value_name = "N", default_value_t = Config::default().journal_size)]
    journal_size: usize,
    /// A host that deliveries may go to, besides this machine: a name, an address, `*.example.com`, or `*` for all.
    #[arg(long = "allow-delivery-to", value_name = "HOST")]
    delivery_hosts: Vec<String>,
    /// Hold every reply against Twilio's contract, and exit with 1 at the end when one was wrong.
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        default_value_t = Config::default().check_replies,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true
    )]
    check_replies: bool,
    /// How to log, on standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr(arguments.log_format);
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { listen, seed, random_seed, journal_size, delivery_hosts, check_replies, log_format: _ } =
        arguments;
    let allow = |hosts: DeliveryHosts, host: &String| hosts.allow(host);
    let delivery_hosts = delivery_hosts.iter().try_fold(DeliveryHosts::loopback(), allow)?;
    let seed = seed.as_deref().map(read_seed).transpose()?.unwrap_or_default();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let simulator = Simulator::start(Config {
        listen,
        seed,
        random_seed,
        journal_size,
        delivery_hosts,
        check_replies,
        ..Config::default()
    })
    .await?;
    writeln!(stdout(), "{}", simulator.url())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    verdict(&simulator.stop_and_report().await)
}

fn verdict(wrong: &[WrongReply]) -> anyhow::Result<()> {
    let lines: Vec<_> = wrong.iter().map(|reply| format!("\n  {reply}")).collect();
    anyhow::ensure!(wrong.is_empty(), "replies that Twilio would not give:{}", lines.concat());
    Ok(())
}

fn read_seed(path: &Path) -> anyhow::Result<Seed> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} is not a seed", path.display()))
}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use twilio_conversations_simulator::{Config, Problem, Violation, WrongReply};

    use super::{Arguments, verdict};

    #[test]
    fn a_wrong_reply_is_named_at_the_end() {
        assert!(verdict(&[]).is_ok());
        let wrong = WrongReply {
            at: jiff::Timestamp::UNIX_EPOCH,
            method: "GET".to_owned(),
            path: "/v1/Configuration".to_owned(),
            status: 200,
            violation: Violation { field: "url".to_owned(), problem: Problem::Missing },
        };
        let text = verdict(&[wrong]).unwrap_err().to_string();
        assert!(text.ends_with("\n  GET /v1/Configuration was answered with 200: url: is missing"), "{text}");
    }

    #[test]
    fn replies_are_checked_as_the_flag_says() {
        let checks = |arguments: &[&str]| {
            let arguments = [&["simulator"], arguments].concat();
            Arguments::try_parse_from(arguments).unwrap().check_replies
        };
        assert_eq!(checks(&[]), Config::default().check_replies);
        assert!(checks(&["--check-replies"]));
        assert!(!checks(&["--check-replies=false"]));
    }
}
