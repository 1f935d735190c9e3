//! Helm without a cluster, and what it renders as documents.

use std::process::Stdio;

use controlplane::Binaries;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Chart of the operator.
pub(crate) const OPERATOR: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/charts/conversation-webhook-operator");
/// Chart of a tenant.
pub(crate) const TENANT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/conversation-webhooks");

/// One manifest as it was rendered.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// `Kind name`, or `Kind namespace/name`.
    pub(crate) id: String,
    /// As it stands in the output, comments included.
    pub(crate) text: String,
    /// As data.
    pub(crate) value: Value,
}

impl Document {
    /// Its kind.
    pub(crate) fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap()
    }
}

/// Renders a chart as release `cwo`, or says what Helm says.
pub(crate) async fn template(chart: &str, namespace: &str, values: &Value) -> Result<Vec<Document>, String> {
    template_as("cwo", chart, namespace, values).await
}

/// The same as a release of another name.
pub(crate) async fn template_as(
    release: &str,
    chart: &str,
    namespace: &str,
    values: &Value,
) -> Result<Vec<Document>, String> {
    let arguments = ["template", release, chart, "--namespace", namespace, "--values", "-"];
    Ok(documents(&helm(&arguments, &values.to_string()).await?))
}

/// What whoever installs a release reads.
pub(crate) async fn notes(release: &str, chart: &str, namespace: &str, values: &Value) -> String {
    let arguments =
        ["install", release, chart, "--namespace", namespace, "--values", "-", "--dry-run=client"];
    let output = helm(&arguments, &values.to_string()).await.unwrap();
    output.split_once("\nNOTES:\n").unwrap().1.to_owned()
}

/// The same, for values that must be good.
pub(crate) async fn rendered(chart: &str, namespace: &str, values: &Value) -> Vec<Document> {
    template(chart, namespace, values).await.unwrap_or_else(|error| panic!("{values}: {error}"))
}

/// The only document of this kind, if there is one.
pub(crate) fn find<'a>(documents: &'a [Document], id: &str) -> Option<&'a Value> {
    documents.iter().find(|document| document.id == id).map(|document| &document.value)
}

/// The only document of this kind, which must be there.
#[track_caller]
pub(crate) fn the<'a>(documents: &'a [Document], id: &str) -> &'a Value {
    let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
    find(documents, id).unwrap_or_else(|| panic!("no {id} among {ids:?}"))
}

async fn helm(arguments: &[&str], input: &str) -> Result<String, String> {
    // Nothing of the user's own setup gets in, and nothing is left in the home directory.
    let home = concat!(env!("CARGO_TARGET_TMPDIR"), "/helm");
    let mut child = Command::new(Binaries::locate().unwrap().helm().unwrap())
        .args(arguments)
        .env("HELM_CACHE_HOME", home)
        .env("HELM_CONFIG_HOME", home)
        .env("HELM_DATA_HOME", home)
        .env("KUBECONFIG", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The documents of a stream of YAML; those that hold nothing but comments are left out.
pub(crate) fn documents(stream: &str) -> Vec<Document> {
    let stream = format!("\n{stream}");
    let parts = stream.split("\n---").map(|part| {
        let lines = part.lines().filter(|line| !line.is_empty() && !line.starts_with("# Source: "));
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    });
    parts
        .filter(|text| text.lines().any(|line| !line.starts_with('#')))
        .map(|text| {
            let value: Value =
                serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            let metadata = &value["metadata"];
            let name = metadata["name"].as_str().unwrap();
            let name =
                metadata["namespace"].as_str().map_or(name.to_owned(), |space| format!("{space}/{name}"));
            let id = format!("{} {name}", value["kind"].as_str().unwrap());
            Document { id, text, value }
        })
        .collect()
}
