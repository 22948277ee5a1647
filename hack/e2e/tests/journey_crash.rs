//! The store killed while flows come in: each row that was acknowledged is there once, and sealed files are whole.

use std::collections::HashMap;
use std::process::Command;

use e2e::{Options, Product, Wire, binary, eventually, is_root};
use nix::sys::signal::{Signal, kill};

const AGENT: &str = "netobserv-ebpf-agent";
const PIPELINE: &str = "flowlogs-pipeline";
const CONSOLE: &str = "plugin-backend";
/// Each round of datagrams goes to these ports, one to each: flows for several pushes in each eviction.
const PORTS: std::ops::Range<u16> = 20_000..40_000;
const KILLS: usize = 4;

/// Rows of the exported store, and packets by destination port of those that we sent.
fn export(product: &Product) -> (u64, HashMap<u16, u64>) {
    let output = Command::new(binary(CONSOLE))
        .args(["store", "export"])
        .arg(product.data().join("flows"))
        .output()
        .unwrap();
    assert!(output.status.success(), "store export");
    let mut reader = csv::Reader::from_reader(&output.stdout[..]);
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (port, packets) = (column("DstPort"), column("Packets"));
    let (mut rows, mut sums) = (0, HashMap::new());
    for row in reader.records() {
        let row = row.unwrap();
        rows += 1;
        if let Ok(port) = row[port].parse()
            && PORTS.contains(&port)
        {
            *sums.entry(port).or_default() += row[packets].parse::<u64>().unwrap();
        }
    }
    (rows, sums)
}

#[test]
fn a_store_killed_during_ingest_keeps_each_acknowledged_row_once() {
    if !is_root() {
        return;
    }
    let wire = Wire::new();
    let mut product = Product::start(&Options {
        interfaces: wire.interface.clone(),
        ..Options::default()
    });
    let written = || product.metric(PIPELINE, "netobserv_loki_sent_entries_total");
    let evictions = || product.metric(AGENT, r#"ebpf_agent_evictions_total{source="hashmap""#);
    // Rounds before the agent has found the wire are not counted: this sender is another flow.
    let warming_up = wire.send_rounds(1..2);
    eventually("the wire is watched", || written().filter(|rows| *rows > 0));
    warming_up.end();

    let sending = wire.send_rounds(PORTS);
    for kill_number in 0..KILLS {
        // An eviction makes several pushes: sometimes none has arrived yet, sometimes some are acknowledged.
        let progress = || {
            if kill_number % 2 == 0 {
                written()
            } else {
                evictions()
            }
        };
        let before = eventually("the counters are shown", progress);
        eventually("flows are on their way", || {
            progress().filter(|now| *now > before)
        });
        let killed = eventually("the store runs", || product.program(CONSOLE));
        kill(killed, Signal::SIGKILL).unwrap();
        eventually("the store is started again", || {
            product.program(CONSOLE).filter(|pid| *pid != killed)
        });
    }
    let rounds = sending.end();

    // Nothing is sent any more. The eviction after the one that may be under way finds nothing, and what the agent
    // gathered, the pipeline received and wrote is one number in the end.
    let evicted = eventually("the agent answers", evictions);
    eventually("all flows are gathered", || {
        evictions().filter(|now| *now >= evicted + 2)
    });
    let sent = eventually("all flows of the last round are written", || {
        let flows = |source: &str| {
            let name = format!(r#"ebpf_agent_evicted_flows_total{{source="{source}""#);
            product.metric(AGENT, &name)
        };
        let (gathered, exported) = (flows("hashmap")?, flows("grpc")?);
        let received = product.metric(PIPELINE, "netobserv_ingest_flows_processed")?;
        let sent = written()?;
        let is_all = gathered >= PORTS.len() as u64
            && [exported, received, sent]
                .iter()
                .all(|flows| *flows == gathered);
        is_all.then_some(sent)
    });
    let dropped = product.metric(PIPELINE, "netobserv_loki_dropped_entries_total");
    assert_eq!(dropped, Some(0));
    assert_eq!(product.stop().code(), Some(0));

    let status = Command::new(binary(CONSOLE))
        .args(["store", "verify"])
        .arg(product.data().join("flows"))
        .status()
        .unwrap();
    assert!(status.success(), "store verify");
    let (rows, packets) = export(&product);
    assert_eq!(packets.len(), PORTS.len());
    for (port, packets) in packets {
        assert_eq!(packets, rounds, "packets to port {port}");
    }
    assert_eq!(rows, sent, "rows of the store, rows acknowledged");
}
