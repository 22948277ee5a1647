//! helm. A module of its own: its requirements are newer than what Kubernetes pins.

use anyhow::Result;

use crate::cache::Cache;
use crate::go::{self, Module};
use crate::server::Server;

pub const SERVER: Server = Server {
    name: "helm",
    newest: "3.22.0",
    oldest: None,
    needs: &[],
    fetch,
    launch: None,
};

fn fetch(cache: &Cache) -> Result<()> {
    let module = Module {
        folder: "helm",
        programs: &[("helm", "helm.sh/helm/v3/cmd/helm")],
        stamp: "-X helm.sh/helm/v3/internal/version.version=v3.22.0".to_owned(),
        files: None,
        takes: "a minute",
    };
    go::fetch(cache, SERVER.name, SERVER.version(), &module)
}
