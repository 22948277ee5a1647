//! The manager is killed after each of its writes, before it has the answer: whatever it had done by then, the next one
//! reaches the same state as one that was left in peace.

use crate::support::control_plane::{client, create, parse};
use crate::support::cutter::Cutter;
use crate::support::world::settle;
use crate::support::{ControlPlane, Manager, Snapshot, eventually};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use netobserv_operator::apis::flowcollector::FlowCollector;
use serde_json::{Value, json};

/// More writes than any change needs.
const PEACE: usize = 1_000_000;
/// More restarts than any change needs: a write that is repeated for ever ends here.
const CUTS_MAX: usize = 200;

struct Scene {
    plane: ControlPlane,
    cutter: Cutter,
    collectors: Api<FlowCollector>,
}

impl Scene {
    /// The state after `change`, made by a manager that nobody disturbs.
    async fn in_peace(&self, change: impl AsyncFn()) -> Snapshot {
        self.cutter.allow(PEACE);
        let manager = Manager::start(self.cutter.kubeconfig()).await;
        change().await;
        settle(&self.plane, &manager).await;
        Snapshot::ours(&self.plane.client).await
    }

    /// The state after `change`, made by managers that die after one write each; and how many there were.
    async fn with_cuts(&self, change: impl AsyncFn()) -> (Snapshot, usize) {
        change().await;
        for cuts in 0..CUTS_MAX {
            self.cutter.allow(1);
            let manager = Manager::start(self.cutter.kubeconfig()).await;
            tokio::select! {
                () = self.cutter.cut() => drop(manager),
                () = settle(&self.plane, &manager) => {
                    return (Snapshot::ours(&self.plane.client).await, cuts);
                }
            }
        }
        panic!("still something to write after {CUTS_MAX} restarts");
    }

    async fn merge(&self, spec: Value) {
        self.collectors
            .patch(
                "cluster",
                &PatchParams::default(),
                &Patch::Merge(json!({"spec": spec})),
            )
            .await
            .unwrap();
    }

    async fn create(&self) {
        let collector = json!({"metadata": {"name": "cluster"}, "spec": {}});
        create(&self.collectors, &parse(collector)).await;
    }

    async fn remove(&self) {
        self.collectors
            .delete("cluster", &DeleteParams::default())
            .await
            .unwrap();
        eventually("all that is ours is gone", async || {
            let left = Snapshot::ours(&self.plane.client).await.keys();
            (left == ["Namespace /netobserv"])
                .then_some(())
                .ok_or_else(|| format!("{left:?}"))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_write_the_manager_dies_after_the_next_one_ends_in_the_same_state() {
    let Some(plane) = ControlPlane::start().await else {
        return;
    };
    plane.install().await;
    plane.serve(&["monitoring.coreos.com"]).await;
    let kubeconfig = plane.manager_kubeconfig().await;
    let cutter = Cutter::start(client(&kubeconfig).await, plane.folder()).await;
    let collectors = Api::all(plane.client.clone());
    let scene = Scene {
        plane,
        cutter,
        collectors,
    };
    let to_kafka = async || {
        let kafka = json!({"address": "kafka.example:9092"});
        scene
            .merge(json!({"deploymentModel": "Kafka", "kafka": kafka}))
            .await;
    };
    let hold = async || scene.merge(json!({"execution": {"mode": "OnHold"}})).await;
    let created = scene.in_peace(async || scene.create().await).await;
    let with_kafka = scene.in_peace(to_kafka).await;
    let held = scene.in_peace(hold).await;
    scene.remove().await;

    let mut cuts = 0;
    let mut same = |what: &str, peaceful: &Snapshot, (cut, count): (Snapshot, usize)| {
        assert_eq!(cut.since(peaceful), [""; 0], "{what}");
        assert!(count > 2, "{what}: cut only {count} times");
        cuts += count;
    };
    let result = scene.with_cuts(async || scene.create().await).await;
    same("created", &created, result);
    same("changed", &with_kafka, scene.with_cuts(to_kafka).await);
    same("held", &held, scene.with_cuts(hold).await);
    println!("killed {cuts} times");
}
