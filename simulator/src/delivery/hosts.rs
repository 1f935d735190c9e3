//! Which hosts deliveries may go to. A test that forgets where its manifests came from must not call a bot in
//! production: without a word to the contrary, only this machine is called.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// The hosts that deliveries may go to, besides the loopback addresses and `localhost`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryHosts {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Any,
    Exactly(String),
    Below(String),
}

/// A host that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no host: write a name, an address, `*.` and a domain, or `*`")]
pub struct HostError(String);

impl DeliveryHosts {
    /// This machine only.
    #[must_use]
    pub fn loopback() -> Self {
        Self::default()
    }

    /// Everything.
    #[must_use]
    pub fn any() -> Self {
        Self { rules: vec![Rule::Any] }
    }

    /// Adds a host: a name or address, `*.example.com` for all names below it, or `*` for every host.
    pub fn allow(mut self, host: &str) -> Result<Self, HostError> {
        self.rules.push(host.parse()?);
        Ok(self)
    }

    /// Whether that URL may be called.
    pub(crate) fn admit(&self, url: &Url) -> bool {
        let is_own = match url.host() {
            None => return false,
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
        };
        is_own || url.host_str().is_some_and(|host| self.rules.iter().any(|rule| rule.admits(host)))
    }
}

impl Rule {
    fn admits(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(name) => host == name,
            Self::Below(domain) => host.strip_suffix(domain).is_some_and(|label| label.ends_with('.')),
        }
    }
}

impl FromStr for Rule {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, below) = text.strip_prefix("*.").map_or((text, false), |domain| (domain, true));
        // As a URL has it: lower case, international names encoded, IPv6 in brackets.
        let host = match name.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => Host::Ipv6(address),
            _ => Host::parse(name).map_err(|_| HostError(text.to_owned()))?,
        };
        let host = host.to_string();
        Ok(if below { Self::Below(host) } else { Self::Exactly(host) })
    }
}

impl fmt::Display for DeliveryHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("loopback")?;
        for rule in &self.rules {
            match rule {
                Rule::Any => f.write_str(", *")?,
                Rule::Exactly(name) => write!(f, ", {name}")?,
                Rule::Below(domain) => write!(f, ", *.{domain}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(hosts: &DeliveryHosts, url: &str) -> bool {
        hosts.admit(&Url::parse(url).unwrap())
    }

    #[test]
    fn only_this_machine_is_called_unless_more_is_allowed() {
        let hosts = DeliveryHosts::loopback();
        for own in [
            "http://127.0.0.1:1/",
            "http://127.9.9.9/",
            "http://[::1]:1/",
            "http://localhost/",
            "http://LOCALHOST/",
        ] {
            assert!(admits(&hosts, own), "{own}");
        }
        for other in [
            "https://bots.example.com/",
            "http://10.0.0.1/",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
        ] {
            assert!(!admits(&hosts, other), "{other}");
        }
    }

    #[test]
    fn hosts_are_allowed_by_name_by_domain_and_all() {
        let hosts = DeliveryHosts::loopback().allow("Bot.tenant-a").unwrap().allow("*.example.com").unwrap();
        assert!(admits(&hosts, "http://bot.tenant-a:8080/"));
        assert!(admits(&hosts, "https://a.b.example.com/"));
        for other in ["https://example.com/", "https://badexample.com/", "http://tenant-a/"] {
            assert!(!admits(&hosts, other), "{other}");
        }
        assert!(admits(&DeliveryHosts::any(), "https://twilio.example.org/"));
        let by_address = DeliveryHosts::loopback().allow("fd00::1").unwrap();
        assert!(admits(&by_address, "http://[fd00::1]/"));
        assert!(DeliveryHosts::loopback().allow("https://a.example.com").is_err());
        assert_eq!(hosts.to_string(), "loopback, bot.tenant-a, *.example.com");
    }
}
