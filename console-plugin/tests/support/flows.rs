//! Synthetic flows for the store's tests and benchmark: a cluster of workloads that talk with a skewed popularity.
//!
//! **Invariant:** the same seed gives the same flows; lines and labels are what the pipeline's Loki writer sends.

use std::collections::BTreeMap;
use std::fmt::Write as _;

const WORKLOADS: usize = 4_000;
const NAMESPACES: usize = 40;
const NODES: usize = 24;

/// A small generator of random numbers (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Less than two to the power of `low..low + spread`, so that small numbers are frequent.
    pub fn skewed(&mut self, low: u64, spread: u64) -> u64 {
        let bits = low + self.below(spread);
        self.below(1 << bits)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct Endpoint {
    address: String,
    mac: String,
    /// Line fields without the prefix of their side, and labels.
    fields: String,
    labels: Vec<(&'static str, String)>,
    port: u64,
    direction: u8,
}

/// Makes flows in order of time.
pub struct Flows {
    random: Random,
    /// Cumulative popularity.
    weights: Vec<f64>,
    endpoints: Vec<Endpoint>,
    start_ms: i64,
    span_ms: i64,
    total: u64,
    made: u64,
}

impl Flows {
    /// `total` flows that end within `span_ms` from `start_ms` on.
    pub fn new(seed: u64, total: u64, start_ms: i64, span_ms: i64) -> Self {
        let mut sum = 0.0;
        let weights = (0..WORKLOADS).map(|rank| {
            sum += 1.0 / ((rank + 20) as f64).powf(0.9);
            sum
        });
        Self {
            weights: weights.collect(),
            random: Random(seed),
            endpoints: (0..WORKLOADS).map(endpoint).collect(),
            start_ms,
            span_ms,
            total,
            made: 0,
        }
    }

    fn pick(&mut self) -> usize {
        let at =
            (self.random.next() >> 11) as f64 / (1u64 << 53) as f64 * self.weights[WORKLOADS - 1];
        self.weights
            .partition_point(|weight| *weight < at)
            .min(WORKLOADS - 1)
    }

    /// The next flow: its labels as Loki writes them, its time in milliseconds, its line.
    pub fn flow(&mut self) -> (String, i64, String) {
        let (source, destination) = (self.pick(), self.pick());
        let end_ms = self.start_ms
            + (self.made as i128 * i128::from(self.span_ms) / i128::from(self.total.max(1))) as i64;
        self.made += 1;
        let random = &mut self.random;
        let is_tcp = random.chance(80);
        let is_dns = !is_tcp && random.chance(60);
        let (src, dst) = (&self.endpoints[source], &self.endpoints[destination]);
        let packets = 1 + random.skewed(1, 7);
        let bytes = packets * (54 + 4 * random.below(350));
        let start_ms = end_ms - random.below(5_000) as i64;
        let mut line = String::with_capacity(1024);
        let _ = write!(
            line,
            r#"{{"AgentIP":"10.0.0.{}","Bytes":{bytes},"Dscp":0,"DstAddr":"{}","DstMac":"{}","DstPort":{}"#,
            1 + source % NODES,
            dst.address,
            dst.mac,
            if is_dns { 53 } else { dst.port },
        );
        for field in dst.fields.split(',') {
            let _ = write!(line, r#","DstK8S_{}"#, &field[1..]);
        }
        let interface = if random.chance(70) { "eth0" } else { "br-ex" };
        let _ = write!(
            line,
            r#","Etype":2048,"IfDirections":[1,0],"Interfaces":["{interface}","veth{}"],"Packets":{packets},"Proto":{},"Sampling":1,"SrcAddr":"{}","SrcMac":"{}","SrcPort":{}"#,
            source % 200,
            if is_tcp { 6 } else { 17 },
            src.address,
            src.mac,
            32_768 + random.below(28_000),
        );
        for field in src.fields.split(',') {
            let _ = write!(line, r#","SrcK8S_{}"#, &field[1..]);
        }
        let _ = write!(
            line,
            r#","TimeFlowEndMs":{end_ms},"TimeFlowStartMs":{start_ms},"TimeReceived":{}"#,
            end_ms / 1000 + 1
        );
        if is_tcp {
            let _ = write!(
                line,
                r#","Flags":{}"#,
                [16, 24, 18, 2, 25][random.below(5) as usize]
            );
            if random.chance(85) {
                let _ = write!(
                    line,
                    r#","TimeFlowRttNs":{}"#,
                    10_000 * (1 + random.skewed(3, 9))
                );
            }
        }
        if is_dns {
            let (id, latency) = (random.below(65_536), random.below(40));
            let code = if random.chance(95) {
                "NoError"
            } else {
                "NXDomain"
            };
            let name = random.below(400);
            let _ = write!(
                line,
                r#","DnsFlags":33152,"DnsFlagsResponseCode":"{code}","DnsId":{id},"DnsLatencyMs":{latency},"DnsName":"service-{name}.svc.cluster.local""#
            );
        }
        line.push('}');
        let layer = if src.labels[1].1.starts_with("infra") {
            "infra"
        } else {
            "app"
        };
        let mut labels = String::with_capacity(320);
        let _ = write!(
            labels,
            r#"{{FlowDirection="{}", K8S_FlowLayer="{layer}", app="netobserv-flowcollector""#,
            dst.direction
        );
        for (side, endpoint) in [("Dst", dst), ("Src", src)] {
            for (name, value) in &endpoint.labels {
                let _ = write!(labels, r#", {side}K8S_{name}="{value}""#);
            }
        }
        labels.push('}');
        (labels, end_ms, line)
    }

    /// The next flows as one push, as the pipeline's Loki writer makes it.
    pub fn push(&mut self, rows: u64) -> Vec<u8> {
        let mut streams: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
        for _ in 0..rows {
            let (labels, time_ms, line) = self.flow();
            streams.entry(labels).or_default().push((time_ms, line));
        }
        protobuf(&streams)
    }
}

fn endpoint(at: usize) -> Endpoint {
    let namespace = at * 7 % NAMESPACES;
    let kind = if at.is_multiple_of(10) {
        "Service"
    } else {
        "Pod"
    };
    let (owner, node) = (at / 3, at % NODES);
    let name = format!("workload-{owner}-{:05x}", at * 7_919 % 1_048_576);
    let prefix = if namespace < 8 { "infra" } else { "team" };
    Endpoint {
        address: format!(
            "10.{}.{}.{}",
            128 + at / 65_536,
            at / 250 % 256,
            1 + at % 250
        ),
        mac: format!("0a:58:0a:80:{:02x}:{:02x}", at / 256, at % 256),
        fields: format!(
            r#""HostIP":"10.0.0.{}","HostName":"node-{node}","Name":"{name}","OwnerType":"Deployment""#,
            node + 1
        ),
        labels: vec![
            ("Type", kind.to_owned()),
            ("Namespace", format!("{prefix}-{namespace}")),
            ("OwnerName", format!("workload-{owner}")),
        ],
        port: [443, 8080, 5432, 6379, 9090, 53][at % 6],
        direction: (at % 3) as u8,
    }
}

/// A push request: labels to lines with their times.
pub fn protobuf(streams: &BTreeMap<String, Vec<(i64, String)>>) -> Vec<u8> {
    let mut request = Vec::new();
    for (labels, lines) in streams {
        let mut stream = Vec::new();
        field(&mut stream, 1, labels.as_bytes());
        for (time_ms, line) in lines {
            let mut time = vec![0x08];
            varint(&mut time, (time_ms / 1000) as u64);
            time.push(0x10);
            varint(&mut time, (time_ms % 1000 * 1_000_000) as u64);
            let mut entry = Vec::with_capacity(line.len() + 32);
            field(&mut entry, 1, &time);
            field(&mut entry, 2, line.as_bytes());
            field(&mut stream, 2, &entry);
        }
        field(&mut request, 1, &stream);
    }
    snap::raw::Encoder::new()
        .compress_vec(&request)
        .expect("the request is not that large")
}

fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A push of 100 flows for each of some hours.
pub fn hourly(seed: u64, start_ms: i64, hours: i64) -> Vec<Vec<u8>> {
    let mut flows = Flows::new(seed, hours as u64 * 100, start_ms, hours * 3_600_000);
    (0..hours).map(|_| flows.push(100)).collect()
}
