//! Recording runs: which requests a story takes, and whether all of them pass the proxy.
//!
//! The other ends know better than the proxy: the API server's audit log and the simulator's journal have every
//! request. What has no stamp of a proxy's came another way.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use super::cell::Stage;
use super::point::{Layer, Point};
use super::proxy::{Passed, Proxy};
use super::scenario::{RECORDED, SYSTEM, Scenario};
use super::upstreams::Upstreams;
use crate::support::World;

/// Recordings of each scenario. A busy machine lets a window pass now and then, which takes requests that are not
/// always there; what every recording has is required.
const ROUNDS: usize = 2;
/// Recordings at a time.
const AT_ONCE: usize = 6;

/// The points of every scenario.
pub(super) async fn all(upstreams: &Upstreams) -> BTreeMap<Scenario, Vec<Point>> {
    let mut all: BTreeMap<Scenario, Vec<Point>> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for scenarios in Scenario::ALL.chunks(AT_ONCE) {
            let recordings = scenarios.iter().map(async |scenario| {
                let (points, _stage) = Stage::set(*scenario, upstreams).await.record().await;
                (*scenario, points)
            });
            for (scenario, points) in futures::future::join_all(recordings).await {
                let known = all.entry(scenario).or_insert_with(|| points.clone());
                known.retain(|point| points.contains(point));
            }
        }
    }
    all
}

/// Requests that the other ends got and the proxy did not pass on, and the other way round.
fn differences(got: Vec<String>, passed: Vec<String>) -> Vec<String> {
    let mut balance: BTreeMap<String, i64> = BTreeMap::new();
    for line in got {
        *balance.entry(line).or_default() += 1;
    }
    for line in passed {
        *balance.entry(line).or_default() -= 1;
    }
    balance.retain(|_, difference| *difference != 0);
    balance.into_iter().map(|(line, difference)| format!("{line}: {difference:+}")).collect()
}

/// An account of its own, with the rights of the operator's, so that the audit log has nobody else's requests under
/// its name.
async fn own_account(world: &World) -> Upstreams {
    let subject = json!({ "kind": "ServiceAccount", "name": RECORDED, "namespace": SYSTEM });
    let account = json!({ "metadata": { "name": RECORDED } });
    let binding = json!({
        "metadata": { "name": RECORDED },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
            "name": "cwo-conversation-webhook-operator",
        },
        "subjects": [subject],
    });
    let accounts: Api<ServiceAccount> = Api::namespaced(world.kube.clone(), SYSTEM);
    accounts.create(&PostParams::default(), &serde_json::from_value(account).unwrap()).await.unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(world.kube.clone());
    bindings.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await.unwrap();
    Upstreams::new(&world.plane.kubeconfig_for_service_account(SYSTEM, RECORDED).await.unwrap())
}

/// Requests at Twilio that did not come over this line, and those of the line that did not arrive.
fn bypassed_twilio(world: &World, line: &Proxy) -> Vec<String> {
    let journal = world.simulator.journal();
    let stamped = |agent: &str| if agent.ends_with(line.stamp()) { "" } else { " without a stamp" };
    let got =
        journal.iter().map(|entry| format!("{} {}{}", entry.method, entry.path, stamped(&entry.user_agent)));
    differences(got.collect(), lines(&line.passed(), Layer::Twilio))
}

fn lines(passed: &[Passed], layer: Layer) -> Vec<String> {
    passed.iter().filter(|passed| passed.layer == layer).map(|passed| passed.line.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_every_story_passes_the_proxy_and_one_that_does_not_is_noticed() {
    let world = World::new().await;
    let upstreams = own_account(&world).await;
    let mark = world.mark().await;
    let mut stages = Vec::new();
    for scenario in Scenario::ALL {
        let stage = Stage::set(scenario, &upstreams).await;
        let (points, stage) = stage.record().await;
        assert!(points.len() >= 3, "{scenario}: {points:?}");
        assert_eq!(bypassed_twilio(&stage.world, stage.line()), [""; 0], "{scenario}");
        stages.push(stage);
    }
    let stamps: Vec<&str> = stages.iter().map(|stage| stage.line().stamp()).collect();
    let bypassed_kube = async || {
        let audit = world.plane.audit().since(mark).await.unwrap().by_service_account(SYSTEM, RECORDED);
        let got = audit.iter().map(|request| {
            let stamped = stamps.iter().any(|stamp| request.user_agent.ends_with(stamp));
            format!("{}{}", request.uri, if stamped { "" } else { " without a stamp" })
        });
        let passed = stages.iter().flat_map(|stage| lines(&stage.line().passed(), Layer::Kube));
        let uris = passed.map(|line| line.split_once(' ').unwrap().1.to_owned());
        differences(got.collect(), uris.collect())
    };
    assert_eq!(bypassed_kube().await, [""; 0]);

    // A client that goes straight to the other ends.
    let stage = &stages[0];
    let straight = world.plane.client_for_service_account(SYSTEM, RECORDED).await.unwrap();
    straight.request_text(http::Request::get("/version").body(Vec::new()).unwrap()).await.unwrap();
    assert_eq!(bypassed_kube().await, ["/version without a stamp: +1"]);
    reqwest::get(format!("{}/v1/Configuration", stage.world.simulator.url())).await.unwrap();
    assert_eq!(bypassed_twilio(&stage.world, stage.line()), ["GET /v1/Configuration without a stamp: +1"]);
}
