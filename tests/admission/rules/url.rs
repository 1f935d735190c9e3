//! The bot's address. No refusal repeats it: where a user writes a password by mistake, it must not reach a build log.

use serde_json::json;

use crate::case::{Case, case};
use crate::object::{CANARY, webhook};

const NOT_AN_ADDRESS: &str = "spec.configuration.url: Invalid value: url must be an absolute http or https address \
    with a host, without spaces and without user information (user:password@)";

pub(super) fn cases() -> Vec<Case> {
    let url = |name: &'static str, url: &str| case(name, webhook(&json!({"configuration": {"url": url}})));
    let of_length = |length: usize| {
        let start = format!("https://bots.example.com/{CANARY}/");
        let path = "p".repeat(length - start.len());
        start + &path
    };
    vec![
        url("https", "https://bots.example.com/tenant-a").accepted(),
        url("http", "http://bots.example.com/tenant-a").accepted(),
        url("host only", "https://bots.example.com").accepted(),
        url("port", "https://bots.example.com:8443/hook").accepted(),
        url("IPv4 address", "https://192.0.2.7/hook").accepted(),
        url("IPv6 address", "https://[2001:db8::7]:8443/hook").accepted(),
        url("international host name", "https://bücher.example/hook").accepted(),
        url("query without a path", "https://bots.example.com?tenant=a").accepted(),
        url("@ in the path", "https://bots.example.com/@tenant").accepted(),
        url("@ in the query", "https://bots.example.com/hook?to=a@example.com").accepted(),
        url("escaped space", "https://bots.example.com/tenant%20a").accepted(),
        url("512 characters", &of_length(512)).accepted(),
        url("513 characters", &of_length(513))
            .rejected_with("spec.configuration.url: Too long: may not be more than 512 bytes"),
        url("another scheme", "ftp://canary.example.com/").rejected_with(NOT_AN_ADDRESS),
        url("scheme in capitals", "HTTPS://canary.example.com/").rejected_with(NOT_AN_ADDRESS),
        url("no scheme", "canary.example.com/hook").rejected_with(NOT_AN_ADDRESS),
        url("no scheme, two slashes", "//canary.example.com/hook").rejected_with(NOT_AN_ADDRESS),
        url("no slashes", "https:canary.example.com").rejected_with(NOT_AN_ADDRESS),
        url("empty", "").rejected_with(NOT_AN_ADDRESS),
        url("user and password", "https://u:canary@host/").rejected_with(NOT_AN_ADDRESS),
        url("user", "https://canary@host/").rejected_with(NOT_AN_ADDRESS),
        url("empty user", "https://@host/canary").rejected_with(NOT_AN_ADDRESS),
        url("password with a slash", "https://u:p/canary@host/").rejected_with(NOT_AN_ADDRESS),
        url("backslash before @", r"https://host\@canary/").rejected_with(NOT_AN_ADDRESS),
        url("escaped @", "https://u:canary%40host/").rejected_with(NOT_AN_ADDRESS),
        url("no host", "https:///canary").rejected_with(NOT_AN_ADDRESS),
        url("no host, a port", "https://:443/canary").rejected_with(NOT_AN_ADDRESS),
        url("no host, a query", "https://?canary").rejected_with(NOT_AN_ADDRESS),
        url("port that is no number", "https://host:canary/").rejected_with(NOT_AN_ADDRESS),
        url("space in the host", "https://bots canary/").rejected_with(NOT_AN_ADDRESS),
        url("space in the path", "https://host/canary bot").rejected_with(NOT_AN_ADDRESS),
        url("space before", " https://host/canary").rejected_with(NOT_AN_ADDRESS),
        url("space behind", "https://host/canary ").rejected_with(NOT_AN_ADDRESS),
        url("no-break space", "https://host/canary\u{a0}").rejected_with(NOT_AN_ADDRESS),
        // `url: |` in YAML.
        url("line end behind", "https://host/canary\n").rejected_with(NOT_AN_ADDRESS),
        url("control character", "https://host/\u{7}canary").rejected_with(NOT_AN_ADDRESS),
        url("broken escape", "https://host/%zzcanary").rejected_with(NOT_AN_ADDRESS),
        url("open bracket", "https://[2001:db8::7/canary").rejected_with(NOT_AN_ADDRESS),
    ]
}
