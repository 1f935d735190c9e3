//! Twilio logins by namespace, kept for a while.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use conversation_webhook_operator::twilio::Credentials;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tokio::sync::Mutex;

use crate::reconcile::Error;

const SECRET: &str = "twilio-credentials";
const KEPT_FOR: Duration = Duration::from_mins(10);

/// Reads the Secret `twilio-credentials` of a namespace by its name, at most once in ten minutes.
pub(crate) struct CredentialsCache {
    kube: Client,
    known: Mutex<HashMap<String, (Instant, Credentials)>>,
}

impl CredentialsCache {
    pub(crate) fn new(kube: Client) -> Self {
        Self { kube, known: Mutex::default() }
    }

    /// The login of a namespace. One that is not known is read once, however many objects ask for it.
    pub(crate) async fn of(&self, namespace: &str) -> Result<Credentials, Error> {
        let mut known = self.known.lock().await;
        if let Some((read, credentials)) = known.get(namespace)
            && read.elapsed() < KEPT_FOR
        {
            return Ok(credentials.clone());
        }
        let secret = Api::<Secret>::namespaced(self.kube.clone(), namespace).get(SECRET).await?;
        let data: BTreeMap<String, Vec<u8>> =
            secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
        let credentials = Credentials::from_secret_data(&data)?;
        known.insert(namespace.to_owned(), (Instant::now(), credentials.clone()));
        Ok(credentials)
    }
}
