//! The operations: one request each, and what is known after it.
//!
//! Here is what is asked and what counts as an answer; how a request travels is the business of `exchange`. Nothing is
//! retried and nothing is kept between requests but connections.

use std::collections::BTreeSet;
use std::fmt;

use reqwest::Method as Verb;
use url::Url;

use super::credentials::Credentials;
use super::endpoint::{self, Endpoint, Path};
use super::error::{CreateOutcome, Error, NotSent};
use super::exchange::{Call, Exchanger};
use super::form;
use super::operation::Operation;
use super::options::{ClientBuildError, ClientOptions};
use super::reply::Reply;
use super::sid::{AccountSid, ChatServiceSid, WebhookSid};
use super::webhook::{Conversation, ConversationRef, NewWebhook, Webhook, WebhookConfig};

/// A conversation holds five webhooks; even pages of one would end earlier.
const MAX_PAGES: usize = 10;

/// Twilio's API for conversation-scoped webhooks. Cheap to clone: all clones share one pool of connections.
///
/// `HTTPS_PROXY` and `NO_PROXY` are honoured.
#[derive(Clone)]
pub struct Client {
    endpoint: Endpoint,
    exchanger: Exchanger,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// Builds the client; makes no request.
    pub fn new(options: ClientOptions) -> Result<Self, ClientBuildError> {
        let endpoint = Endpoint::new(options.base_url.as_ref(), options.allow_http)?;
        let exchanger = Exchanger::new(options)?;
        Ok(Self { endpoint, exchanger })
    }

    /// The webhooks of a conversation, in Twilio's order, none twice. One request as long as the list has one page,
    /// which five webhooks have.
    pub async fn list_webhooks(&self, c: &Credentials, at: &ConversationRef) -> Result<Vec<Webhook>, Error> {
        let operation = Operation::ListWebhooks;
        let first = self.url(operation, c, &Path::webhooks(at))?;
        let mut webhooks: Vec<Webhook> = Vec::new();
        let mut asked = BTreeSet::new();
        let mut next = Some(first.clone());
        while let Some(url) = next {
            if asked.len() == MAX_PAGES || !asked.insert(url.clone()) {
                return Err(Error::EndlessPages { operation });
            }
            let call = Call { operation, verb: Verb::GET, url, form: None };
            let (page, link) = self
                .exchanger
                .call(c, call, |reply| {
                    let (page, link) = reply.page(c.account_sid(), &at.conversation)?;
                    let link = link.map(|link| {
                        endpoint::next_page(&first, &at.conversation, &link)
                            .ok_or_else(|| reply.foreign_page())
                    });
                    Ok((page, link.transpose()?))
                })
                .await?;
            for webhook in page {
                if webhooks.iter().all(|known| known.sid != webhook.sid) {
                    webhooks.push(webhook);
                }
            }
            next = link;
        }
        Ok(webhooks)
    }

    /// Asks for a webhook, once. Twilio has no idempotency key, so that whoever asks again after
    /// [`CreateOutcome::Unknown`] without a look at the list may get a twin.
    ///
    /// Dropping the future leaves the outcome unknown.
    pub async fn create_webhook(
        &self,
        c: &Credentials,
        at: &ConversationRef,
        new: &NewWebhook<'_>,
    ) -> CreateOutcome {
        let operation = Operation::CreateWebhook;
        let created = async {
            let form = form::create(new).ok_or(Error::NotSent { operation, reason: NotSent::Target })?;
            let url = self.url(operation, c, &Path::webhooks(at))?;
            let call = Call { operation, verb: Verb::POST, url, form: Some(form) };
            self.exchanger.call(c, call, |reply| reply.webhook(c.account_sid(), &at.conversation, None)).await
        };
        created.await.into()
    }

    /// One webhook.
    pub async fn fetch_webhook(
        &self,
        c: &Credentials,
        at: &ConversationRef,
        sid: &WebhookSid,
    ) -> Result<Webhook, Error> {
        let operation = Operation::FetchWebhook;
        let url = self.url(operation, c, &Path::webhook(at, sid))?;
        let call = Call { operation, verb: Verb::GET, url, form: None };
        self.exchanger
            .call(c, call, |reply| reply.webhook(c.account_sid(), &at.conversation, Some(sid)))
            .await
    }

    /// Sets every field that the target has, and returns what Twilio made of it. Safe to repeat.
    ///
    /// The target cannot be changed, and an empty list leaves the list at Twilio as it is: neither can be said.
    pub async fn update_webhook(
        &self,
        c: &Credentials,
        at: &ConversationRef,
        sid: &WebhookSid,
        config: &WebhookConfig,
    ) -> Result<Webhook, Error> {
        let operation = Operation::UpdateWebhook;
        let form = form::update(config).ok_or(Error::NotSent { operation, reason: NotSent::Target })?;
        let url = self.url(operation, c, &Path::webhook(at, sid))?;
        let call = Call { operation, verb: Verb::POST, url, form: Some(form) };
        self.exchanger
            .call(c, call, |reply| reply.webhook(c.account_sid(), &at.conversation, Some(sid)))
            .await
    }

    /// Deletes a webhook: success is 204 and nothing else. One that is gone already is an error that
    /// [`Error::is_not_found`] knows. Safe to repeat.
    pub async fn delete_webhook(
        &self,
        c: &Credentials,
        at: &ConversationRef,
        sid: &WebhookSid,
    ) -> Result<(), Error> {
        let operation = Operation::DeleteWebhook;
        let url = self.url(operation, c, &Path::webhook(at, sid))?;
        let call = Call { operation, verb: Verb::DELETE, url, form: None };
        self.exchanger.call(c, call, |_| Ok(())).await
    }

    /// A conversation, by SID or by unique name.
    ///
    /// A name of one or two dots cannot be said in a URL: [`NotSent::Name`].
    pub async fn fetch_conversation(
        &self,
        c: &Credentials,
        service: Option<&ChatServiceSid>,
        sid_or_unique_name: &str,
    ) -> Result<Conversation, Error> {
        let operation = Operation::FetchConversation;
        let url = self.url(operation, c, &Path::conversation(service, sid_or_unique_name))?;
        let call = Call { operation, verb: Verb::GET, url, form: None };
        self.exchanger.call(c, call, |reply| reply.conversation(c.account_sid(), sid_or_unique_name)).await
    }

    /// The account that the credentials are really of, not compared with the one that they declare. A restricted key
    /// may lack the right to ask.
    pub async fn fetch_configuration(&self, c: &Credentials) -> Result<AccountSid, Error> {
        let operation = Operation::FetchConfiguration;
        let url = self.url(operation, c, &Path::configuration())?;
        let call = Call { operation, verb: Verb::GET, url, form: None };
        self.exchanger.call(c, call, Reply::account).await
    }

    fn url(&self, operation: Operation, c: &Credentials, path: &Path) -> Result<Url, Error> {
        self.endpoint.url(c, path).ok_or(Error::NotSent { operation, reason: NotSent::Name })
    }
}
