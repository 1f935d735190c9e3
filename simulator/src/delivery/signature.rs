//! `X-Twilio-Signature`: how a bot knows that a request is Twilio's. Public, so that a bot can be tested with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The signature of a request: base64 of HMAC-SHA1 under the account's Auth Token, over the full URL and then every
/// form field, name and value, in the order of names. A GET has no form, so its URL alone is signed. A fragment of
/// the URL is left out.
#[must_use]
pub fn sign(auth_token: &str, url: &str, form: &[(String, String)]) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort_unstable();
    let mut text = url.to_owned();
    for (name, value) in sorted {
        text.push_str(name);
        text.push_str(value);
    }
    // HMAC takes a key of any length; this cannot fail.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else { return String::new() };
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Twilio's own security documentation.
    #[test]
    fn twilios_example_is_signed_as_twilio_signs_it() {
        let form = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("From", "+12349013030"),
            ("To", "+18005551212"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(sign("12345", url, &form), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    }
}
