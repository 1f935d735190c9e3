//! The demo behind `make demo`, `make demo-up` and `make demo-down`: the operator at work on a real API server, with
//! the simulator in Twilio's place and a small bot that gets the events.
//!
//! | module | holds |
//! |---|---|
//! | `tour` | `make demo`: the story, step by step, from nothing to nothing |
//! | `standing` | `make demo-up` and `make demo-down`: the same parts, left running in `.demo/` |
//! | `stage` | what both set up in the cluster: chart, tenant, examples |
//! | `operator`, `bot`, `twilio` | the parts: the operator's process, the bot, and what the simulator holds |
//! | `signature` | how the bot knows that a request is Twilio's |
//! | `process`, `identity` | child processes that end with us unless they are let go, and how they are found again |
//! | `shell`, `narrator` | commands that are shown and run, and everything else that is printed |
//! | `interrupt`, `wait`, `place` | Ctrl-C, deadlines, where things are |
//!
//! Nothing here listens on or connects to anything but 127.0.0.1.

mod bot;
mod identity;
mod interrupt;
mod narrator;
mod operator;
mod place;
mod process;
mod shell;
mod signature;
mod stage;
mod standing;
mod tour;
mod twilio;
mod wait;

use std::process::ExitCode;

use anyhow::bail;

use crate::interrupt::Interrupted;

#[tokio::main]
async fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let done = match command.as_str() {
        "tour" => tour::run().await,
        "up" => standing::up().await,
        "down" => standing::down().await,
        "bot" => bot::run().await,
        _ => usage(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("\nInterrupted: everything that was started is stopped.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> anyhow::Result<()> {
    bail!("usage: demo tour | up | down; best by `make demo`, `make demo-up` and `make demo-down`")
}
