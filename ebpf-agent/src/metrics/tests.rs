use std::sync::Arc;

use super::*;
use crate::interfaces::model::Netns;

fn interface() -> Interface {
    Interface {
        netns: Netns::own(),
        index: 7,
        name: Arc::from("eth\"0"),
        mac: [0x0a, 0, 0, 0, 0, 0xff],
        has_ethernet: true,
    }
}

#[test]
fn names_and_labels_are_those_of_netobserv() {
    let metrics = Metrics::new("ebpf_agent_", MetricsLevel::Info);
    metrics.evicted("hashmap", 5);
    metrics.dropped("limiter", "full", 3);
    metrics.error("grpc", "CannotWriteMessage", Severity::High);
    metrics.exported("grpc", 2);
    metrics.sampling(50);
    metrics.buffer_size("flowmap", 9);
    metrics.interface_buffer_size("registerer", 4);
    metrics.map_read_seconds(0.005);
    metrics.interface_event(InterfaceEvent::AttachTcx, "", Some(&interface()), 1);
    let text = metrics.render();
    for line in [
        r#"ebpf_agent_evictions_total{source="hashmap",reason=""} 1"#,
        r#"ebpf_agent_evicted_flows_total{source="hashmap",reason=""} 5"#,
        r#"ebpf_agent_dropped_flows_total{source="limiter",reason="full"} 3"#,
        r#"ebpf_agent_errors_total{component="grpc",error="CannotWriteMessage",severity="high"} 1"#,
        r#"ebpf_agent_exported_batch_total{exporter="grpc"} 1"#,
        r#"ebpf_agent_evicted_flows_total{source="grpc",reason=""} 2"#,
        "ebpf_agent_sampling_rate 50",
        r#"ebpf_agent_buffer_size{name="flowmap"} 9"#,
        r#"ebpf_agent_iface_buffer_size{name="registerer"} 4"#,
        r#"ebpf_agent_lookup_and_delete_map_duration_seconds_bucket{le="0.01"} 1"#,
        r#"ebpf_agent_interface_events_total{type="attach_tcx",ifname="",ifindex="",netns="",mac="",retries=""} 1"#,
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
    for name in [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
    ] {
        assert!(
            text.contains(&format!("\n{name} ")),
            "{name} is not in\n{text}"
        );
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_level_fills_the_labels_of_interface_events() {
    let metrics = Metrics::new("", MetricsLevel::Debug);
    metrics.interface_event(InterfaceEvent::AttachFail, "ns1", Some(&interface()), 3);
    let expected = r#"interface_events_total{type="attach_fail",ifname="",ifindex="",netns="",mac="",retries="3"} 1"#;
    assert!(metrics.render().contains(expected));

    let metrics = Metrics::new("", MetricsLevel::Trace);
    metrics.interface_event(InterfaceEvent::DetachTc, "ns1", Some(&interface()), 1);
    let expected = r#"interface_events_total{type="detach_tc",ifname="eth\"0",ifindex="7",netns="ns1",mac="0a:00:00:00:00:ff",retries="1"} 1"#;
    assert!(metrics.render().contains(expected), "{}", metrics.render());
}

#[test]
fn traced_series_are_swept_by_age_and_by_number() {
    let metrics = Metrics::new("", MetricsLevel::Trace);
    for attempt in 1..=3 {
        metrics.interface_event(InterfaceEvent::AttachFail, "", Some(&interface()), attempt);
    }
    metrics.sweep(EVENT_SERIES_AGE_MAX, 2);
    let series = || metrics.render().matches("interface_events_total{").count();
    assert_eq!(series(), 2);
    metrics.sweep(Duration::ZERO, 2);
    assert_eq!(series(), 0);
}

#[test]
fn every_catalogued_metric_is_registered() {
    let metrics = Metrics::new("p_", MetricsLevel::Info);
    // A family is shown from its first series on.
    metrics.exported("grpc", 1);
    metrics.dropped("limiter", "full", 1);
    metrics.buffer_size("flowmap", 1);
    metrics.interface_buffer_size("watcher", 1);
    metrics.error("grpc", "CannotWriteMessage", Severity::High);
    metrics.interface_event(InterfaceEvent::Subscribed, "", None, 1);
    metrics.feature("rtt", true);
    metrics.send_retry("grpc", "away");
    let text = metrics.render();
    for entry in catalogue::PREFIXED {
        let name = entry
            .name
            .strip_suffix("_total")
            .filter(|_| entry.kind == "counter")
            .unwrap_or(entry.name);
        assert!(
            text.contains(&format!("# TYPE p_{name} {}", entry.kind)),
            "{name}"
        );
    }
    for entry in catalogue::PROCESS {
        let name = entry.name.trim_end_matches("_total");
        assert!(
            text.contains(&format!("# TYPE {name} {}", entry.kind)),
            "{name}"
        );
    }
}
