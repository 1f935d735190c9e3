//! The truth, for whoever judges a client: every webhook that was ever made, by whom, and what became of it.
//!
//! A snapshot: it does not change while a test asks it several questions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::actor::{Act, ApiClient};
use super::webhook::{Configuration, WebhookRecord};
use crate::sid::{AccountSid, ConversationSid, WebhookSid};

/// A snapshot of every webhook ever made, in the order of accounts and of creation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger {
    records: Vec<WebhookRecord>,
}

impl Ledger {
    pub(crate) fn new(records: Vec<WebhookRecord>) -> Self {
        Self { records }
    }

    /// Every record.
    #[must_use]
    pub fn records(&self) -> &[WebhookRecord] {
        &self.records
    }

    /// The record of one webhook.
    #[must_use]
    pub fn get(&self, sid: WebhookSid) -> Option<&WebhookRecord> {
        self.records.iter().find(|record| record.sid == sid)
    }

    /// The webhooks that exist on the conversation now.
    #[must_use]
    pub fn alive(&self, conversation: ConversationSid) -> Vec<&WebhookRecord> {
        self.ever_made(conversation).into_iter().filter(|record| record.alive()).collect()
    }

    /// The webhooks that were ever made on the conversation.
    #[must_use]
    pub fn ever_made(&self, conversation: ConversationSid) -> Vec<&WebhookRecord> {
        self.records.iter().filter(|record| record.conversation == conversation).collect()
    }

    /// The webhooks of the account that exist now.
    #[must_use]
    pub fn alive_in(&self, account: AccountSid) -> Vec<&WebhookRecord> {
        self.records.iter().filter(|record| record.account == account && record.alive()).collect()
    }

    /// The webhooks that this client made.
    #[must_use]
    pub fn made_by(&self, client: &ApiClient) -> Vec<&WebhookRecord> {
        self.records.iter().filter(|record| client.did(&record.created)).collect()
    }

    /// Webhooks made over the API that exist now and do the same on one conversation: each group has at least two.
    #[must_use]
    pub fn duplicates(&self) -> Vec<Vec<&WebhookRecord>> {
        let mut groups: Vec<Vec<&WebhookRecord>> = Vec::new();
        let mut known: Vec<(ConversationSid, Configuration)> = Vec::new();
        let mut by_conversation: HashMap<ConversationSid, Vec<usize>> = HashMap::new();
        for record in self.records.iter().filter(|record| record.alive() && record.created.origin.is_api()) {
            let key = (record.conversation, record.configuration.canonical());
            let candidates = by_conversation.entry(record.conversation).or_default();
            if let Some(group) = candidates.iter().copied().find(|group| known[*group] == key) {
                groups[group].push(record);
            } else {
                candidates.push(groups.len());
                groups.push(vec![record]);
                known.push(key);
            }
        }
        groups.retain(|group| group.len() > 1);
        groups
    }

    /// Webhooks that this client did not make, and changed or deleted all the same. Empty is what an operator
    /// that never touches what is not its own must show; what it took over on purpose is for the caller to set aside.
    #[must_use]
    pub fn foreign_touched(&self, client: &ApiClient) -> Vec<&WebhookRecord> {
        self.records
            .iter()
            .filter(|record| !client.did(&record.created) && touches(record).any(|act| client.did(act)))
            .collect()
    }

    /// Webhooks that this client made, and that anybody else changed or deleted.
    #[must_use]
    pub fn touched_by_others(&self, client: &ApiClient) -> Vec<&WebhookRecord> {
        self.records
            .iter()
            .filter(|record| client.did(&record.created) && touches(record).any(|act| !client.did(act)))
            .collect()
    }
}

fn touches(record: &WebhookRecord) -> impl Iterator<Item = &Act> {
    let deletion = record.deleted.as_ref().map(|deletion| &deletion.by);
    let taken_back = record.restored.iter().map(|back| &back.deleted.by);
    record.edits.iter().map(|edit| &edit.by).chain(taken_back).chain(deletion)
}
