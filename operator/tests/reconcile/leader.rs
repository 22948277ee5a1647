//! Several managers on a real API server: one works, and another takes over when it goes.

use crate::support::control_plane::{NAMESPACE, create, parse};
use crate::support::{ControlPlane, Manager, eventually};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{Api, DeleteParams};
use netobserv_operator::apis::flowcollector::FlowCollector;
use netobserv_operator::leader::LEASE;
use serde_json::json;

async fn leads(manager: &Manager) {
    eventually("a manager leads", async || {
        (manager.runs() > 0).then_some(()).ok_or_else(String::new)
    })
    .await;
}

/// What the Lease says.
async fn lease(plane: &ControlPlane) -> LeaseSpec {
    let leases: Api<Lease> = Api::namespaced(plane.client.clone(), NAMESPACE);
    leases.get(LEASE).await.unwrap().spec.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_manager_works_and_hands_over_when_it_ends() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    let kubeconfig = plane.manager_kubeconfig().await;
    let collectors: Api<FlowCollector> = Api::all(plane.client.clone());
    create(
        &collectors,
        &parse(json!({"metadata": {"name": "cluster"}, "spec": {}})),
    )
    .await;
    let first = Manager::start_candidate(&kubeconfig).await;
    leads(&first).await;
    let second = Manager::start_candidate(&kubeconfig).await;

    // What disappears comes back by the one that leads, not by the other.
    let agents: Api<DaemonSet> = Api::namespaced(plane.client.clone(), "netobserv-privileged");
    let remade = async || {
        agents
            .delete("netobserv-ebpf-agent", &DeleteParams::default())
            .await
            .unwrap();
        eventually("the agents are back", async || {
            agents
                .get("netobserv-ebpf-agent")
                .await
                .map(|_| ())
                .map_err(|error| error.to_string())
        })
        .await;
    };
    eventually("the agents", async || {
        agents
            .get("netobserv-ebpf-agent")
            .await
            .map(|_| ())
            .map_err(|error| error.to_string())
    })
    .await;
    remade().await;
    assert_eq!(second.runs(), 0, "the second waits");

    // One that ends well gives the lease up: by then nobody has it, or the other already, which need not wait for it to
    // expire.
    let holder = lease(&plane).await.holder_identity.unwrap();
    assert!(!holder.is_empty());
    assert_eq!(first.stop(), Some(0));
    let given_up = lease(&plane).await;
    assert_ne!(given_up.holder_identity, Some(holder), "given up");
    leads(&second).await;
    remade().await;
    let holder = lease(&plane).await.holder_identity;

    // One that is killed is followed when its lease has expired.
    drop(second);
    let third = Manager::start_candidate(&kubeconfig).await;
    leads(&third).await;
    remade().await;
    let taken = lease(&plane).await;
    assert_ne!(taken.holder_identity, holder, "taken over");
    assert_eq!(taken.lease_transitions, Some(2));
}
