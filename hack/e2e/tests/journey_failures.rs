//! Each program killed in turn: the others go on, it comes back, and the page can say what is not accounted for.

use e2e::{Options, Product, eventually, get_json, is_root};
use nix::sys::signal::{Signal, kill};

#[test]
fn each_program_killed_is_restarted_and_the_gap_is_shown() {
    if !is_root() {
        return;
    }
    let product = Product::start(&Options {
        demo: true,
        ..Options::default()
    });
    eventually("flows arrive", || {
        product.records("").filter(|rows| !rows.is_empty())
    });
    for (binary, component) in [
        ("netobserv-ebpf-agent", "agent"),
        ("flowlogs-pipeline", "pipeline"),
        ("plugin-backend", "console"),
    ] {
        let before = product.program(binary).unwrap();
        kill(before, Signal::SIGKILL).unwrap();
        let after = eventually("it is started again", || {
            product.program(binary).filter(|pid| *pid != before)
        });
        assert_ne!(before, after);
        let newest = || {
            product
                .records("")?
                .iter()
                .filter_map(|row| row["TimeFlowEndMs"].as_u64())
                .max()
        };
        let known = eventually("the API answers again", newest);
        eventually("newer flows arrive", || {
            newest().filter(|time| *time > known)
        });
        eventually("the gap is known", || {
            let losses = get_json(&product.url("/api/losses?timeRange=300"))?;
            losses["unaccounted"]
                .as_array()?
                .iter()
                .any(|gap| gap["component"] == component)
                .then_some(())
        });
    }
    assert_eq!(product.stop().code(), Some(0));
}

#[test]
fn nothing_outlives_run_local_when_it_is_killed() {
    if !is_root() {
        return;
    }
    let product = Product::start(&Options::default());
    let children: Vec<_> = [
        "netobserv-ebpf-agent",
        "flowlogs-pipeline",
        "plugin-backend",
    ]
    .iter()
    .map(|binary| product.program(binary).unwrap())
    .collect();
    product.kill();
    eventually("all children end", || {
        children
            .iter()
            .all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
            .then_some(())
    });
}
