//! `X-Twilio-Signature`, checked as a bot has to: with its own copy of the account's Auth Token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// Whether the signature is Twilio's: base64 of HMAC-SHA1 under the Auth Token, over the URL as the webhook has it and
/// then every form field, name and value, in the order of names. The comparison takes the same time for every input.
pub(crate) fn is_genuine(auth_token: &str, url: &str, form: &[(String, String)], signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else { return false };
    mac.update(url.as_bytes());
    let mut fields: Vec<_> = form.iter().collect();
    fields.sort_unstable();
    for (name, value) in fields {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac.verify_slice(&signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    const SIGNATURE: &str = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";

    /// The example of Twilio's own security documentation.
    fn form() -> Vec<(String, String)> {
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("To", "+18005551212"),
            ("From", "+12349013030"),
            ("Digits", "1234"),
            ("Caller", "+12349013030"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn twilios_own_example_is_genuine() {
        assert!(is_genuine("12345", URL, &form(), SIGNATURE));
    }

    #[test]
    fn anything_altered_is_not() {
        let mut altered = form();
        altered[3].1 = "12345".to_owned();
        assert!(!is_genuine("12345", URL, &altered, SIGNATURE));
        assert!(!is_genuine("12345", "https://mycompany.com/myapp.php?foo=1", &form(), SIGNATURE));
        assert!(!is_genuine("54321", URL, &form(), SIGNATURE));
        assert!(!is_genuine("12345", URL, &form(), ""));
        assert!(!is_genuine("12345", URL, &form(), "not base64"));
    }
}
