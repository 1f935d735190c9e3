//! `make demo`: the life of three webhooks, from nothing to nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use controlplane::ControlPlane;
use reqwest::StatusCode;
use tokio::time::timeout;
use twilio_conversations_simulator::{
    Configuration, ConversationSid, DeliveryOutcome, Destination, Simulator, WebhookChanges, WebhookRecord,
};

use crate::bot::{Bot, Receipt, SIGNATURE_HEADER};
use crate::interrupt::or_interrupted;
use crate::narrator::Narrator;
use crate::shell::Shell;
use crate::stage::{TENANT, WEBHOOKS};
use crate::{operator, stage, twilio, wait};

/// A delivery takes milliseconds.
const DELIVERED_WITHIN: Duration = Duration::from_secs(10);

/// The demo's operator looks every few seconds.
const REPAIRED_WITHIN: Duration = Duration::from_secs(30);

/// Events are sent on the side.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);

/// Tells the story. All that it starts ends with it, whether it is told to its end, fails or is interrupted.
pub(crate) async fn run() -> Result<()> {
    or_interrupted(tour()).await
}

async fn tour() -> Result<()> {
    let narrator = &Narrator::new();
    narrator.step("Start a private Kubernetes control plane: etcd and kube-apiserver");
    let plane = ControlPlane::start().await?;
    let shell = Shell { cluster: &plane, narrator };
    let folder = plane.directory().join("demo");
    narrator.note(&format!(
        "It answers at {}. All files are in {}.",
        plane.url(),
        plane.directory().display()
    ));
    narrator.command(&format!("export KUBECONFIG={}", plane.kubeconfig_path().display()));

    narrator.step("Start the simulator, in Twilio's place, and the tenant's bot");
    let simulator = Simulator::start(twilio::seed()).await?;
    let bot = Bot::start().await?;
    narrator.note(&format!("Simulator: {}. Bot: {}.", simulator.url(), bot.url));

    narrator.step("Install the CRD, the ServiceAccount and its rights, from the chart");
    let kubeconfig = stage::install_chart(shell).await?;

    narrator.step("Start the operator, with the rights of that ServiceAccount and no others");
    std::fs::create_dir_all(&folder).context("make the demo's folder")?;
    let mut operator =
        operator::start(narrator, &kubeconfig, &simulator.url(), &folder.join("operator.log")).await?;

    let mut story = Story { shell, simulator: &simulator, bot };
    operator.during(story.tell(&folder.join("manifests"))).await?;
    operator.stop().await?;
    plane.stop().await?;
    narrator.end("Done. Everything is stopped and removed. `make demo-up` leaves it running for you.");
    Ok(())
}

/// What happens while the operator runs.
struct Story<'a> {
    shell: Shell<'a>,
    simulator: &'a Simulator,
    bot: Bot,
}

impl Story<'_> {
    async fn tell(&mut self, manifests: &Path) -> Result<()> {
        self.step("Become a tenant: a namespace, a Secret, and one webhook for each target");
        stage::create_tenant(self.shell, manifests, &self.bot.url).await?;
        stage::wait_for_ready(self.shell).await?;
        self.show().await?;
        let receipt = self.speak().await?;
        self.forge(&receipt).await?;
        self.tamper().await?;
        self.delete().await
    }

    async fn show(&self) -> Result<()> {
        self.step("See what became of them");
        self.shell.kubectl("get cw -A").await?;
        let describe = format!("-n {TENANT} describe cw {}", WEBHOOKS[0]);
        let description = wait::until("kubectl describe shows an Event", SHOWN_WITHIN, async || {
            let text = self.shell.run_kubectl(&describe).await?.stdout;
            Ok(text.lines().any(|line| line.starts_with("  Normal")).then_some(text))
        })
        .await?;
        self.narrator()
            .command(&format!("kubectl {describe} | sed '1,/^Status:/d' | grep -vE 'Time:|Generation:'"));
        let status = description.lines().skip_while(|line| *line != "Status:").skip(1);
        let brief: Vec<_> =
            status.filter(|line| !line.contains("Time:") && !line.contains("Generation:")).collect();
        self.narrator().output(&brief.join("\n"));
        Ok(())
    }

    /// A participant says something. The bot's receipt of `support-bot`'s delivery is returned.
    async fn speak(&mut self) -> Result<Receipt> {
        self.step("Let a participant speak: the webhooks fire, signed, and the bot checks the signatures");
        self.say(twilio::SUPPORT, "I need help with my order")?;
        let receipts = [self.receipt().await?, self.receipt().await?];
        for receipt in &receipts {
            ensure!(receipt.accepted, "the bot refused a delivery of the simulator");
        }
        self.say(twilio::SURVEY, "It was fine")?;
        ensure!(self.simulator.deliveries_settled(DELIVERED_WITHIN).await, "a delivery does not end");
        let deliveries = self.simulator.deliveries();
        let last = deliveries.last().context("nothing was delivered")?;
        match (&last.destination, &last.outcome) {
            (Destination::Studio { flow_sid }, DeliveryOutcome::Executed) => {
                self.narrator().output(&format!("Studio: started {flow_sid}"));
            }
            _ => bail!("no Studio flow was started: {last:?}"),
        }
        let [first, second] = receipts;
        Ok(if first.url.ends_with("/agent") { second } else { first })
    }

    /// Somebody sends the bot a delivery that Twilio signed, with other words in it.
    async fn forge(&mut self, receipt: &Receipt) -> Result<()> {
        self.step("Send the same again with one word altered: the bot refuses it");
        let mut form = receipt.form.clone();
        for (_, value) in form.iter_mut().filter(|(name, _)| name == "Body") {
            *value = value.replace("help", "money");
        }
        let client = reqwest::Client::builder().no_proxy().build()?;
        let request = client.post(&receipt.url).header(SIGNATURE_HEADER, &receipt.signature).form(&form);
        let answer = request.send().await.context("send the altered delivery")?.status();
        let seen = self.receipt().await?;
        ensure!(!seen.accepted && answer == StatusCode::FORBIDDEN, "the bot accepted an altered delivery");
        Ok(())
    }

    /// Somebody changes the webhook behind the operator's back.
    async fn tamper(&self) -> Result<()> {
        self.step("Change a webhook behind the operator's back, by a call to Twilio: it is put back");
        let before = self.support_bot()?;
        let elsewhere = "https://elsewhere.example.com/";
        self.simulator.edit_webhook(before.sid, &WebhookChanges::url(elsewhere))?;
        self.narrator().note(&format!("{} now points to {elsewhere}", before.sid));
        let after = wait::until("the webhook was as written again", REPAIRED_WITHIN, async || {
            let now = self.support_bot()?;
            Ok((now.configuration == before.configuration).then_some(now))
        })
        .await?;
        let url = after.configuration.url().unwrap_or_default();
        self.narrator().note(&format!("{} points to {url} again", after.sid));
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        self.step("Delete the objects: their webhooks go first");
        self.shell.kubectl(&format!("-n {TENANT} delete cw --all --timeout=60s")).await?;
        self.shell.kubectl("get cw -A").await?;
        let ledger = self.simulator.ledger();
        let alive = ledger.alive_in(twilio::ACCOUNT).len();
        let made = ledger.records().len();
        self.narrator().note(&format!("Webhooks ever made at Twilio: {made}. Left there: {alive}."));
        ensure!(made == WEBHOOKS.len(), "{made} webhooks were made for {} objects", WEBHOOKS.len());
        ensure!(alive == 0, "webhooks are left at Twilio: {:?}", ledger.alive_in(twilio::ACCOUNT));
        Ok(())
    }

    fn say(&self, conversation: ConversationSid, body: &str) -> Result<()> {
        self.narrator().note(&format!("ada says \"{body}\" in {conversation}"));
        self.simulator.say(conversation, "ada", body)?;
        Ok(())
    }

    async fn receipt(&mut self) -> Result<Receipt> {
        let receipt =
            timeout(DELIVERED_WITHIN, self.bot.next()).await.context("nothing reached the bot")??;
        self.narrator().output(&format!("Bot: {receipt}"));
        Ok(receipt)
    }

    /// The webhook of target `webhook` on the support conversation.
    fn support_bot(&self) -> Result<WebhookRecord> {
        let ledger = self.simulator.ledger();
        let alive = ledger.alive(twilio::SUPPORT);
        let found = alive.iter().find(|record| matches!(record.configuration, Configuration::Webhook { .. }));
        Ok((*found.context("the webhook of support-bot is gone")?).clone())
    }

    fn narrator(&self) -> &Narrator {
        self.shell.narrator
    }

    fn step(&self, text: &str) {
        self.narrator().step(text);
    }
}
