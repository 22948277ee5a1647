//! Generated files are what is committed. `UPDATE_CONTRACTS=1 cargo test --test host contracts` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use netobserv_ebpf_agent::config::listing;
use netobserv_ebpf_agent::metrics::catalogue;

const TABLE_START: &str = "<!-- variables: generated, see tests/host/contracts.rs -->\n";
const TABLE_END: &str = "<!-- end of variables -->\n";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn check(name: &str, generated: &str) {
    let path = path(name);
    if std::env::var_os("UPDATE_CONTRACTS").is_some() {
        fs::write(&path, generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == generated,
        "{name} is out of date: UPDATE_CONTRACTS=1 cargo test --test host contracts"
    );
}

#[test]
fn the_environment_contract_is_generated_from_the_table() {
    check("contracts/environment.json", &listing::contract());
}

#[test]
fn the_metrics_contract_is_generated_from_the_catalogue() {
    check("contracts/metrics.json", &catalogue::contract());
}

#[test]
fn the_readme_lists_every_variable() {
    let readme = fs::read_to_string(path("README.md")).unwrap();
    let (before, rest) = readme
        .split_once(TABLE_START)
        .expect("README.md has the start of the table");
    let (_, after) = rest
        .split_once(TABLE_END)
        .expect("README.md has the end of the table");
    check(
        "README.md",
        &format!(
            "{before}{TABLE_START}{}{TABLE_END}{after}",
            listing::markdown()
        ),
    );
}
