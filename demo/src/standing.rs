//! `make demo-up` and `make demo-down`: the same parts, each a process of its own, in `.demo/` of the checkout.
//!
//! Until everything runs it all depends on us, as in the tour; then it is written down and let go.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use controlplane::{Cluster, ControlPlane};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::interrupt::or_interrupted;
use crate::narrator::Narrator;
use crate::process::Process;
use crate::shell::Shell;
use crate::{operator, place, stage, twilio};

const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// What runs, as it is written down.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    simulator: String,
    /// In the order in which they are stopped.
    processes: Vec<Identity>,
}

/// Starts everything and says how to play with it.
pub(crate) async fn up() -> Result<()> {
    let home = Home::of_checkout();
    let narrator = Narrator::new();
    if let Some(state) = home.read()? {
        if state.runs() && Cluster::open(&home.control_plane()).is_ok() {
            narrator.end("It is up already.");
            return home.show_how_to_play(&narrator, &state);
        }
        narrator.end("Something of an earlier demo is left, but not all of it runs: it is removed first.");
    }
    // Also when nothing was written down: an earlier start may have been killed half-way.
    home.clear().await?;
    match or_interrupted(home.start(&narrator)).await {
        Ok(state) => home.show_how_to_play(&narrator, &state),
        Err(error) => {
            home.clear().await?;
            Err(error)
        }
    }
}

/// Stops what [`up`] started, and removes its directory.
pub(crate) async fn down() -> Result<()> {
    let home = Home::of_checkout();
    let narrator = Narrator::new();
    if !home.0.exists() {
        narrator.end("Nothing is up.");
        return Ok(());
    }
    home.clear().await?;
    narrator.end(&format!("Everything is stopped, and {} is gone.", home.0.display()));
    Ok(())
}

impl State {
    fn runs(&self) -> bool {
        self.processes.iter().all(Identity::runs)
    }
}

/// The directory of the demo that is left running.
struct Home(PathBuf);

impl Home {
    fn of_checkout() -> Self {
        Self(place::checkout().join(".demo"))
    }

    fn control_plane(&self) -> PathBuf {
        self.0.join("control-plane")
    }

    fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.log"))
    }

    fn state(&self) -> PathBuf {
        self.0.join("state.json")
    }

    fn read(&self) -> Result<Option<State>> {
        let file = self.state();
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text.with_context(|| format!("read {}", file.display()))?,
        };
        serde_json::from_str(&text).with_context(|| format!("read {}", file.display())).map(Some)
    }

    async fn start(&self, narrator: &Narrator) -> Result<State> {
        narrator.step("Start a private Kubernetes control plane");
        // With its controllers: one may want to delete a namespace.
        let builder = ControlPlane::builder().controller_manager(true);
        let cluster = builder.start_detached(&self.control_plane()).await?;
        fs::copy(cluster.kubeconfig_path(), self.kubeconfig()).context("copy the kubeconfig")?;
        let shell = Shell { cluster: &cluster, narrator };

        narrator.step("Start the simulator, in Twilio's place, and the tenant's bot");
        let (simulator, simulator_url) = self.start_simulator().await?;
        let (bot, bot_url) = self.start_bot().await?;
        narrator.note(&format!("Simulator: {simulator_url}. Bot: {bot_url}."));

        narrator.step("Install the CRD, the ServiceAccount and its rights, from the chart");
        let kubeconfig = stage::install_chart(shell).await?;
        narrator.step("Start the operator, with the rights of that ServiceAccount and no others");
        let mut operator =
            operator::start(narrator, &kubeconfig, &simulator_url, &self.log("operator")).await?;

        narrator.step("Become a tenant: a namespace, a Secret, and one webhook for each target");
        let tenant = async {
            stage::create_tenant(shell, &self.0.join("manifests"), &bot_url).await?;
            stage::wait_for_ready(shell).await
        };
        operator.during(tenant).await?;
        self.let_go(simulator_url, [operator, bot, simulator])
    }

    async fn start_simulator(&self) -> Result<(Process, String)> {
        // JSON is YAML too.
        let seed = self.0.join("seed.json");
        fs::write(&seed, serde_json::to_string_pretty(&twilio::seed())?).context("write the seed")?;
        let arguments = [format!("--seed={}", seed.display())];
        self.start_server("simulator", &place::simulator()?, &arguments).await
    }

    async fn start_bot(&self) -> Result<(Process, String)> {
        self.start_server("bot", &place::ourselves()?, &["bot".to_owned()]).await
    }

    async fn start_server(
        &self,
        name: &'static str,
        program: &Path,
        arguments: &[String],
    ) -> Result<(Process, String)> {
        let mut process = Process::spawn(name, program, arguments, &[], &self.log(name))?;
        let url = process.url(ANSWERS_WITHIN).await?;
        Ok((process, url))
    }

    /// Writes down what runs, then lets it live on.
    fn let_go(&self, simulator: String, processes: [Process; 3]) -> Result<State> {
        let identify = |process: &Process| Identity::of(process.name(), process.pid());
        let state = State { simulator, processes: processes.iter().map(identify).collect::<Result<_>>()? };
        // Whole or not there: a half-written file would stand in the way of `down`.
        let draft = self.0.join("state.new");
        fs::write(&draft, serde_json::to_string_pretty(&state)?)
            .and_then(|()| fs::rename(&draft, self.state()))
            .context("write down what runs")?;
        processes.into_iter().try_for_each(Process::release)?;
        Ok(state)
    }

    /// Stops what is written down and still is what it was, and removes the directory.
    async fn clear(&self) -> Result<()> {
        if let Some(state) = self.read()? {
            for process in &state.processes {
                process.stop().await?;
            }
        }
        ControlPlane::stop_detached(&self.control_plane()).await?;
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done.with_context(|| format!("remove {}", self.0.display())),
        }
    }

    fn show_how_to_play(&self, narrator: &Narrator, state: &State) -> Result<()> {
        let cluster = Cluster::open(&self.control_plane())?;
        let kubectl = cluster.binaries().kubectl();
        let tools = kubectl.parent().unwrap_or(&kubectl).display();
        let messages = format!("{}/_simulator/conversations/{}/messages", state.simulator, twilio::SUPPORT);
        narrator.end("It is up. Three commands to play with:");
        narrator.command(&format!("export KUBECONFIG={} PATH={tools}:$PATH", self.kubeconfig().display()));
        narrator.command("kubectl get cw -A");
        narrator.command(&format!(
            "curl {messages} -H 'Content-Type: application/json' -d '{{\"author\": \"ada\", \"body\": \"I need help\"}}'"
        ));
        narrator.note(&format!("What the bot gets: {}", self.log("bot").display()));
        narrator.note(&format!("What the operator does: {}", self.log("operator").display()));
        narrator.note("`make demo-down` ends it.");
        Ok(())
    }
}
