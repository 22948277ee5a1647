#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use super::export::Reconnect;
use super::variables::VARIABLES;
use super::*;

/// Reads `variables` over a working target.
fn read(variables: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
    let mut environment = BTreeMap::from([("TARGET_HOST", "127.0.0.1"), ("TARGET_PORT", "2055")]);
    environment.extend(variables.iter().copied());
    Config::read(&environment)
}

fn problems(variables: &[(&'static str, &'static str)]) -> Vec<String> {
    read(variables)
        .err()
        .map(|error| error.problems)
        .unwrap_or_default()
}

#[test]
fn defaults_are_those_of_netobserv() {
    let config = read(&[]).unwrap();
    assert_eq!(config.log, LogConfig { level: Level::INFO });
    assert_eq!(
        config.agent_address,
        AgentAddress::External(AddressFamily::Any)
    );
    assert_eq!(config.export.queue_length, 50);
    assert_eq!(
        config.export.grpc,
        GrpcConfig {
            host: "127.0.0.1".to_owned(),
            port: 2055,
            tls: None,
            message_max_flows: 10_000,
            send_timeout: Duration::from_secs(30),
            reconnect: None,
        }
    );
    assert_eq!(
        config.cache,
        CacheConfig {
            max_flows: 5000,
            active_timeout: Duration::from_secs(5),
            stale_entries_timeout: Duration::from_secs(5),
            sampling: 0,
            queue_length: 50,
        }
    );
    assert_eq!(
        config.attach,
        AttachConfig {
            direction: Direction::Both,
            mode: AttachMode::Tcx,
            attempts: 4,
            anchor_ingress: Anchor::None,
            anchor_egress: Anchor::None,
        }
    );
    assert_eq!(
        config.features,
        FeaturesConfig {
            rtt: false,
            dns: None
        }
    );
    assert_eq!(
        config.metrics,
        MetricsConfig {
            prefix: "ebpf_agent_".to_owned(),
            level: MetricsLevel::Info,
            server: None
        }
    );
    assert!(config.watch.filter.allows("eth0", &[]));
    assert!(!config.watch.filter.allows("lo", &[]));
    assert_eq!(config.notices, []);
}

#[test]
fn set_but_empty_is_the_default() {
    let config = read(&[
        ("EXCLUDE_INTERFACES", ""),
        ("CACHE_MAX_FLOWS", ""),
        ("EXPORT", ""),
    ])
    .unwrap();
    assert!(!config.watch.filter.allows("lo", &[]));
    assert_eq!(config.cache.max_flows, 5000);
}

#[test]
fn all_problems_are_told_at_once() {
    let error = Config::read(&BTreeMap::from([
        ("TARGET_PORT", "http"),
        ("CACHE_ACTIVE_TIMEOUT", "5"),
        ("ENABLE_RTT", "yes"),
        ("INTERFACES", "/(/"),
        ("KAFKA_BATCH_SIZE", "1MB"),
    ]))
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("can't load configuration from environment: "),
        "{text}"
    );
    for part in [
        r#"TARGET_PORT: "http" cannot be read, expected a whole number"#,
        "missing target host or port: :0",
        r#"CACHE_ACTIVE_TIMEOUT: "5" cannot be read"#,
        r#"ENABLE_RTT: "yes" cannot be read, expected true or false"#,
        r#"configuring interface filters: wrong interface regexp "/(/""#,
        r#"KAFKA_BATCH_SIZE: "1MB" cannot be read"#,
    ] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[test]
fn values_without_meaning_are_refused_by_name() {
    let cases: [(&'static str, &'static str); 14] = [
        ("EXPORT", "kafka"),
        ("EXPORT", "carrier-pigeon"),
        ("GRPC_MESSAGE_MAX_FLOWS", "0"),
        ("CACHE_MAX_FLOWS", "0"),
        ("CACHE_ACTIVE_TIMEOUT", "0"),
        ("TC_ATTACH_RETRIES", "0"),
        ("SAMPLING", "-1"),
        ("METRICS_SERVER_PORT", "70000"),
        ("AGENT_IP", "10.0.0"),
        ("AGENT_IP_TYPE", "ipv5"),
        ("AGENT_IP_IFACE", "eth0"),
        ("ENABLE_PCA", "true"),
        ("FLOW_FILTER_RULES", r#"[{"ip_cidr":"10.0.0.0/8"}]"#),
        ("PREFERRED_INTERFACE_FOR_MAC_PREFIX", "0a:58"),
    ];
    for (name, value) in cases {
        let found = problems(&[(name, value)]);
        assert!(
            found.len() == 1 && found[0].contains(name),
            "{name}={value}: {found:?}"
        );
    }
    assert_eq!(
        problems(&[("LISTEN_INTERFACES", "poll"), ("LISTEN_POLL_PERIOD", "0")]).len(),
        1
    );
}

#[test]
fn a_feature_that_comes_later_is_one_warning_and_not_an_error() {
    let config = read(&[
        ("ENABLE_PKT_DROPS", "true"),
        ("QUIC_TRACKING_MODE", "1"),
        ("FLOW_FILTER_RULES", "[]"),
    ])
    .unwrap();
    let features: Vec<_> = config
        .notices
        .iter()
        .filter_map(|notice| notice.feature)
        .collect();
    assert_eq!(features, ["drops", "quic"]);
    assert!(
        config.notices[0]
            .text
            .contains("not available in this version")
    );
}

#[test]
fn unknown_spellings_that_netobserv_forgives_are_warnings() {
    let config = read(&[
        ("LOG_LEVEL", "loud"),
        ("DIRECTION", "up"),
        ("LISTEN_INTERFACES", "stare"),
        ("METRICS_LEVEL", "trace"),
        ("TC_ATTACH_MODE", "netkit"),
        ("TCX_ATTACH_ANCHOR_EGRESS", "middle"),
    ])
    .unwrap();
    assert_eq!(config.notices.len(), 4, "{:?}", config.notices);
    assert_eq!(
        (config.attach.direction, config.attach.mode),
        (Direction::Both, AttachMode::Any)
    );
    assert_eq!(
        (config.watch.mode, config.metrics.level),
        (WatchMode::Watch, MetricsLevel::Info)
    );
}

#[test]
fn levels_have_the_names_that_netobserv_knows_in_any_case() {
    for (text, level) in [
        ("trace", Level::TRACE),
        ("DEBUG", Level::DEBUG),
        ("Warning", Level::WARN),
        ("panic", Level::ERROR),
    ] {
        let config = read(&[("LOG_LEVEL", text)]).unwrap();
        assert_eq!(config.log, LogConfig { level }, "{text}");
    }
}

#[test]
fn addresses_and_names_of_interfaces_exclude_each_other_but_the_default_does_not() {
    let config = read(&[("INTERFACE_IPS", "10.0.0.0/8")]).unwrap();
    assert!(config.watch.filter.needs_addresses());
    assert_eq!(
        problems(&[("INTERFACE_IPS", "10.0.0.0/8"), ("INTERFACES", "eth0")]).len(),
        1
    );
    assert_eq!(
        problems(&[
            ("INTERFACE_IPS", "10.0.0.0/8"),
            ("EXCLUDE_INTERFACES", "lo")
        ])
        .len(),
        1
    );
}

#[test]
fn older_names_of_the_target_win() {
    let config = read(&[
        ("FLOWS_TARGET_HOST", "old"),
        ("FLOWS_TARGET_PORT", "1"),
        ("PCA_SERVER_PORT", "2"),
    ])
    .unwrap();
    assert_eq!(
        (config.export.grpc.host.as_str(), config.export.grpc.port),
        ("old", 1)
    );
    assert_eq!(config.notices.len(), 3);
    let config = read(&[("PCA_SERVER_PORT", "2")]).unwrap();
    assert_eq!(
        (config.export.grpc.host.as_str(), config.export.grpc.port),
        ("127.0.0.1", 2)
    );
}

#[test]
fn tls_needs_a_ca_and_an_identity_needs_both_files_and_what_is_left_out_is_told() {
    const CA: (&str, &str) = ("TARGET_TLS_CA_CERT_PATH", "ca");
    const CERTIFICATE: (&str, &str) = ("TARGET_TLS_USER_CERT_PATH", "c");
    const KEY: (&str, &str) = ("TARGET_TLS_USER_KEY_PATH", "k");
    let plain = "TARGET_TLS_CA_CERT_PATH is not set: flows are sent in plain text";
    let half = "TARGET_TLS_USER_CERT_PATH and TARGET_TLS_USER_KEY_PATH: only one is set";
    // Authority, certificate and key; whether there is TLS, and an identity in it; warnings.
    let cases: [(&[_], Option<bool>, &[&str]); 7] = [
        (&[], None, &[]),
        (&[CA], Some(false), &[]),
        (&[CA, CERTIFICATE, KEY], Some(true), &[]),
        (&[CA, CERTIFICATE], Some(false), &[half]),
        (&[CA, KEY], Some(false), &[half]),
        (&[CERTIFICATE, KEY], None, &[plain]),
        (&[KEY], None, &[half, plain]),
    ];
    for (set, expected, warnings) in cases {
        let config = read(set).unwrap();
        let tls = config.export.grpc.tls;
        assert_eq!(
            tls.map(|files| files.identity.is_some()),
            expected,
            "{set:?}"
        );
        let told: Vec<_> = config.notices.iter().map(|notice| &notice.text).collect();
        assert_eq!(told.len(), warnings.len(), "{set:?}: {told:?}");
        for (text, start) in told.iter().zip(warnings) {
            assert!(text.starts_with(start), "{set:?}: {text}");
        }
    }
}

#[test]
fn a_spread_counts_only_below_the_period() {
    for (spread, expected) in [
        ("30s", Duration::from_secs(30)),
        ("5m", Duration::ZERO),
        ("1h", Duration::ZERO),
    ] {
        let config = read(&[
            ("GRPC_RECONNECT_TIMER", "5m"),
            ("GRPC_RECONNECT_TIMER_RANDOMIZATION", spread),
        ])
        .unwrap();
        assert_eq!(
            config.export.grpc.reconnect,
            Some(Reconnect {
                period: Duration::from_mins(5),
                spread: expected
            })
        );
    }
}

#[test]
fn every_variable_is_listed_once_and_its_default_can_be_read() {
    let names: BTreeSet<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(names.len(), VARIABLES.len());
    let all_defaults: BTreeMap<&str, &str> = VARIABLES
        .iter()
        .map(|variable| (variable.name, variable.default))
        .chain([("TARGET_HOST", "h"), ("TARGET_PORT", "1")])
        .collect();
    assert!(Config::read(&all_defaults).is_ok());
}
