//! What each set of values renders, in one file each, so that a change is seen by whoever reviews it. Of the operator's
//! chart the default is there as a whole, and of the other sets what differs from it.
//!
//! `UPDATE_GOLDEN=1 cargo test --test charts golden` writes the files anew.

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

use crate::helm::{Document, OPERATOR, rendered};
use crate::sets::{DEFAULT, sets};

const NAMESPACE: &str = "operators";

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/charts/golden"))
}

fn whole(documents: &[Document]) -> String {
    documents.iter().flat_map(|document| ["---\n", &document.text]).collect()
}

fn difference(documents: &[Document], from: &[Document]) -> String {
    let mut text = String::new();
    for Document { id, .. } in from {
        if !documents.iter().any(|document| document.id == *id) {
            writeln!(text, "# Not there: {id}").unwrap();
        }
    }
    let known = |document: &&Document| !from.iter().any(|other| other.text == document.text);
    let differing: Vec<Document> = documents.iter().filter(known).cloned().collect();
    text + &whole(&differing)
}

#[tokio::test]
async fn every_set_renders_what_was_reviewed() {
    let default = rendered(OPERATOR, NAMESPACE, &json!({})).await;
    let mut stale = Vec::new();
    let mut files = BTreeSet::new();
    for set in sets() {
        let documents = rendered(set.chart, NAMESPACE, &set.values).await;
        let compared = set.chart == OPERATOR && set.name != DEFAULT;
        let text = if compared { difference(&documents, &default) } else { whole(&documents) };
        let text = without_schema(if text.is_empty() { "# Nothing.\n" } else { &text });
        let file = format!("{}.yaml", set.name);
        let path = folder().join(&file);
        if fs::read_to_string(&path).unwrap_or_default() != text {
            if env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&path, &text).unwrap();
            } else {
                stale.push(format!("{file} should be:\n{text}"));
            }
        }
        files.insert(file);
    }
    assert!(stale.is_empty(), "UPDATE_GOLDEN=1 writes these anew:\n{}", stale.join("\n"));
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, files, "files and sets");
}

/// Without the spec of the CRD, which `tests/admission` compares with the binary's.
fn without_schema(text: &str) -> String {
    let mut shown = String::new();
    let mut kind = false;
    let mut cut = false;
    for line in text.lines() {
        if line == "---" {
            (kind, cut) = (false, false);
        }
        kind |= line == "kind: CustomResourceDefinition";
        if kind && line == "spec:" {
            cut = true;
            shown.push_str("# spec: as in crds/\n");
        }
        if !cut {
            writeln!(shown, "{line}").unwrap();
        }
    }
    shown
}

#[test]
fn a_change_would_be_seen() {
    let document =
        |id: &str, text: &str| Document { id: id.to_owned(), text: text.to_owned(), value: json!({}) };
    let from = [document("Secret a", "a\n"), document("Secret b", "b\n")];
    let to = [document("Secret a", "other\n")];
    assert_eq!(difference(&to, &from), "# Not there: Secret b\n---\nother\n");
    assert_eq!(difference(&from, &from), "");
}
