//! operator-verify: what OLM itself says of a bundle.

use anyhow::Result;

use crate::cache::Cache;
use crate::go::{self, Module};
use crate::server::Server;

pub const SERVER: Server = Server {
    name: "operator-verify",
    newest: "0.37.0",
    oldest: None,
    needs: &[],
    fetch,
    launch: None,
};

fn fetch(cache: &Cache) -> Result<()> {
    let module = Module {
        folder: "operator-verify",
        programs: &[(
            "operator-verify",
            "github.com/operator-framework/api/cmd/operator-verify",
        )],
        stamp: String::new(),
        files: None,
        takes: "two minutes",
    };
    go::fetch(cache, SERVER.name, SERVER.version(), &module)
}
