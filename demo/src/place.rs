//! Where things are: this checkout, and the programs that cargo built.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The top of this checkout.
pub(crate) fn checkout() -> &'static Path {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR"));
    demo.parent().unwrap_or(demo)
}

/// The operator: `OPERATOR_BIN`, or the one that was built beside this program.
pub(crate) fn operator() -> Result<PathBuf> {
    program("conversation-webhook-operator", env::var_os("OPERATOR_BIN"))
}

/// The simulator: `SIMULATOR_BIN`, or the one that was built beside this program.
pub(crate) fn simulator() -> Result<PathBuf> {
    program("twilio-conversations-simulator", env::var_os("SIMULATOR_BIN"))
}

/// This program itself, which is also the bot.
pub(crate) fn ourselves() -> Result<PathBuf> {
    env::current_exe().context("find out which program this is")
}

fn program(name: &str, chosen: Option<OsString>) -> Result<PathBuf> {
    let path = match chosen {
        Some(path) => PathBuf::from(path),
        None => ourselves()?.with_file_name(name),
    };
    if !path.is_file() {
        bail!("{} does not exist: run `make build`", path.display());
    }
    Ok(path)
}
