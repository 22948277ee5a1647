//! Tables of what programs cost, side by side.

use std::time::Duration;

use aya::{
    Ebpf, EbpfLoader,
    programs::{LinkOrder, ProgramInfo, SchedClassifier, TcAttachType, tc::TcAttachOptions},
};
use netobserv_ebpf_agent::kernel::{Datapath, Settings};

use crate::support::{
    OTHER_PROGRAMS,
    netns::{FrameSender, Namespace, veth},
};

/// Packets of one turn, and turns of each program. Many short turns: a disturbance then spoils few of them.
const PACKETS: usize = 10_000;
const TURNS: usize = 15;

/// What is measured in one place.
enum Subject {
    /// One program of [`OTHER_PROGRAMS`]: `empty`, or `bare_hash`.
    Alone(Ebpf, &'static str),
    Agent(Box<Datapath>),
}

/// Prints what `programs` cost for `frames`, beside an empty program and a bare look-up in the kernel's hash map. The first
/// is what the others are compared with.
pub fn table(name: &str, frames: &[Vec<u8>], programs: &[(&str, Settings)]) {
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    let sender = peer.frame_sender("b");
    let mut rows = vec![
        ("empty program", alone("empty", programs[0].1)),
        ("kernel's hash map, bare", alone("bare_hash", programs[0].1)),
    ];
    for (name, settings) in programs {
        let (datapath, _) = Datapath::load(settings).unwrap();
        rows.push((name, Subject::Agent(Box::new(datapath))));
    }
    let mut costs = vec![Vec::new(); rows.len()];
    for turn in 0..TURNS {
        for place in 0..rows.len() {
            let row = (place + turn) % rows.len();
            costs[row].push(rows[row].1.turn(&watched, &sender, frames));
        }
    }
    let costs: Vec<_> = costs.iter_mut().map(|turns| median(turns)).collect();
    let (empty, plain) = (costs[0], costs[2]);
    println!(
        "\n{name:<40} {:>7} {:>7} {:>12} {:>9}",
        "gross", "net", "net / empty", "vs plain"
    );
    for (row, ((name, _), gross)) in rows.iter().zip(&costs).enumerate() {
        let net = gross - empty;
        let change = (net / (plain - empty) - 1.0) * 100.0;
        let change = if row > 2 {
            format!("{change:+.0}%")
        } else {
            String::new()
        };
        println!(
            "  {name:<38} {gross:>7.1} {net:>7.1} {:>12.2} {change:>9}",
            net / empty
        );
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn alone(program: &'static str, settings: Settings) -> Subject {
    let mut ebpf = EbpfLoader::new()
        .map_max_entries("BARE_FLOWS", settings.cache_max_flows)
        .load(OTHER_PROGRAMS)
        .unwrap();
    classifier(&mut ebpf, program).load().unwrap();
    Subject::Alone(ebpf, program)
}

fn classifier<'a>(ebpf: &'a mut Ebpf, name: &str) -> &'a mut SchedClassifier {
    ebpf.program_mut(name).unwrap().try_into().unwrap()
}

impl Subject {
    /// Nanoseconds per run while it is attached alone, its flows known already.
    fn turn(&mut self, watched: &Namespace, sender: &FrameSender, frames: &[Vec<u8>]) -> f64 {
        match self {
            Self::Alone(ebpf, name) => {
                let program = classifier(ebpf, name);
                let link = watched.run(|| {
                    let order = TcAttachOptions::TcxOrder(LinkOrder::default());
                    program
                        .attach_with_options("a", TcAttachType::Ingress, order)
                        .unwrap()
                });
                let cost = measure(watched, sender, frames);
                program.detach(link).unwrap();
                cost
            }
            Self::Agent(datapath) => {
                let interface = watched.interface("a");
                datapath.attach(&interface).unwrap();
                let cost = measure(watched, sender, frames);
                datapath.detach(interface.key()).unwrap();
                cost
            }
        }
    }
}

fn measure(watched: &Namespace, sender: &FrameSender, frames: &[Vec<u8>]) -> f64 {
    for frame in frames.iter().cycle().take(frames.len().max(1000)) {
        sender.send(frame);
    }
    let before = attached_cost(watched);
    send(sender, frames, PACKETS);
    attached_cost(watched).per_run(&before)
}

/// Sends in an order that is far from the one in which the flows began, so that the processor cannot foresee it.
fn send(sender: &FrameSender, frames: &[Vec<u8>], count: usize) {
    const STRIDE: usize = 1361;
    for step in 0..count {
        sender.send(&frames[step * STRIDE % frames.len()]);
    }
}

fn attached_cost(watched: &Namespace) -> Cost {
    watched.run(|| {
        let (_, programs) = SchedClassifier::query_tcx("a", TcAttachType::Ingress).unwrap();
        Cost::of(&programs[0])
    })
}

/// What a program has cost so far.
pub struct Cost {
    time: Duration,
    runs: u64,
}

impl Cost {
    pub fn of(program: &ProgramInfo) -> Self {
        Self {
            time: program.run_time(),
            runs: program.run_count(),
        }
    }

    /// Nanoseconds of a run since `before`.
    pub fn per_run(&self, before: &Self) -> f64 {
        self.time.saturating_sub(before.time).as_nanos() as f64 / (self.runs - before.runs) as f64
    }
}
