//! Benchmark of the manager on a real API server: how fast objects are there, whether it writes when idle, and how much
//! memory it holds, also with many pods (by kwok) that are none of its business.
//!
//! `MANAGER_BENCH_PODS` (default 20,000) changes how many.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first error")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::{Namespace, Node, Pod};
use kube::api::{Api, PostParams};
use serde_json::json;
use support::control_plane::{NAMESPACE, create, parse};
use support::{Manager, Snapshot, World, eventually};

const IDLE: Duration = Duration::from_secs(30);
const NODES: usize = 200;
/// Requests at once while pods are made.
const PARALLEL: usize = 32;
const PODS_NAMESPACE: &str = "busy";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Some(world) = World::start_on(&["monitoring.coreos.com"]).await else {
        return;
    };
    applied(&world).await;
    idle(&world).await;
    println!(
        "{:<52} {:>8.1} (budget 25)",
        "memory, MiB, resident",
        world.manager.resident_mib()
    );
    let count: usize =
        std::env::var("MANAGER_BENCH_PODS").map_or(20_000, |pods| pods.parse().unwrap());
    pods(&world, count).await;
    // One that starts when they are there reads all that it reads.
    drop(world.manager);
    let manager = Manager::start(&world.plane.manager_kubeconfig().await).await;
    let world = World { manager, ..world };
    world.settle().await;
    println!(
        "{:<52} {:>8.1} (budget 50)",
        format!("memory, MiB, resident, with {count} pods"),
        world.manager.resident_mib()
    );
}

/// From the FlowCollector to the last of its objects.
async fn applied(world: &World) {
    let started = Instant::now();
    world.create_collector(json!({})).await;
    let created = started.elapsed();
    world.settle().await;
    let first_to_last = world.plane.applying_time();
    println!(
        "{:<52} {:>8.0} (budget 1000)",
        "created to applied, ms",
        (created + first_to_last).as_secs_f64() * 1000.0
    );
    let ours = Snapshot::ours(&world.plane.client).await;
    println!("{:<52} {:>8}", "objects", ours.0.len());
    let writes = world.plane.writes();
    for kind in ["daemonsets", "deployments"] {
        let prefix = format!("patch {kind} ");
        let of_kind = writes.iter().filter(|write| write.starts_with(&prefix));
        println!(
            "{:<52} {:>8} (budget: one each)",
            format!("writes of {kind}"),
            of_kind.count()
        );
    }
}

async fn idle(world: &World) {
    let before = world.plane.writes().len();
    tokio::time::sleep(IDLE).await;
    let writes = world.plane.writes().len() - before;
    let what = format!("writes in {} idle seconds", IDLE.as_secs());
    println!("{what:<52} {writes:>8} (budget 0)");
}

/// Nodes and running pods on them, half of which carry the label of our agents.
async fn pods(world: &World, count: usize) {
    world.plane.start_kwok();
    let client = &world.plane.client;
    let nodes: Api<Node> = Api::all(client.clone());
    for node in 0..NODES {
        create(
            &nodes,
            &parse(json!({"metadata": {"name": format!("node-{node}")}})),
        )
        .await;
    }
    let namespaces: Api<Namespace> = Api::all(client.clone());
    create(
        &namespaces,
        &parse(json!({"metadata": {"name": PODS_NAMESPACE}})),
    )
    .await;
    let of_others: Api<Pod> = Api::namespaced(client.clone(), PODS_NAMESPACE);
    let ours: Api<Pod> = Api::namespaced(client.clone(), &format!("{NAMESPACE}-privileged"));
    eventually("pods can be made", async || {
        let pod = pod(0, "first");
        of_others
            .create(&PostParams::default(), &pod)
            .await
            .map_err(|error| error.to_string())
    })
    .await;
    stream::iter(1..count)
        .for_each_concurrent(PARALLEL, async |index| {
            let (api, app) = if index % 2 == 0 {
                (&ours, "netobserv-ebpf-agent")
            } else {
                (&of_others, "other")
            };
            create(api, &pod(index, app)).await;
        })
        .await;
}

fn pod(index: usize, app: &str) -> Pod {
    parse(json!({
        "metadata": {"name": format!("pod-{index}"), "labels": {"app": app}},
        "spec": {
            "nodeName": format!("node-{}", index % NODES), "automountServiceAccountToken": false,
            "tolerations": [{"operator": "Exists"}],
            "containers": [{"name": "c", "image": "example/app"}],
        },
    }))
}
