//! The tables of `tests/admission`: every rule of the CRD, with objects that it accepts and refuses.

#[path = "../admission/rules/conversation.rs"]
mod conversation;
#[path = "../admission/rules/filters.rs"]
mod filters;
#[path = "../admission/rules/policies.rs"]
mod policies;
#[path = "../admission/rules/secrets.rs"]
mod secrets;
#[path = "../admission/rules/target.rs"]
mod target;
#[path = "../admission/rules/triggers.rs"]
mod triggers;
#[path = "../admission/rules/unknown.rs"]
mod unknown;
#[path = "../admission/rules/url.rs"]
mod url;
#[path = "../admission/rules/webhook.rs"]
mod webhook;

use crate::case::Case;

/// All of them, with the names of their files.
pub(crate) fn tables() -> [(&'static str, Vec<Case>); 9] {
    [
        ("conversation", conversation::cases()),
        ("filters", filters::cases()),
        ("policies", policies::cases()),
        ("secrets", secrets::cases()),
        ("target", target::cases()),
        ("triggers", triggers::cases()),
        ("unknown", unknown::cases()),
        ("url", url::cases()),
        ("webhook", webhook::cases()),
    ]
}

#[test]
fn no_table_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/admission/rules");
    let files =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = files.filter(|file| file != "mod.rs").collect();
    files.sort();
    assert_eq!(files, tables().map(|(name, _)| format!("{name}.rs")));
}
