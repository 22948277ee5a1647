//! The Helm chart on a real API server, with the manager of this machine in place of its Deployment's pod: installed,
//! used, upgraded, removed.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::Command;

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::tools::{printed_by, tool};
use crate::support::world::exists;
use crate::support::{ControlPlane, Manager, World, eventually};
use k8s_openapi::api::core::v1::{Endpoints, Namespace};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams};
use netobserv_operator::apis::flowcollector::FlowCollector;
use serde_json::json;

/// An address of this machine other than loopback, which no EndpointSlice may hold. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_loopback())
}

/// What leads the webhooks' Service to the manager, in place of a controller.
fn endpoints(address: IpAddr, port: u16) -> EndpointSlice {
    parse(json!({
        "metadata": {"name": "webhooks", "labels": {"kubernetes.io/service-name": "netobserv-webhook-service"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
    }))
}

/// The same for older API servers, which look at these.
fn older_endpoints(address: IpAddr, port: u16) -> Endpoints {
    parse(json!({
        "metadata": {"name": "netobserv-webhook-service"},
        "subsets": [{
            "addresses": [{"ip": address}],
            "ports": [{"name": "https", "port": port, "protocol": "TCP"}],
        }],
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_keeps_what_users_made_and_removal_leaves_nothing() {
    let Some(helm) = tool("helm") else {
        return;
    };
    let Some(address) = own_address() else {
        eprintln!("skipped: this machine has no address but loopback");
        return;
    };
    let Some(plane) = ControlPlane::start_undefined().await else {
        return;
    };
    let namespaces: Api<Namespace> = Api::all(plane.client.clone());
    create(
        &namespaces,
        &parse(json!({"metadata": {"name": NAMESPACE}})),
    )
    .await;
    eventually("the namespace's own objects", async || {
        let all = plane.everything();
        let is_there = |kind: &str| {
            all.iter()
                .any(|name| name.starts_with(&format!("{kind} {NAMESPACE} ")))
        };
        (is_there("ConfigMap") && is_there("ServiceAccount"))
            .then_some(())
            .ok_or_else(|| format!("{all:?}"))
    })
    .await;
    let before = plane.everything();

    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../helm");
    let kubeconfig = plane.admin_kubeconfig().display().to_string();
    let memory = plane.memory();
    let run = |words: &[&str]| {
        let mut arguments = words.to_vec();
        arguments.extend(["--kubeconfig", &kubeconfig, "--namespace", NAMESPACE]);
        printed_by(Command::new(&helm).args(&arguments).envs([memory.clone()]))
    };
    let chart = chart.to_str().unwrap();
    let notes = run(&["install", "flows", chart]);
    assert!(notes.contains("kubectl get flowcollector"), "{notes}");

    let (manager, port) =
        Manager::start_behind_service(&plane.manager_kubeconfig().await, address).await;
    let slices: Api<EndpointSlice> = Api::namespaced(plane.client.clone(), NAMESPACE);
    let slice = create(&slices, &endpoints(address, port)).await;
    let older: Api<Endpoints> = Api::namespaced(plane.client.clone(), NAMESPACE);
    // They go with their Service.
    create(&older, &older_endpoints(address, port)).await;
    let collectors: Api<FlowCollector> = Api::all(plane.client.clone());
    let object = parse(
        json!({"metadata": {"name": "cluster"}, "spec": {"agent": {"ebpf": {"sampling": 7}}}}),
    );
    let made = eventually("a FlowCollector is admitted", async || {
        collectors
            .create(&kube::api::PostParams::default(), &object)
            .await
            .map_err(|error| error.to_string())
    })
    .await;
    let world = World {
        manager,
        collectors,
        plane,
    };
    let agents: Api<k8s_openapi::api::apps::v1::DaemonSet> =
        world.namespaced("netobserv-privileged");
    let agent = exists(&agents, "netobserv-ebpf-agent").await;
    world.settle().await;

    run(&["upgrade", "flows", chart, "--set=operator.version=next"]);
    let kept = world.collectors.get("cluster").await.unwrap();
    assert_eq!(kept.metadata.uid, made.metadata.uid);
    assert_eq!(kept.spec.agent, made.spec.agent);
    let same = agents.get("netobserv-ebpf-agent").await.unwrap();
    assert_eq!(same.metadata.uid, agent.metadata.uid);
    // Conversion and admission go on: whom to trust is still known.
    world.settle().await;
    let (output, errors) = world.plane.kubectl(&[
        "get",
        "flowcollectors.v1beta1.flows.netobserv.io",
        "--output=name",
    ]);
    assert!(output.contains("cluster"), "{errors}");

    run(&["uninstall", "flows"]);
    slices
        .delete(&slice.name_any(), &DeleteParams::default())
        .await
        .unwrap();
    drop(world.manager);
    let plane = world.plane;
    plane.holds_only(&before).await;
}
