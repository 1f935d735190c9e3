//! Hosts and paths: where a request goes.
//!
//! A URL is made of the base URL, or of the host of the credentials' region and edge, and of segments that are
//! percent-encoded here. Nothing that a user or a reply writes can lead to another host or another path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::credentials::Credentials;
use super::region::{Edge, Region};
use super::sid::{ChatServiceSid, ConversationSid, WebhookSid};
use super::webhook::ConversationRef;

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a link to another page may say. Anything else in it is dropped.
const PAGE_KEYS: [&str; 3] = ["PageSize", "Page", "PageToken"];

/// Why a URL cannot be Twilio's base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Credentials would travel in the clear.
    #[error("the base URL must be https")]
    NotHttps,
    /// Neither `https` nor, where allowed, `http`.
    #[error("the base URL must be http or https")]
    Scheme,
    /// Credentials come from Secrets.
    #[error("the base URL must not hold a user name or password")]
    UserInfo,
    /// Paths are appended to it.
    #[error("the base URL must have neither query nor fragment")]
    QueryOrFragment,
}

/// A path below the base URL, each segment encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(String);

impl Path {
    /// `/v1/Configuration`
    pub(super) fn configuration() -> Self {
        Self("/v1/Configuration".to_owned())
    }

    /// `/v1[/Services/{Sid}]/Conversations/{SidOrName}`
    pub(super) fn conversation(service: Option<&ChatServiceSid>, sid_or_unique_name: &str) -> Self {
        let service = service.map_or_else(String::new, |service| format!("/Services/{service}"));
        Self(format!("/v1{service}/Conversations/{}", utf8_percent_encode(sid_or_unique_name, SEGMENT)))
    }

    /// `…/Webhooks`
    pub(super) fn webhooks(at: &ConversationRef) -> Self {
        let Self(conversation) = Self::conversation(at.service.as_ref(), at.conversation.as_str());
        Self(format!("{conversation}/Webhooks"))
    }

    /// `…/Webhooks/{Sid}`
    pub(super) fn webhook(at: &ConversationRef, sid: &WebhookSid) -> Self {
        let Self(webhooks) = Self::webhooks(at);
        Self(format!("{webhooks}/{sid}"))
    }
}

/// Where all requests of one client go.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// Instead of the host of the credentials' region; without a slash at its end.
    base: Option<String>,
}

impl Endpoint {
    pub(super) fn new(base: Option<&Url>, allow_http: bool) -> Result<Self, BaseUrlError> {
        let Some(base) = base else { return Ok(Self { base: None }) };
        match base.scheme() {
            "https" => {}
            "http" if allow_http => {}
            "http" => return Err(BaseUrlError::NotHttps),
            _ => return Err(BaseUrlError::Scheme),
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(BaseUrlError::UserInfo);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(BaseUrlError::QueryOrFragment);
        }
        Ok(Self { base: Some(base.as_str().trim_end_matches('/').to_owned()) })
    }

    /// The whole URL; `None` when it would not lead to the path, as with a name of one dot or two: the URL standard
    /// takes these for steps in the tree, percent-encoded or not.
    pub(super) fn url(&self, credentials: &Credentials, Path(path): &Path) -> Option<Url> {
        let base = match &self.base {
            Some(base) => base.clone(),
            None => format!("https://{}", host(&credentials.region(), credentials.edge())),
        };
        let url = Url::parse(&format!("{base}{path}")).ok()?;
        let leads_there = url.path().ends_with(path.as_str()) && !path.ends_with('/');
        leads_there.then_some(url)
    }
}

/// The regional form names the edge; the short form without one is legacy and ceased.
fn host(region: &Region, edge: Option<&Edge>) -> String {
    match edge {
        Some(edge) => format!("conversations.{edge}.{region}.twilio.com"),
        None => "conversations.twilio.com".to_owned(),
    }
}

/// The next page of a list: the same URL with the page that a reply's link names; `None` when the link is not about
/// the same conversation's webhooks or names no page.
///
/// Of the link nothing but the page is used. Its host is not compared, since Twilio and gateways may write another
/// one than was asked; its path is, since it says whose webhooks the page holds.
pub(super) fn next_page(first: &Url, conversation: &ConversationSid, link: &str) -> Option<Url> {
    let link = first.join(link).ok()?;
    if !link.path().ends_with(&format!("/Conversations/{conversation}/Webhooks")) {
        return None;
    }
    let page: Vec<_> = link.query_pairs().filter(|(key, _)| PAGE_KEYS.contains(&key.as_ref())).collect();
    if page.is_empty() {
        return None;
    }
    let mut next = first.clone();
    next.query_pairs_mut().clear().extend_pairs(page);
    Some(next)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const CH: &str = "CH00000000000000000000000000000001";
    const IS: &str = "IS00000000000000000000000000000002";
    const WH: &str = "WH00000000000000000000000000000003";

    fn credentials(region: &str, edge: &str) -> Credentials {
        let data = [
            ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000000"),
            ("TWILIO_AUTH_TOKEN", "token"),
            ("TWILIO_REGION", region),
            ("TWILIO_EDGE", edge),
        ];
        let data: BTreeMap<_, _> =
            data.into_iter().map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())).collect();
        Credentials::from_secret_data(&data).unwrap()
    }

    fn endpoint(base: &str) -> Result<Endpoint, BaseUrlError> {
        Endpoint::new(Some(&base.parse().unwrap()), false)
    }

    fn url_of_name(base: &str, name: &str) -> Option<String> {
        let path = Path::conversation(None, name);
        endpoint(base).unwrap().url(&credentials("", ""), &path).map(String::from)
    }

    fn at(service: bool) -> ConversationRef {
        ConversationRef { service: service.then(|| IS.parse().unwrap()), conversation: CH.parse().unwrap() }
    }

    #[test]
    fn the_host_follows_region_and_edge() {
        let endpoint = Endpoint::new(None, false).unwrap();
        for (region, edge, host) in [
            ("", "", "conversations.twilio.com"),
            ("us1", "", "conversations.ashburn.us1.twilio.com"),
            ("ie1", "", "conversations.dublin.ie1.twilio.com"),
            ("au1", "", "conversations.sydney.au1.twilio.com"),
            ("", "tokyo", "conversations.tokyo.us1.twilio.com"),
            ("ie1", "frankfurt", "conversations.frankfurt.ie1.twilio.com"),
        ] {
            let url = endpoint.url(&credentials(region, edge), &Path::configuration()).unwrap();
            assert_eq!(url.as_str(), format!("https://{host}/v1/Configuration"));
        }
    }

    #[test]
    fn a_base_url_overrides_region_and_edge() {
        for base in ["https://proxy.example/twilio", "https://proxy.example/twilio/"] {
            let url = endpoint(base).unwrap().url(&credentials("ie1", ""), &Path::configuration()).unwrap();
            assert_eq!(url.as_str(), "https://proxy.example/twilio/v1/Configuration");
        }
    }

    #[test]
    fn an_unsafe_base_url_is_refused() {
        for (base, error) in [
            ("http://twilio.example", BaseUrlError::NotHttps),
            ("ftp://twilio.example", BaseUrlError::Scheme),
            ("file:///tmp", BaseUrlError::Scheme),
            ("https://user@twilio.example", BaseUrlError::UserInfo),
            ("https://:pass@twilio.example", BaseUrlError::UserInfo),
            ("https://twilio.example/?a=1", BaseUrlError::QueryOrFragment),
            ("https://twilio.example/#a", BaseUrlError::QueryOrFragment),
        ] {
            assert_eq!(endpoint(base).unwrap_err(), error, "{base}");
        }
        assert!(Endpoint::new(Some(&"http://127.0.0.1:1".parse().unwrap()), true).is_ok());
    }

    #[test]
    fn both_path_families() {
        let wh = WH.parse().unwrap();
        assert_eq!(Path::webhooks(&at(false)).0, format!("/v1/Conversations/{CH}/Webhooks"));
        assert_eq!(Path::webhook(&at(false), &wh).0, format!("/v1/Conversations/{CH}/Webhooks/{WH}"));
        assert_eq!(Path::webhooks(&at(true)).0, format!("/v1/Services/{IS}/Conversations/{CH}/Webhooks"));
        assert_eq!(
            Path::conversation(Some(&IS.parse().unwrap()), "name").0,
            format!("/v1/Services/{IS}/Conversations/name")
        );
    }

    #[test]
    fn a_unique_name_is_one_segment() {
        let long = "n".repeat(256);
        for (name, segment) in [
            ("support", "support"),
            ("a/b", "a%2Fb"),
            ("a\\b", "a%5Cb"),
            ("a b", "a%20b"),
            ("%2F", "%252F"),
            ("%2e%2e", "%252e%252e"),
            ("ü", "%C3%BC"),
            ("?x=1", "%3Fx%3D1"),
            ("#", "%23"),
            ("a\tb\n", "a%09b%0A"),
            ("...", "..."),
            ("../Configuration", "..%2FConfiguration"),
            (".hidden", ".hidden"),
            ("a;b@c:d", "a%3Bb%40c%3Ad"),
            (&long, &long),
        ] {
            let expected = format!("https://twilio.example/base/v1/Conversations/{segment}");
            assert_eq!(url_of_name("https://twilio.example/base", name), Some(expected), "{name:?}");
        }
    }

    #[test]
    fn a_name_that_would_walk_the_tree_is_refused() {
        for name in [".", "..", ""] {
            assert_eq!(url_of_name("https://twilio.example", name), None, "{name:?}");
        }
    }

    fn next(link: &str) -> Option<String> {
        let credentials = credentials("", "");
        let first = endpoint("https://twilio.example/base").unwrap();
        let first = first.url(&credentials, &Path::webhooks(&at(false))).unwrap();
        next_page(&first, &at(false).conversation, link).map(String::from)
    }

    #[test]
    fn the_next_page_is_asked_of_our_own_base() {
        let ours = format!("https://twilio.example/base/v1/Conversations/{CH}/Webhooks?Page=1&PageToken=t");
        for link in [
            format!("https://twilio.example/base/v1/Conversations/{CH}/Webhooks?Page=1&PageToken=t"),
            format!("https://evil.example/v1/Conversations/{CH}/Webhooks?Page=1&PageToken=t&Other=1"),
            format!("/v1/Services/{IS}/Conversations/{CH}/Webhooks?Page=1&PageToken=t#x"),
        ] {
            assert_eq!(next(&link).as_ref(), Some(&ours), "{link}");
        }
    }

    #[test]
    fn a_page_of_something_else_is_refused() {
        for link in [
            format!("https://twilio.example/v1/Conversations/{}/Webhooks?Page=1", CH.replace('1', "2")),
            format!("https://twilio.example/v1/Conversations/{CH}/Messages?Page=1"),
            format!("https://twilio.example/v1/Conversations/{CH}/Webhooks"),
            format!("https://twilio.example/v1/Conversations/{CH}/Webhooks?Other=1"),
            "https://[".to_owned(),
        ] {
            assert_eq!(next(&link), None, "{link}");
        }
    }
}
