//! Which hosts a namespace may send its conversations to.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::{
    HOSTS_ANNOTATION, as_operator, bot, guarded, object, objects, patch, space, try_create, with_guards,
};
use crate::cluster::eventually;

/// Addresses that a namespace without an annotation may use.
const GOOD: [&str; 16] = [
    "https://bots.example.com",
    "https://bots.example.com/",
    "http://bots.example.com/path?query#fragment",
    "https://bots.example.com?query",
    "https://bots.example.com:8443/",
    "https://BOTS.Example.COM/",
    "https://bots.example.com/@evil.example",
    "https://bots.example.com/https://evil.example/",
    "https://a.bots.example.com/",
    "https://a.b.bots.example.com:443/",
    "https://A_1.bots.EXAMPLE.com/",
    "https://xn--bcher-kva.bots.example.com/",
    "https://desk.example.com/",
    "https://[2001:db8::1]/",
    "https://[2001:DB8::1]:8443/",
    "https://bots.example.com/?to=a%00b",
];

/// And those that it may not.
const BAD: [&str; 26] = [
    "https://evil.example/",
    "https://example.com/",
    "https://evil.example/bots.example.com",
    "https://evil.example?.bots.example.com",
    "https://evil.example:443/.bots.example.com",
    "https://bots.example.com.evil.example/",
    "https://notbots.example.com/",
    "https://evil-bots.example.com/",
    "https://bots.example.comm/",
    "https://bots.example.com./",
    "https://a.bots.example.com./",
    "https://.bots.example.com/",
    "https://a..bots.example.com/",
    "https://*.bots.example.com/",
    "https://sub.desk.example.com/",
    "https://bücher.bots.example.com/",
    "https://evil.example\u{ff0f}.bots.example.com/",
    "https://bots\u{3002}example\u{3002}com/",
    "https://\u{ff42}ots.example.com/",
    "https://b%C3%BCcher.bots.example.com/",
    "https://evil.example;.bots.example.com/",
    "https://evil.example&.bots.example.com/",
    "https://[2001:db8::2]/",
    "https://[2001:db8:0::1]/",
    "https://[::ffff:192.0.2.1]/",
    "https://192.0.2.1/",
];

/// Tries an object with each address, and says which went the wrong way.
async fn wrong(namespace: &str, addresses: &[&str], good: bool) -> Vec<String> {
    let api = objects(guarded().await, namespace).await;
    let mut wrong = Vec::new();
    for address in addresses {
        let verdict = try_create(&api, &object("tried", &bot(address))).await;
        let refusal = format!("spec.configuration.url: namespace {namespace} may not send to the host ");
        match verdict {
            Ok(()) if !good => wrong.push(format!("{address} was taken")),
            Err(error) if good || !error.contains(&refusal) => wrong.push(format!("{address}: {error}")),
            _ => {}
        }
    }
    wrong
}

#[tokio::test]
async fn a_namespace_that_says_nothing_may_use_the_hosts_of_the_release() {
    space(guarded().await, "plain", None).await;
    assert_eq!(wrong("plain", &GOOD, true).await, Vec::<String>::new());
    assert_eq!(wrong("plain", &BAD, false).await, Vec::<String>::new());
}

/// What the rules of the kind refuse already, so that a policy on top of them need not.
#[tokio::test]
async fn user_information_and_backslashes_do_not_get_by() {
    let plane = guarded().await;
    space(plane, "tricks", None).await;
    let api = objects(plane, "tricks").await;
    for address in [
        "https://bots.example.com@evil.example/",
        "https://bots.example.com:443@evil.example/",
        "https://evil.example\\@bots.example.com/",
        "https://evil.example\\.bots.example.com/",
        "https://bots.example.com\t.evil.example/",
        "https://bots.example.com:evil.example/",
        "https:bots.example.com",
        "//bots.example.com/",
        "https://evil.example%2f.bots.example.com/",
        "https://evil.example#.bots.example.com",
    ] {
        let verdict = try_create(&api, &object("tried", &bot(address))).await;
        assert!(verdict.is_err(), "{address}");
    }
}

#[tokio::test]
async fn the_annotation_of_a_namespace_counts_instead() {
    let plane = guarded().await;
    let (ours, theirs) = ("https://bots.example.com/", "https://tenant.example.net/");
    // Blanks, commas and lines, in any case.
    space(plane, "own", Some(" Tenant.example.net,*.a.example.net\n\t[2001:DB8::7] ")).await;
    let good = [theirs, "https://x.a.example.net/", "https://[2001:db8::7]/"];
    assert_eq!(wrong("own", &good, true).await, Vec::<String>::new());
    assert_eq!(wrong("own", &[ours, "https://a.example.net/"], false).await, Vec::<String>::new());

    space(plane, "none", Some("")).await;
    assert_eq!(wrong("none", &[ours, theirs], false).await, Vec::<String>::new());
    // Neither a part of a pattern nor a pattern of another kind is one that matches more.
    space(plane, "odd", Some("*. .* ** *example.com example.*, , .")).await;
    assert_eq!(wrong("odd", &[ours, theirs, "https://example.com/"], false).await, Vec::<String>::new());

    space(plane, "any", Some("*")).await;
    assert_eq!(wrong("any", &GOOD, true).await, Vec::<String>::new());
    assert_eq!(
        wrong("any", &[theirs, "https://bücher.example/", "http://192.0.2.1:8080/"], true).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_user_reads_which_hosts_there_are_and_what_to_do() {
    let plane = guarded().await;
    space(plane, "told", None).await;
    let apply = ["apply", "-n", "told", "-f", "-"];
    let bad = object("bot", &bot("https://Evil.example:8443/?key=canary")).to_string();
    let error = plane.kubectl_with_input(&apply, &bad).await.unwrap_err().to_string();
    let said = "denied request: spec.configuration.url: namespace told may not send to the host evil.example; it may use \
        bots.example.com, *.bots.example.com, desk.example.com, [2001:db8::1]. Use one of these, or have an administrator add \
        the host to the annotation conversations.twilio-operator.dev/allowed-webhook-hosts of the namespace";
    assert!(error.contains(said), "{error}");
    assert!(!error.contains("canary"), "the rest of the address may be a secret: {error}");

    space(plane, "told-nothing", Some("")).await;
    let apply = ["apply", "-n", "told-nothing", "-f", "-"];
    let error = plane.kubectl_with_input(&apply, &bad).await.unwrap_err().to_string();
    assert!(error.contains("may not send to the host evil.example; it may use no host yet"), "{error}");
}

fn from_secret() -> Value {
    let mut spec = bot("");
    spec["configuration"]["url"] = Value::Null;
    spec["configuration"]["urlFrom"] = json!({ "secretKeyRef": { "name": "addresses", "key": "bot" } });
    spec
}

#[tokio::test]
async fn an_address_in_a_secret_is_for_namespaces_with_any_host() {
    let plane = guarded().await;
    space(plane, "secret", None).await;
    let error =
        try_create(&objects(plane, "secret").await, &object("bot", &from_secret())).await.unwrap_err();
    let said = "spec.configuration.urlFrom: an address in a Secret cannot be checked, and namespace secret may use certain \
        hosts only; write the address into spec.configuration.url";
    assert!(error.contains(said), "{error}");
    space(plane, "secret-any", Some("bots.example.com, *")).await;
    try_create(&objects(plane, "secret-any").await, &object("bot", &from_secret())).await.unwrap();
}

#[tokio::test]
async fn a_flow_has_no_address_and_a_trigger_has_one() {
    let plane = guarded().await;
    space(plane, "targets", Some("")).await;
    let api = objects(plane, "targets").await;
    let mut flow = json!({ "conversationSid": format!("CH{:032x}", 1), "target": "studio",
        "configuration": { "flowSid": format!("FW{:032x}", 1) } });
    try_create(&api, &object("flow", &flow)).await.unwrap();
    // A stored null is nothing.
    flow["configuration"]["url"] = Value::Null;
    flow["configuration"]["urlFrom"] = Value::Null;
    try_create(&api, &object("flow", &flow)).await.unwrap();
    let trigger = json!({ "conversationSid": format!("CH{:032x}", 1), "target": "trigger",
        "configuration": { "url": "https://bots.example.com/", "triggers": ["help"] } });
    let error = try_create(&api, &object("trigger", &trigger)).await.unwrap_err();
    assert!(error.contains("may not send to the host bots.example.com"), "{error}");
}

/// The list got shorter while the object was there.
#[tokio::test]
async fn an_object_whose_host_is_not_allowed_any_more_is_not_trapped() {
    const FINALIZER: &str = "conversations.twilio-operator.dev/webhook";
    let plane = guarded().await;
    space(plane, "tightened", None).await;
    let api = objects(plane, "tightened").await;
    let operator = as_operator(plane, "tightened").await;
    let manifest = object("bot", &bot("https://bots.example.com/"));
    let apply = ["apply", "-n", "tightened", "-f", "-"];
    plane.kubectl_with_input(&apply, &manifest.to_string()).await.unwrap();
    let only = format!("{HOSTS_ANNOTATION}=tenant.example.net");
    plane.kubectl(&["annotate", "namespace", "tightened", &only]).await.unwrap();
    eventually("the shorter list counts", async || {
        try_create(&api, &object("new", &bot("https://bots.example.com/"))).await.err().map(drop)
    })
    .await;

    // The operator goes on: finalizer, journal and label, then status.
    let metadata = json!({ "metadata": {
        "finalizers": [FINALIZER], "annotations": { "conversations.twilio-operator.dev/create-attempt": "{}" },
        "labels": { "conversations.twilio-operator.dev/conversation": format!("CH{:032x}", 1) },
    }});
    patch(&operator, "bot", &metadata).await.unwrap();
    let status = json!({ "status": { "webhookSid": format!("WH{:032x}", 1) } });
    operator.patch_status("bot", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();

    // What does not say what is sent where can be edited, and applied again.
    plane.kubectl_with_input(&apply, &manifest.to_string()).await.unwrap();
    let server_side = [&apply[..], &["--server-side", "--force-conflicts"]].concat();
    plane.kubectl_with_input(&server_side, &manifest.to_string()).await.unwrap();
    for spec in [
        json!({ "mode": "Suspended" }),
        json!({ "deletionPolicy": "Retain" }),
        json!({ "credentialsSecretRef": { "name": "other" } }),
        json!({ "resyncInterval": "1h" }),
    ] {
        patch(&api, "bot", &json!({ "spec": spec })).await.unwrap();
    }
    let configured = async |configuration: Value| {
        patch(&api, "bot", &json!({ "spec": { "configuration": configuration } })).await
    };
    for configuration in [
        json!({ "url": "https://evil.example/" }),
        json!({ "url": "https://bots.example.com/other" }),
        // More of the conversation to a host that is not allowed any more.
        json!({ "filters": ["onMessageAdded", "onMessageUpdated"] }),
        json!({ "url": null, "urlFrom": { "secretKeyRef": { "name": "addresses", "key": "bot" } } }),
    ] {
        let error = configured(configuration.clone()).await.unwrap_err();
        assert!(error.contains("denied request: spec.configuration.url"), "{configuration}: {error}");
    }
    configured(json!({ "url": "https://tenant.example.net/" })).await.unwrap();

    // And deleted, whatever is written into it meanwhile.
    let none = format!("{HOSTS_ANNOTATION}=");
    plane.kubectl(&["annotate", "namespace", "tightened", "--overwrite", &none]).await.unwrap();
    eventually("the empty list counts", async || {
        try_create(&api, &object("new", &bot("https://tenant.example.net/"))).await.err().map(drop)
    })
    .await;
    api.delete("bot", &DeleteParams::default()).await.unwrap();
    configured(json!({ "method": "GET" })).await.unwrap();
    patch(&operator, "bot", &json!({ "metadata": { "finalizers": null } })).await.unwrap();
    assert!(api.get_opt("bot").await.unwrap().is_none());
}

#[tokio::test]
async fn addresses_in_secrets_can_be_allowed_and_other_namespaces_are_left_alone() {
    let plane = with_guards(json!({
        "watchNamespaces": ["watched"],
        "guards": { "webhookHosts": { "enabled": true, "allowUrlFrom": true } },
    }))
    .await;
    let watched = objects(&plane, "watched").await;
    try_create(&watched, &object("bot", &from_secret())).await.unwrap();
    let evil = object("bot", &bot("https://evil.example/"));
    assert!(try_create(&watched, &evil).await.is_err());
    try_create(&objects(&plane, "default").await, &evil).await.unwrap();
}

/// An object that an older version of the kind stored, which had no rules yet.
#[tokio::test]
async fn the_operator_writes_to_objects_that_break_every_rule() {
    let plane = with_guards(json!({ "guards": {
        "webhookHosts": { "enabled": true }, "finalizer": { "enabled": true },
    }}))
    .await;
    let crd = "crd/conversationwebhooks.conversations.twilio-operator.dev";
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let lax = json!([{
        "op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": anything,
    }, { "op": "remove", "path": "/spec/versions/0/selectableFields" }]);
    plane.kubectl(&["patch", crd, "--type=json", "-p", &lax.to_string()]).await.unwrap();
    let (api, operator) = (objects(&plane, "default").await, as_operator(&plane, "default").await);
    for (n, body) in
        [json!({}), json!({ "spec": {} }), json!({ "spec": { "configuration": {} } })].iter().enumerate()
    {
        let name = format!("odd-{n}");
        let mut odd = object(&name, &Value::Null);
        odd.as_object_mut().unwrap().remove("spec");
        odd.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        let created = eventually("the lax kind is served", async || {
            api.create(&PostParams::default(), &serde_json::from_value(odd.clone()).unwrap()).await.ok()
        })
        .await;
        assert_eq!(created.metadata.name.as_deref(), Some(name.as_str()));
        for finalizers in [json!(["conversations.twilio-operator.dev/webhook"]), Value::Null] {
            patch(&operator, &name, &json!({ "metadata": { "finalizers": finalizers } })).await.unwrap();
        }
        patch(&api, &name, &json!({ "metadata": { "labels": { "team": "bots" } } })).await.unwrap();
    }
}
