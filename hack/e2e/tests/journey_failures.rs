//! Each program killed in turn: the others go on, it comes back, and the page can say what is not accounted for.

use e2e::{Options, PROGRAMS, Product, eventually, get_json, is_root, process};
use nix::sys::signal::{Signal, kill};

#[test]
fn each_program_killed_is_restarted_and_the_gap_is_shown() {
    if !is_root() {
        return;
    }
    let mut product = Product::start(&Options {
        demo: true,
        ..Options::default()
    });
    eventually("flows arrive", || product.newest_ms());
    for (binary, component) in [
        ("netobserv-ebpf-agent", "agent"),
        ("flowlogs-pipeline", "pipeline"),
        ("plugin-backend", "console"),
    ] {
        let before = eventually("it runs", || product.program(binary));
        kill(before, Signal::SIGKILL).unwrap();
        eventually("it is started again", || {
            product.program(binary).filter(|pid| *pid != before)
        });
        let known = eventually("the API answers again", || product.newest_ms());
        eventually("newer flows arrive", || {
            product.newest_ms().filter(|time| *time > known)
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
    let mut product = Product::start(&Options::default());
    let children = PROGRAMS.map(|binary| eventually("it runs", || product.program(binary)));
    product.kill();
    eventually("all children end", || {
        let is_any_alive = children.iter().any(|pid| process::is_alive(*pid));
        (!is_any_alive).then_some(())
    });
}
