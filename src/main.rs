//! Parse, run, exit.

use std::process::ExitCode;

use clap::Parser;
use conversation_webhook_operator::cli::{Cli, Command};
use conversation_webhook_operator::{app, commands};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Crd => commands::crd::print(),
        Command::Run(arguments) => match arguments.validated() {
            Ok(config) => app::run(config),
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::from(2);
            }
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
