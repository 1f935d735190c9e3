//! The command line: arguments, parsed once into a [`Config`] that needs no further check.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args, Parser, Subcommand};
use jiff::SignedDuration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use url::{Host, Url};

use crate::api::MANAGER;
use crate::controller::{SecretGrant, SecretScope};
use crate::telemetry::LogFormat;

/// Kubernetes operator for Twilio conversation-scoped webhooks.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve ConversationWebhook objects.
    Run(Box<RunArguments>),
    /// Print the CustomResourceDefinition.
    Crd,
}

/// Arguments of `run`. Durations are written 30s, 10m, 1h30m.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct RunArguments {
    /// Namespace to serve; repeatable. All when absent.
    #[arg(long = "namespace", env = "CWO_NAMESPACE", value_delimiter = ',')]
    namespaces: Vec<String>,
    /// Serve only objects with these labels.
    #[arg(long, env = "CWO_WATCH_LABEL_SELECTOR")]
    watch_label_selector: Option<String>,
    /// Time between two checks of an object that does not say; at least 1s.
    #[arg(long, env = "CWO_RESYNC_INTERVAL", default_value = "10m", value_parser = duration)]
    resync_interval: Duration,
    /// How long a Secret that was read serves.
    #[arg(long, env = "CWO_CREDENTIALS_TTL", default_value = "10m", value_parser = duration)]
    credentials_ttl: Duration,
    /// Watch Secrets, so that a new login or address in one serves at once, and not only after --credentials-ttl; repeatable.
    /// [NAMESPACE/]NAME, or * for a name. Needs the rights to list and watch them.
    #[arg(long, env = "CWO_WATCH_SECRETS", value_delimiter = ',')]
    watch_secrets: Vec<SecretScope>,
    /// Keep the Secrets of objects that have a webhook from being deleted ahead of them, by a finalizer. Needs the right to
    /// patch those Secrets, given where it outlives the namespace: by a ClusterRoleBinding.
    #[arg(long, env = "CWO_PROTECT_SECRETS", action = ArgAction::Set, default_value_t = false, num_args = 0..=1, default_missing_value = "true")]
    protect_secrets: bool,
    /// Base URL of Twilio's API; by default Twilio's host for the Secret's region and edge.
    #[arg(long, env = "CWO_TWILIO_BASE_URL")]
    twilio_base_url: Option<Url>,
    /// Allow a base URL that is not https.
    #[arg(long, env = "CWO_TWILIO_ALLOW_HTTP", action = ArgAction::Set, default_value_t = false, num_args = 0..=1, default_missing_value = "true")]
    twilio_allow_http: bool,
    /// File with CA certificates (PEM) to trust besides the system's.
    #[arg(long, env = "CWO_TWILIO_CA_BUNDLE")]
    twilio_ca_bundle: Option<PathBuf>,
    /// Requests that one account may have in flight.
    #[arg(long, env = "CWO_MAX_IN_FLIGHT_PER_ACCOUNT", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    max_in_flight_per_account: u16,
    /// Id of the cluster; by default the uid of namespace kube-system.
    #[arg(long, env = "CWO_CLUSTER_ID")]
    cluster_id: Option<String>,
    /// Read the CRD: wait for it at the start, and leave every webhook alone while it is being deleted. Off where the right
    /// to get that one CRD cannot be given: then its deletion deletes the webhooks as well.
    #[arg(long, env = "CWO_CRD_GUARD", action = ArgAction::Set, default_value_t = true, num_args = 0..=1, default_missing_value = "true")]
    crd_guard: bool,
    /// Address of /healthz, /readyz and /metrics.
    #[arg(long, env = "CWO_ADMIN_ADDRESS", default_value = "0.0.0.0:8080")]
    admin_address: SocketAddr,
    /// ClusterRole on Secrets that the owner of a namespace binds there, to --grant-service-account: objects whose Secret
    /// may not be read name the command. Grants nothing by itself.
    #[arg(long, env = "CWO_GRANT_CLUSTER_ROLE", requires = "grant_service_account", value_parser = NonEmptyStringValueParser::new())]
    grant_cluster_role: Option<String>,
    /// This process's own ServiceAccount, as NAMESPACE:NAME, for that command.
    #[arg(long, env = "CWO_GRANT_SERVICE_ACCOUNT", requires = "grant_cluster_role", value_parser = service_account)]
    grant_service_account: Option<String>,
    /// Act only while holding a Lease, so that more than one replica can run.
    #[arg(long, env = "CWO_LEADER_ELECT", action = ArgAction::Set, default_value_t = true, num_args = 0..=1, default_missing_value = "true")]
    leader_elect: bool,
    /// Name of that Lease. Operators that serve different objects need different ones.
    #[arg(long, env = "CWO_LEASE_NAME", default_value = MANAGER)]
    lease_name: String,
    /// Namespace of that Lease; by default the pod's own.
    #[arg(long, env = "CWO_LEASE_NAMESPACE")]
    lease_namespace: Option<String>,
    /// How log lines are written.
    #[arg(long, env = "CWO_LOG_FORMAT", default_value = "json", value_enum)]
    log_format: LogFormat,
    /// Level of the log, or directives such as info,kube=debug.
    #[arg(long, env = "CWO_LOG_LEVEL", default_value = "info", value_parser = log_level)]
    log_level: String,
    /// Factor on all protocol windows, for tests; needs a loopback base URL.
    #[arg(long, env = "CWO_TIME_SCALE", hide = true, default_value_t = 1.0)]
    time_scale: f64,
}

/// What `run` works with.
#[derive(Debug)]
pub struct Config {
    /// Served namespaces; empty means all.
    pub namespaces: Vec<String>,
    /// Only objects with these labels are served.
    pub label_selector: Option<String>,
    /// Time between two checks of an object that does not say.
    pub resync_interval: Duration,
    /// How long a Secret that was read serves.
    pub credentials_ttl: Duration,
    /// Secrets get a finalizer while objects need their credentials.
    pub protect_secrets: bool,
    /// Secrets that are watched.
    pub watched_secrets: Vec<SecretScope>,
    /// Base URL of Twilio's API, instead of Twilio's own host.
    pub twilio_base_url: Option<Url>,
    /// The base URL may be http.
    pub twilio_allow_http: bool,
    /// File with CA certificates to trust besides the system's.
    pub twilio_ca_bundle: Option<PathBuf>,
    /// Requests that one account may have in flight.
    pub max_in_flight: usize,
    /// Id of the cluster, instead of the uid of namespace `kube-system`.
    pub cluster_id: Option<String>,
    /// The CRD is read: at the start, and before the webhook of an object that is being deleted goes.
    pub crd_guard: bool,
    /// Address of the admin endpoints.
    pub admin_address: SocketAddr,
    /// How the owner of a namespace lets the operator read Secrets there; `None`: by no RoleBinding of theirs.
    pub grant: Option<SecretGrant>,
    /// The Lease that must be held to act; `None`: this process is alone by arrangement.
    pub lease: Option<LeaseArguments>,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Level or directives of the log.
    pub log_level: String,
    /// Factor on all protocol windows.
    pub time_scale: f64,
}

/// Which Lease decides who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseArguments {
    /// Its name.
    pub name: String,
    /// Its namespace, instead of the pod's own.
    pub namespace: Option<String>,
}

/// Arguments that contradict each other or this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArguments {
    /// A Lease without a name.
    #[error("--lease-name and --lease-namespace must not be empty: leave them out for the defaults")]
    EmptyLease,
    /// Checks would never stop.
    #[error("--resync-interval must be at least 1s")]
    ResyncInterval,
    /// An empty name would serve nothing.
    #[error("--namespace must not be empty: leave it out to serve all namespaces")]
    EmptyNamespace,
    /// Shorter windows are unsafe against the real Twilio.
    #[error(
        "--time-scale is for tests: it needs a --twilio-base-url on a loopback address, and must be above 0"
    )]
    TimeScale,
    /// Two processes could each leave a Secret's finalizer to the other.
    #[error(
        "--protect-secrets does not go with --watch-label-selector: another operator may serve objects of the same Secret"
    )]
    SharedSecrets,
    /// The base URL is not https.
    #[error("--twilio-base-url must be https; --twilio-allow-http=true lifts that for a local simulator")]
    HttpBaseUrl,
}

impl RunArguments {
    /// Checks the arguments against each other.
    ///
    /// # Errors
    /// They contradict each other, or ask for what this version does not serve.
    pub fn validated(self) -> Result<Config, InvalidArguments> {
        if self.lease_name.is_empty() || self.lease_namespace.as_ref().is_some_and(String::is_empty) {
            return Err(InvalidArguments::EmptyLease);
        }
        let lease = LeaseArguments { name: self.lease_name, namespace: self.lease_namespace };
        if self.resync_interval < Duration::from_secs(1) {
            return Err(InvalidArguments::ResyncInterval);
        }
        let mut namespaces = self.namespaces;
        namespaces.sort();
        namespaces.dedup();
        if namespaces.iter().any(String::is_empty) {
            return Err(InvalidArguments::EmptyNamespace);
        }
        if self.protect_secrets && self.watch_label_selector.is_some() {
            return Err(InvalidArguments::SharedSecrets);
        }
        let scaled = self.time_scale.is_nan() || (self.time_scale - 1.0).abs() > f64::EPSILON;
        let loopback = self.twilio_base_url.as_ref().is_some_and(is_loopback);
        if scaled && !(loopback && self.time_scale.is_finite() && self.time_scale > 0.0) {
            return Err(InvalidArguments::TimeScale);
        }
        if self.twilio_base_url.as_ref().is_some_and(|url| url.scheme() != "https") && !self.twilio_allow_http
        {
            return Err(InvalidArguments::HttpBaseUrl);
        }
        Ok(Config {
            namespaces,
            label_selector: self.watch_label_selector,
            resync_interval: self.resync_interval,
            credentials_ttl: self.credentials_ttl,
            protect_secrets: self.protect_secrets,
            watched_secrets: self.watch_secrets,
            twilio_base_url: self.twilio_base_url,
            twilio_allow_http: self.twilio_allow_http,
            twilio_ca_bundle: self.twilio_ca_bundle,
            max_in_flight: usize::from(self.max_in_flight_per_account),
            cluster_id: self.cluster_id,
            crd_guard: self.crd_guard,
            admin_address: self.admin_address,
            grant: self
                .grant_cluster_role
                .zip(self.grant_service_account)
                .map(|(cluster_role, service_account)| SecretGrant { cluster_role, service_account }),
            lease: self.leader_elect.then_some(lease),
            log_format: self.log_format,
            log_level: self.log_level,
            time_scale: self.time_scale,
        })
    }
}

/// A `ServiceAccount` as `kubectl create rolebinding --serviceaccount` takes it.
fn service_account(text: &str) -> Result<String, &'static str> {
    match text.split_once(':') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains(':') => {
            Ok(text.to_owned())
        }
        _ => Err("must be NAMESPACE:NAME"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| "not a duration: write it as 30s, 10m or 1h30m".to_owned())
}

fn log_level(text: &str) -> Result<String, ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn run(arguments: &[&str]) -> Result<Config, InvalidArguments> {
        let all = ["conversation-webhook-operator", "run"].iter().chain(arguments);
        match Cli::try_parse_from(all).unwrap().command {
            Command::Run(arguments) => arguments.validated(),
            Command::Crd => unreachable!("run was given"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_are_written_as_in_objects() {
        let config = run(&["--resync-interval", "1h30m", "--credentials-ttl=30s"]).unwrap();
        assert_eq!(config.resync_interval, Duration::from_mins(90));
        assert_eq!(config.credentials_ttl, Duration::from_secs(30));
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }

    #[test]
    fn a_grant_needs_a_role_and_an_account() {
        assert_eq!(run(&[]).unwrap().grant, None);
        let grant = run(&["--grant-cluster-role=secrets", "--grant-service-account=system:operator"]);
        let expected =
            SecretGrant { cluster_role: "secrets".to_owned(), service_account: "system:operator".to_owned() };
        assert_eq!(grant.unwrap().grant, Some(expected));
        for bad in [
            &["--grant-cluster-role=secrets"][..],
            &["--grant-service-account=system:operator"],
            &["--grant-cluster-role=secrets", "--grant-service-account=operator"],
            &["--grant-cluster-role=secrets", "--grant-service-account=a:b:c"],
            &["--grant-cluster-role=", "--grant-service-account=a:b"],
        ] {
            let all = ["conversation-webhook-operator", "run"].iter().chain(bad);
            assert!(Cli::try_parse_from(all).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn secrets_are_protected_on_request_by_the_one_operator_of_their_namespace() {
        assert!(!run(&[]).unwrap().protect_secrets);
        assert!(run(&["--protect-secrets", "--namespace=a"]).unwrap().protect_secrets);
        let shared = ["--protect-secrets", "--watch-label-selector=shard=1"];
        assert_eq!(run(&shared).unwrap_err(), InvalidArguments::SharedSecrets);
    }

    #[test]
    fn secrets_are_watched_by_name() {
        let scope = |namespace: Option<&str>, name: Option<&str>| SecretScope {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
        };
        assert_eq!(run(&[]).unwrap().watched_secrets, []);
        let watched =
            run(&["--watch-secrets=login,bot.addresses", "--watch-secrets=a/login", "--watch-secrets=b/*"]);
        let expected = [
            scope(None, Some("login")),
            scope(None, Some("bot.addresses")),
            scope(Some("a"), Some("login")),
            scope(Some("b"), None),
        ];
        assert_eq!(watched.unwrap().watched_secrets, expected);
        assert_eq!(run(&["--watch-secrets=*"]).unwrap().watched_secrets, [scope(None, None)]);
        for bad in ["", "/", "a/", "/b", "a/b/c", "A", "*/b", "a,,b", "x=y"] {
            assert!(bad.parse::<SecretScope>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_lease_decides_who_acts_unless_told_otherwise() {
        let lease = |arguments: &[&str]| run(arguments).unwrap().lease;
        let default = LeaseArguments { name: "conversation-webhook-operator".to_owned(), namespace: None };
        assert_eq!(lease(&[]), Some(default));
        assert_eq!(lease(&["--leader-elect=false"]), None);
        let named = lease(&["--lease-name=shard-1", "--lease-namespace=operators"]).unwrap();
        assert_eq!((named.name.as_str(), named.namespace.as_deref()), ("shard-1", Some("operators")));
        assert_eq!(run(&["--lease-name="]).unwrap_err(), InvalidArguments::EmptyLease);
        assert_eq!(run(&["--lease-namespace="]).unwrap_err(), InvalidArguments::EmptyLease);
    }

    #[test]
    fn windows_are_scaled_against_a_loopback_twilio_only() {
        assert_eq!(run(&["--time-scale=0.1"]).unwrap_err(), InvalidArguments::TimeScale);
        let remote = ["--time-scale=0.1", "--twilio-base-url=https://example.com"];
        assert_eq!(run(&remote).unwrap_err(), InvalidArguments::TimeScale);
        let local = ["--time-scale=0.1", "--twilio-base-url=http://127.0.0.1:1", "--twilio-allow-http=true"];
        assert!(run(&local).is_ok());
        for not_a_number in ["nan", "inf", "-1"] {
            let scale = format!("--time-scale={not_a_number}");
            let local = [scale.as_str(), "--twilio-base-url=http://127.0.0.1:1", "--twilio-allow-http=true"];
            assert_eq!(run(&local).unwrap_err(), InvalidArguments::TimeScale);
        }
        let zero = ["--time-scale=0", "--twilio-base-url=http://127.0.0.1:1", "--twilio-allow-http=true"];
        assert_eq!(run(&zero).unwrap_err(), InvalidArguments::TimeScale);
    }

    #[test]
    fn a_namespace_is_served_once_and_has_a_name() {
        assert_eq!(run(&["--namespace=b,a", "--namespace=a"]).unwrap().namespaces, ["a", "b"]);
        assert_eq!(run(&["--namespace="]).unwrap_err(), InvalidArguments::EmptyNamespace);
    }

    #[test]
    fn a_base_url_without_tls_is_refused_unless_allowed() {
        assert_eq!(
            run(&["--twilio-base-url=http://127.0.0.1:1"]).unwrap_err(),
            InvalidArguments::HttpBaseUrl
        );
    }

    #[test]
    fn checks_never_follow_each_other_without_a_pause() {
        assert_eq!(run(&["--resync-interval=0s"]).unwrap_err(), InvalidArguments::ResyncInterval);
    }
}
