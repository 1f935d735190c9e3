//! The CRD is written once, in `src/api/v1alpha1.rs`; the files that users install are copies.

use conversation_webhook_operator::commands::crd;

#[test]
fn the_manifest_is_what_the_binary_prints() {
    assert_current("crds/conversationwebhooks.yaml");
}

#[test]
fn the_chart_holds_what_the_binary_prints() {
    assert_current("charts/conversation-webhook-operator/files/crd.yaml");
}

fn assert_current(path: &str) {
    let file = std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let printed = crd::yaml().unwrap();
    let difference = file.lines().zip(printed.lines()).position(|(file, printed)| file != printed);
    assert!(
        file == printed,
        "{path} is not what `conversation-webhook-operator crd` prints (first difference after line {}): run `make crd`",
        difference.unwrap_or_else(|| file.lines().count().min(printed.lines().count())),
    );
}
