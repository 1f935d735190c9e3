//! A Secret's content as a login: which account, which region, which key.
//!
//! Secret values live in [`SecretString`] from here on: nothing in this file prints one, in errors least of all.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::region::{Edge, Region};
use super::sid::{AccountSid, ApiKeySid};

/// Names of the Secret's keys: the environment variables of Twilio's own tools, so that Secrets that people hold
/// already fit unchanged.
pub mod secret_key {
    /// The account, always.
    pub const ACCOUNT_SID: &str = "TWILIO_ACCOUNT_SID";
    /// The account's token: one of the two logins.
    pub const AUTH_TOKEN: &str = "TWILIO_AUTH_TOKEN";
    /// The API key's SID: with its secret the other login, which wins where both are there.
    pub const API_KEY: &str = "TWILIO_API_KEY";
    /// The API key's secret.
    pub const API_SECRET: &str = "TWILIO_API_SECRET";
    /// The region, optional.
    pub const REGION: &str = "TWILIO_REGION";
    /// The edge, optional.
    pub const EDGE: &str = "TWILIO_EDGE";
}

/// Why a Secret is no login. Names the key, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A key that is needed is not there.
    #[error("the key {key} is missing")]
    Missing {
        /// The key's name.
        key: &'static str,
    },
    /// A key is there, with nothing but white space in it.
    #[error("the key {key} is empty")]
    Empty {
        /// The key's name.
        key: &'static str,
    },
    /// A value is not text.
    #[error("the key {key} does not hold UTF-8 text")]
    NotUtf8 {
        /// The key's name.
        key: &'static str,
    },
    /// A value does not have the shape that its key asks for.
    #[error("the key {key} is malformed: expected {expected}")]
    Malformed {
        /// The key's name.
        key: &'static str,
        /// What a good value looks like.
        expected: &'static str,
    },
    /// There is an account and nothing to log in with.
    #[error("no login: give TWILIO_API_KEY with TWILIO_API_SECRET, or TWILIO_AUTH_TOKEN")]
    NoLogin,
    /// The region is none whose edge is documented, and none is given.
    #[error("the key TWILIO_EDGE is missing: it has no default for region {region}")]
    EdgeNeeded {
        /// The region that the Secret names.
        region: Region,
    },
}

/// User and password of HTTP basic authentication.
#[derive(Clone)]
enum Login {
    ApiKey { key: ApiKeySid, secret: SecretString },
    AuthToken(SecretString),
}

/// Where requests of one account go in: what happens there is no word on any other.
///
/// The region is part of it because regions are worlds of their own, and the edge because a name that leads nowhere says
/// nothing about the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Door {
    /// The account that the Secret declares.
    pub account: AccountSid,
    /// The region that it declares.
    pub region: Region,
    /// Where requests enter Twilio's network; `None`: by Twilio's global host.
    pub edge: Option<Edge>,
}

/// A login to one Twilio account, with the place to log in.
///
/// That the account is the login's own is a claim of whoever wrote the Secret until a reply proves it
/// ([`Client::fetch_configuration`](super::Client::fetch_configuration)).
#[derive(Clone)]
pub struct Credentials {
    door: Door,
    login: Login,
}

impl Credentials {
    /// Reads the data of a Secret, keys as in [`secret_key`], white space around values trimmed.
    ///
    /// An API key wins over an auth token. Half an API key is an error even beside a token, since the token may
    /// have more rights than its owner meant to give. Optional keys may be empty.
    pub fn from_secret_data(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, CredentialsError> {
        let data = SecretData(data);
        let account =
            parsed(secret_key::ACCOUNT_SID, data.required(secret_key::ACCOUNT_SID)?, ACCOUNT_SHAPE)?;
        let login = data.login()?;
        let given_region = data
            .optional(secret_key::REGION)?
            .map(|text| parsed(secret_key::REGION, text, LABEL_SHAPE))
            .transpose()?;
        let given_edge = data
            .optional(secret_key::EDGE)?
            .map(|text| parsed(secret_key::EDGE, text, LABEL_SHAPE))
            .transpose()?;
        let (region, edge) = place(given_region, given_edge)?;
        Ok(Self { door: Door { account, region, edge }, login })
    }

    /// HMAC-SHA-256 of account, place and login under a key: equal for equal credentials, wherever they were read, and
    /// no way back to them. Under a random key it tells two logins apart without keeping either.
    #[must_use]
    pub fn fingerprint(&self, key: &[u8; 32]) -> [u8; 32] {
        // HMAC takes a key of any length, so the error arm is never reached; then no two logins count as equal.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
        let (user, password) = match &self.login {
            Login::ApiKey { key, secret } => (key.as_str(), secret),
            Login::AuthToken(token) => (self.door.account.as_str(), token),
        };
        let edge = self.door.edge.as_ref().map(Edge::as_str).unwrap_or_default();
        for part in
            [self.door.account.as_str(), self.door.region.as_str(), edge, user, password.expose_secret()]
        {
            mac.update(&part.len().to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// Where requests with this login go in.
    #[must_use]
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// The account that the Secret declares.
    #[must_use]
    pub fn account_sid(&self) -> &AccountSid {
        &self.door.account
    }

    /// The region that the Secret declares, `us1` where it declares none.
    #[must_use]
    pub fn region(&self) -> Region {
        self.door.region.clone()
    }

    /// Where requests enter Twilio's network; `None`: by Twilio's global host.
    #[must_use]
    pub fn edge(&self) -> Option<&Edge> {
        self.door.edge.as_ref()
    }

    /// User name and password of HTTP basic authentication.
    pub(super) fn basic(&self) -> (&str, &SecretString) {
        match &self.login {
            Login::ApiKey { key, secret } => (key.as_str(), secret),
            Login::AuthToken(token) => (self.door.account.as_str(), token),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { door: Door { account, region, edge }, login } = self;
        let login = match login {
            Login::ApiKey { .. } => "API key",
            Login::AuthToken(_) => "auth token",
        };
        f.debug_struct("Credentials")
            .field("account", account)
            .field("login", &format_args!("{login} [redacted]"))
            .field("region", region)
            .field("edge", edge)
            .finish()
    }
}

const ACCOUNT_SHAPE: &str = "AC and 32 hexadecimal digits";
const API_KEY_SHAPE: &str = "SK and 32 hexadecimal digits";
const LABEL_SHAPE: &str = "lower-case letters, digits and hyphens";

fn parsed<T: FromStr>(key: &'static str, text: &str, expected: &'static str) -> Result<T, CredentialsError> {
    text.parse().map_err(|_| CredentialsError::Malformed { key, expected })
}

/// An edge alone means us1; a region alone means its documented edge; neither means Twilio's global host.
fn place(region: Option<Region>, edge: Option<Edge>) -> Result<(Region, Option<Edge>), CredentialsError> {
    match (region, edge) {
        (None, edge) => Ok((Region::default(), edge)),
        (Some(region), Some(edge)) => Ok((region, Some(edge))),
        (Some(region), None) => match region.default_edge() {
            Some(edge) => Ok((region, Some(edge))),
            None => Err(CredentialsError::EdgeNeeded { region }),
        },
    }
}

struct SecretData<'a>(&'a BTreeMap<String, Vec<u8>>);

impl<'a> SecretData<'a> {
    /// The trimmed value, possibly empty; `None` when the key is not there.
    fn text(&self, key: &'static str) -> Result<Option<&'a str>, CredentialsError> {
        let Some(bytes) = self.0.get(key) else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|_| CredentialsError::NotUtf8 { key })?;
        Ok(Some(text.trim()))
    }

    fn optional(&self, key: &'static str) -> Result<Option<&'a str>, CredentialsError> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()))
    }

    fn required(&self, key: &'static str) -> Result<&'a str, CredentialsError> {
        match self.text(key)? {
            None => Err(CredentialsError::Missing { key }),
            Some("") => Err(CredentialsError::Empty { key }),
            Some(text) => Ok(text),
        }
    }

    fn login(&self) -> Result<Login, CredentialsError> {
        if self.optional(secret_key::API_KEY)?.is_some() || self.optional(secret_key::API_SECRET)?.is_some() {
            let key = parsed(secret_key::API_KEY, self.required(secret_key::API_KEY)?, API_KEY_SHAPE)?;
            let secret = self.required(secret_key::API_SECRET)?.into();
            return Ok(Login::ApiKey { key, secret });
        }
        if let Some(token) = self.optional(secret_key::AUTH_TOKEN)? {
            return Ok(Login::AuthToken(token.into()));
        }
        let blank = [secret_key::API_KEY, secret_key::API_SECRET, secret_key::AUTH_TOKEN]
            .into_iter()
            .find(|key| self.0.contains_key(*key));
        Err(blank.map_or(CredentialsError::NoLogin, |key| CredentialsError::Empty { key }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AC: &str = "AC00000000000000000000000000000001";
    const SK: &str = "SK00000000000000000000000000000002";
    const CANARY: &str = "canary-secret";

    fn read(pairs: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
        read_bytes(&pairs.iter().map(|(key, value)| (*key, value.as_bytes())).collect::<Vec<_>>())
    }

    fn read_bytes(pairs: &[(&str, &[u8])]) -> Result<Credentials, CredentialsError> {
        let data = pairs.iter().map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect();
        Credentials::from_secret_data(&data)
    }

    fn login(credentials: &Credentials) -> (String, String) {
        let (user, password) = credentials.basic();
        (user.to_owned(), password.expose_secret().to_owned())
    }

    #[test]
    fn an_auth_token_logs_in_as_the_account() {
        let credentials = read(&[("TWILIO_ACCOUNT_SID", AC), ("TWILIO_AUTH_TOKEN", CANARY)]).unwrap();
        assert_eq!(login(&credentials), (AC.to_owned(), CANARY.to_owned()));
        assert_eq!(credentials.account_sid().as_str(), AC);
        assert_eq!((credentials.region().as_str(), credentials.edge()), ("us1", None));
    }

    #[test]
    fn an_api_key_wins_over_a_token() {
        let credentials = read(&[
            ("TWILIO_ACCOUNT_SID", AC),
            ("TWILIO_AUTH_TOKEN", "token"),
            ("TWILIO_API_KEY", SK),
            ("TWILIO_API_SECRET", CANARY),
        ])
        .unwrap();
        assert_eq!(login(&credentials), (SK.to_owned(), CANARY.to_owned()));
    }

    #[test]
    fn white_space_around_values_is_trimmed() {
        let credentials =
            read(&[("TWILIO_ACCOUNT_SID", &format!("{AC}\n")), ("TWILIO_AUTH_TOKEN", " token\r\n")]).unwrap();
        assert_eq!(login(&credentials), (AC.to_owned(), "token".to_owned()));
    }

    #[test]
    fn empty_optional_keys_are_not_there() {
        let credentials = read(&[
            ("TWILIO_ACCOUNT_SID", AC),
            ("TWILIO_AUTH_TOKEN", "token"),
            ("TWILIO_API_KEY", ""),
            ("TWILIO_API_SECRET", "\n"),
            ("TWILIO_REGION", ""),
            ("TWILIO_EDGE", " "),
        ])
        .unwrap();
        assert_eq!(login(&credentials).1, "token");
        assert_eq!(credentials.edge(), None);
    }

    #[test]
    fn errors_name_the_key_and_never_the_value() {
        use CredentialsError::{Empty, Malformed, Missing, NoLogin};
        let account = ("TWILIO_ACCOUNT_SID", AC);
        let token = ("TWILIO_AUTH_TOKEN", CANARY);
        for (pairs, expected) in [
            (vec![], Missing { key: "TWILIO_ACCOUNT_SID" }),
            (vec![("TWILIO_ACCOUNT_SID", " \n"), token], Empty { key: "TWILIO_ACCOUNT_SID" }),
            (
                vec![("TWILIO_ACCOUNT_SID", CANARY), token],
                Malformed { key: "TWILIO_ACCOUNT_SID", expected: ACCOUNT_SHAPE },
            ),
            (vec![account], NoLogin),
            (vec![account, ("TWILIO_AUTH_TOKEN", "")], Empty { key: "TWILIO_AUTH_TOKEN" }),
            (vec![account, ("TWILIO_API_KEY", SK)], Missing { key: "TWILIO_API_SECRET" }),
            (vec![account, token, ("TWILIO_API_KEY", SK)], Missing { key: "TWILIO_API_SECRET" }),
            (vec![account, token, ("TWILIO_API_SECRET", CANARY)], Missing { key: "TWILIO_API_KEY" }),
            (
                vec![account, ("TWILIO_API_KEY", SK), ("TWILIO_API_SECRET", "")],
                Empty { key: "TWILIO_API_SECRET" },
            ),
            (
                vec![account, ("TWILIO_API_KEY", CANARY), ("TWILIO_API_SECRET", CANARY)],
                Malformed { key: "TWILIO_API_KEY", expected: API_KEY_SHAPE },
            ),
            (
                vec![account, token, ("TWILIO_REGION", "canary-secret.evil.example/")],
                Malformed { key: "TWILIO_REGION", expected: LABEL_SHAPE },
            ),
            (
                vec![account, token, ("TWILIO_EDGE", "@canary-secret")],
                Malformed { key: "TWILIO_EDGE", expected: LABEL_SHAPE },
            ),
        ] {
            let error = read(&pairs).unwrap_err();
            assert_eq!(error, expected);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
        assert_eq!(
            read_bytes(&[("TWILIO_ACCOUNT_SID", AC.as_bytes()), ("TWILIO_AUTH_TOKEN", b"\xff")]).unwrap_err(),
            CredentialsError::NotUtf8 { key: "TWILIO_AUTH_TOKEN" }
        );
    }

    #[test]
    fn the_edge_follows_the_region() {
        let base = [("TWILIO_ACCOUNT_SID", AC), ("TWILIO_AUTH_TOKEN", "token")];
        for (region, edge, expected) in [
            ("", "", ("us1", None)),
            ("us1", "", ("us1", Some("ashburn"))),
            ("ie1", "", ("ie1", Some("dublin"))),
            ("au1", "", ("au1", Some("sydney"))),
            ("", "tokyo", ("us1", Some("tokyo"))),
            ("ie1", "frankfurt", ("ie1", Some("frankfurt"))),
            ("jp9", "tokyo", ("jp9", Some("tokyo"))),
        ] {
            let mut pairs = base.to_vec();
            pairs.extend([("TWILIO_REGION", region), ("TWILIO_EDGE", edge)]);
            let credentials = read(&pairs).unwrap();
            assert_eq!((credentials.region().as_str(), credentials.edge().map(Edge::as_str)), expected);
        }
        let mut pairs = base.to_vec();
        pairs.push(("TWILIO_REGION", "jp9"));
        assert_eq!(
            read(&pairs).unwrap_err().to_string(),
            "the key TWILIO_EDGE is missing: it has no default for region jp9"
        );
    }

    #[test]
    fn debug_redacts_both_logins() {
        for pairs in
            [vec![("TWILIO_AUTH_TOKEN", CANARY)], vec![("TWILIO_API_KEY", SK), ("TWILIO_API_SECRET", CANARY)]]
        {
            let mut pairs = pairs;
            pairs.push(("TWILIO_ACCOUNT_SID", AC));
            let text = format!("{:?}", read(&pairs).unwrap());
            assert!(text.contains(AC) && text.contains("redacted"), "{text}");
            assert!(!text.contains("canary"), "{text}");
        }
    }
}
