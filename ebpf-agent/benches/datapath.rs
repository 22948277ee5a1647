//! What a packet costs in the kernel, and an exported flow in user space. Root; `cargo bench --bench datapath`.
//!
//! Kernel figures are the kernel's own accounting (`BPF_ENABLE_STATS`). Every figure stands beside that of an empty
//! program that saw the same packets in the same run, since most of what a short program costs is the accounting.
#![allow(clippy::unwrap_used, reason = "a benchmark fails loudly")]

#[path = "../tests/support/support.rs"]
mod support;

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use aya::{
    Ebpf,
    programs::{
        LinkOrder, ProgramInfo, SchedClassifier, TcAttachType, loaded_programs, tc::TcAttachOptions,
    },
    sys::{Stats, enable_stats},
};
use netobserv_ebpf_agent::{
    evict::{EvictSettings, Evictor, Sink},
    flow::EncodedBatch,
    kernel::{Datapath, OBJECT, Settings},
};
use nix::sys::resource::{UsageWho, getrusage};
use support::{
    agent::{Numbered, settings},
    frames::{self, Ip},
    is_privileged,
    netns::{FrameSender, Namespace, veth},
};

const PACKETS: usize = 200_000;
const RUNS: usize = 5;

fn main() {
    if !is_privileged() {
        return;
    }
    let _accounting = enable_stats(Stats::RunTime).unwrap();
    println!(
        "kernel, ns per packet, 64-byte frames, ingress TCX, median of {RUNS} runs of {PACKETS}"
    );
    println!(
        "{:<44} {:>7} {:>7} {:>7} {:>12}",
        "", "gross", "empty", "net", "net / empty"
    );
    let plain = settings();
    let big = Settings {
        cache_max_flows: 20_000,
        ..plain
    };
    packet("UDP, 1 flow", &plain, &udp_frames(1, 9));
    packet("UDP, 4096 flows", &big, &udp_frames(4096, 9));
    packet("TCP, 4096 flows", &big, &tcp_frames(4096));
    packet("IPv6 UDP, 4096 flows", &big, &ipv6_frames(4096));
    let dns = Settings {
        dns_port: Some(53),
        ..big
    };
    packet("UDP, 4096 flows, DNS on", &dns, &udp_frames(4096, 9));
    packet("DNS responses, 4096 flows, DNS on", &dns, &dns_frames(4096));
    let rtt = Settings { rtt: true, ..big };
    packet("TCP, 4096 flows, RTT on", &rtt, &tcp_frames(4096));
    packet(
        "UDP, 4096 flows, sampling 50",
        &Settings {
            sampling: 50,
            ..big
        },
        &udp_frames(4096, 9),
    );
    packet(
        "UDP, 1 flow, two VLAN tags at the hook",
        &plain,
        &tagged_frames(),
    );
    round_trip_time();
    println!();
    println!("user space, CPU ns per flow: swap, drain, encode");
    for flows in [1000, 20_000, 100_000] {
        eviction(flows);
    }
}

/// One row: flows that are known already, seen by our program and, in turn, by an empty one in the same place.
fn packet(name: &str, settings: &Settings, frames: &[Vec<u8>]) {
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let interface = watched.interface("a");
    let (mut datapath, _) = Datapath::load(settings).unwrap();
    let sender = peer.frame_sender("b");
    let (mut ours, mut empty) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let program = empty_program(&watched);
        empty.push(measure(&watched, &sender, frames));
        drop(program);
        datapath.attach(&interface).unwrap();
        ours.push(measure(&watched, &sender, frames));
        datapath.detach(interface.key()).unwrap();
    }
    let (gross, empty) = (median(&mut ours), median(&mut empty));
    let net = gross - empty;
    println!(
        "{name:<44} {gross:>7.0} {empty:>7.0} {net:>7.0} {:>12.2}",
        net / empty
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Nanoseconds per run of the one program that is attached.
fn measure(namespace: &Namespace, sender: &FrameSender, frames: &[Vec<u8>]) -> f64 {
    send(sender, frames, frames.len());
    let before = attached_cost(namespace);
    send(sender, frames, PACKETS);
    attached_cost(namespace).per_run(&before)
}

struct Cost {
    time: Duration,
    runs: u64,
}

impl Cost {
    fn of(program: &ProgramInfo) -> Self {
        Self {
            time: program.run_time(),
            runs: program.run_count(),
        }
    }

    fn per_run(&self, before: &Self) -> f64 {
        self.time.saturating_sub(before.time).as_nanos() as f64 / (self.runs - before.runs) as f64
    }
}

fn attached_cost(namespace: &Namespace) -> Cost {
    namespace.run(|| {
        let (_, programs) = SchedClassifier::query_tcx("a", TcAttachType::Ingress).unwrap();
        Cost::of(&programs[0])
    })
}

fn empty_program(namespace: &Namespace) -> Ebpf {
    let mut ebpf = Ebpf::load(OBJECT).unwrap();
    let program: &mut SchedClassifier = ebpf.program_mut("empty").unwrap().try_into().unwrap();
    program.load().unwrap();
    namespace.run(|| {
        let order = TcAttachOptions::TcxOrder(LinkOrder::default());
        program
            .attach_with_options("a", TcAttachType::Ingress, order)
            .unwrap();
    });
    ebpf
}

fn send(sender: &FrameSender, frames: &[Vec<u8>], count: usize) {
    for frame in frames.iter().cycle().take(count) {
        sender.send(frame);
    }
}

fn source(flow: u32) -> IpAddr {
    IpAddr::from([10, 1, (flow >> 8) as u8, flow as u8])
}

const TARGET: [u8; 4] = [10, 0, 0, 1];

fn udp_frames(flows: u32, port: u16) -> Vec<Vec<u8>> {
    let transport = frames::udp(1000, port, &[0; 22]);
    (0..flows)
        .map(|flow| {
            frames::packet(
                &[],
                source(flow),
                TARGET.into(),
                frames::UDP,
                &transport,
                Ip::default(),
            )
        })
        .collect()
}

fn tcp_frames(flows: u32) -> Vec<Vec<u8>> {
    let transport = frames::tcp(1000, 443, 0x10, &[0; 10]);
    (0..flows)
        .map(|flow| {
            frames::packet(
                &[],
                source(flow),
                TARGET.into(),
                frames::TCP,
                &transport,
                Ip::default(),
            )
        })
        .collect()
}

fn ipv6_frames(flows: u32) -> Vec<Vec<u8>> {
    let transport = frames::udp(1000, 9, &[0; 2]);
    let target: IpAddr = "fd00::1".parse().unwrap();
    (0..flows)
        .map(|flow| {
            let source = format!("fd00::2:{flow:x}").parse().unwrap();
            frames::packet(&[], source, target, frames::UDP, &transport, Ip::default())
        })
        .collect()
}

fn dns_frames(flows: u32) -> Vec<Vec<u8>> {
    let message = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
    let transport = frames::udp(53, 1000, message);
    (0..flows)
        .map(|flow| {
            frames::packet(
                &[],
                source(flow),
                TARGET.into(),
                frames::UDP,
                &transport,
                Ip::default(),
            )
        })
        .collect()
}

fn tagged_frames() -> Vec<Vec<u8>> {
    // One more than is meant: the kernel takes the outermost out before the hook.
    let tags = [(0x88a8, 1), (0x8100, 2), (0x8100, 3)];
    let transport = frames::udp(1000, 9, &[0; 10]);
    vec![frames::packet(
        &tags,
        source(1),
        TARGET.into(),
        frames::UDP,
        &transport,
        Ip::default(),
    )]
}

/// The program of the round trip time runs at sockets, so it has real connections, and a row of its own.
fn round_trip_time() {
    let (datapath, features) = Datapath::load(&Settings {
        rtt: true,
        ..settings()
    })
    .unwrap();
    let program = || {
        loaded_programs().flatten().find(|program| {
            program
                .name_as_str()
                .is_some_and(|name| name.starts_with("tcp_rcv_"))
        })
    };
    let Some(before) = program() else {
        println!("round trip time: {:?}", features[0].status);
        return;
    };
    let before = Cost::of(&before);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 64];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            stream.write_all(&buffer[..length]).unwrap();
        }
    });
    let mut stream = TcpStream::connect(address).unwrap();
    let mut buffer = [0; 64];
    for _ in 0..20_000 {
        stream.write_all(&buffer).unwrap();
        stream.read_exact(&mut buffer).unwrap();
    }
    drop(stream);
    server.join().unwrap();
    let after = Cost::of(&program().unwrap());
    println!(
        "{:<44} {:>7.0}",
        "RTT program, per received segment",
        after.per_run(&before)
    );
    drop(datapath);
}

/// Takes batches as a fast exporter would.
struct Discard(u64);

impl Sink for Discard {
    fn offer(&mut self, batch: EncodedBatch) {
        self.0 += u64::from(batch.records);
    }
}

fn eviction(flows: u32) {
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let (mut datapath, _) = Datapath::load(&Settings {
        cache_max_flows: flows,
        ..settings()
    })
    .unwrap();
    datapath.attach(&watched.interface("a")).unwrap();
    let sender = peer.frame_sender("b");
    let frames: Vec<_> = (0..flows)
        .map(|flow| {
            let transport = frames::udp(1024 + (flow >> 16) as u16, 9, b"");
            frames::packet(
                &[],
                source(flow),
                TARGET.into(),
                frames::UDP,
                &transport,
                Ip::default(),
            )
        })
        .collect();
    let evict_settings = EvictSettings {
        agent_ip: Some(IpAddr::from([192, 0, 2, 1])),
        message_flows_max: 10_000,
        stale_after: Duration::from_secs(5),
    };
    let mut evictor = Evictor::new(&evict_settings, Numbered::default(), Discard(0));
    let mut user = Duration::ZERO;
    let mut system = Duration::ZERO;
    for _ in 0..RUNS {
        send(&sender, &frames, frames.len());
        let before = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        evictor.evict(&mut datapath).unwrap();
        let after = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        user += elapsed(before.user_time(), after.user_time());
        system += elapsed(before.system_time(), after.system_time());
    }
    let records = evictor.sink().0;
    let per_flow = |time: Duration| time.as_nanos() as f64 / records as f64;
    println!(
        "{:<44} {:>7.0} user {:>7.0} system",
        format!("{flows} flows an eviction"),
        per_flow(user),
        per_flow(system)
    );
}

fn elapsed(before: nix::sys::time::TimeVal, after: nix::sys::time::TimeVal) -> Duration {
    use nix::sys::time::TimeValLike as _;
    Duration::from_micros((after - before).num_microseconds() as u64)
}
