//! kwok: plays kubelet for nodes that do not exist, so that their pods become ready.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::Result;

use crate::cache::Cache;
use crate::go::{self, Module};
use crate::launch::{Exports, Launch};
use crate::server::Server;

pub const SERVER: Server = Server {
    name: "kwok",
    newest: "0.8.0",
    oldest: None,
    needs: &["apiserver"],
    fetch,
    launch: Some(launch),
};

/// What kwok does with nodes and pods: make them ready, end jobs, let go of what is deleted.
const STAGES: &[&str] = &[
    "kustomize/stage/node/fast/node-initialize.yaml",
    "kustomize/stage/pod/fast/pod-ready.yaml",
    "kustomize/stage/pod/fast/pod-complete.yaml",
    "kustomize/stage/pod/fast/pod-delete.yaml",
];

const READY_LIMIT: Duration = Duration::from_secs(30);

fn fetch(cache: &Cache) -> Result<()> {
    let module = Module {
        folder: "kwok",
        programs: &[("kwok", "sigs.k8s.io/kwok/cmd/kwok")],
        stamp: "-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0".to_owned(),
        files: Some(("sigs.k8s.io/kwok", STAGES)),
        takes: "two minutes",
    };
    go::fetch(cache, SERVER.name, SERVER.version(), &module)
}

fn launch(launch: &mut Launch) -> Result<Exports> {
    let port = launch.port("server")?;
    let mut arguments = vec![
        format!("--kubeconfig={}", launch.export("apiserver", "kubeconfig")?),
        "--manage-all-nodes=true".to_owned(),
        format!("--server-address=127.0.0.1:{port}"),
    ];
    for stage in STAGES {
        let file = stage.rsplit('/').next().unwrap_or(stage);
        let file = launch.program("kwok", file)?;
        arguments.push(format!("--config={}", file.display()));
    }
    let program = launch.program("kwok", "kwok")?;
    launch.start("kwok", &program, &arguments)?;
    launch.until("kwok's port", READY_LIMIT, || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    })?;
    Ok(Exports::from([(
        "url".to_owned(),
        format!("http://127.0.0.1:{port}"),
    )]))
}
