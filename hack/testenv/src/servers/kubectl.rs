//! kubectl, of the API server's version.

use anyhow::Result;

use crate::cache::Cache;
use crate::go::{self, Module};
use crate::server::Server;

pub const SERVER: Server = Server {
    name: "kubectl",
    newest: super::apiserver::NEWEST,
    oldest: None,
    needs: &[],
    fetch,
    launch: None,
};

fn fetch(cache: &Cache) -> Result<()> {
    let module = Module {
        folder: "kubernetes",
        programs: &[("kubectl", "k8s.io/kubernetes/cmd/kubectl")],
        stamp: super::apiserver::stamp(SERVER.version()),
        files: None,
        takes: "a minute",
    };
    go::fetch(cache, SERVER.name, SERVER.version(), &module)
}
