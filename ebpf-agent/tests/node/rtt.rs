//! Round trip times on real traffic, and the hooks for them.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use crate::support::{
    agent::{Agent, Record, settings},
    is_privileged,
    netns::Namespace,
    tun::SlowLink,
};
use aya::{
    Btf, EbpfLoader,
    programs::{BtfTracePoint, FEntry, KProbe, Program, ProgramError},
};
use netobserv_ebpf_agent::kernel::{Settings, Status};

#[test]
fn the_round_trip_time_of_a_slow_link_is_that_of_the_link() {
    if !is_privileged() {
        return;
    }
    let delay = Duration::from_millis(15);
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    let _link = SlowLink::new(
        (&watched, "tun0", "10.9.0.1"),
        (&peer, "tun1", "10.9.0.2"),
        delay,
    );
    let mut agent = Agent::start(&Settings {
        rtt: true,
        ..settings()
    });
    let status = &agent.features[0].status;
    assert!(!matches!(status, Status::Off { .. }), "{status:?}");
    // A device without link header, which is read all the same.
    agent.attach(&watched.interface("tun0"));

    let listener = peer.run(|| TcpListener::bind("10.9.0.2:0").unwrap());
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut byte = [0];
        while stream.read(&mut byte).unwrap() == 1 {
            stream.write_all(&byte).unwrap();
        }
    });
    watched.run(|| {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut byte = [1];
        for _ in 0..5 {
            stream.write_all(&byte).unwrap();
            stream.read_exact(&mut byte).unwrap();
        }
    });
    server.join().unwrap();
    let (records, _) = agent.stop();
    let rtt = |record: &Record| Duration::try_from(record.time_flow_rtt.unwrap()).unwrap();
    let towards_socket: Vec<_> = records
        .iter()
        .filter(|record| record.direction == 0)
        .collect();
    let longest = towards_socket
        .iter()
        .map(|record| rtt(record))
        .max()
        .unwrap();
    assert!(longest >= 2 * delay, "{longest:?}");
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    assert!(
        towards_socket
            .iter()
            .all(|record| record.data_link.unwrap().src_mac == 0)
    );
}

/// The agent's own programs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETOBSERV_KERNEL_OBJECT"));

fn load_and_attach(program: &mut Program, btf: &Btf) -> Result<(), ProgramError> {
    const FUNCTION: &str = "tcp_rcv_established";
    match program {
        Program::FEntry(_) => {
            let program: &mut FEntry = program.try_into()?;
            program.load(FUNCTION, btf)?;
            program.attach().map(drop)
        }
        Program::BtfTracePoint(_) => {
            let program: &mut BtfTracePoint = program.try_into()?;
            program.load("tcp_probe", btf)?;
            program.attach().map(drop)
        }
        _ => {
            let program: &mut KProbe = program.try_into()?;
            program.load()?;
            program.attach(FUNCTION, 0).map(drop)
        }
    }
}

#[test]
fn each_program_for_round_trip_times_is_good_whichever_hook_this_kernel_grants() {
    if !is_privileged() {
        return;
    }
    let btf = Btf::from_sys_fs().unwrap();
    let programs = ["tcp_rcv_fentry", "tcp_rcv_tracepoint", "tcp_rcv_kprobe"];
    let mut granted = 0;
    for name in programs {
        let mut ebpf = EbpfLoader::new().btf(None).load(OBJECT).unwrap();
        match load_and_attach(ebpf.program_mut(name).unwrap(), &btf) {
            Ok(()) => granted += 1,
            // Some kernels and sandboxes refuse a hook, for which the agent takes the next. Only the verifier finds fault
            // with the program.
            Err(error) => {
                eprintln!("{name} is refused: {error}");
                if let ProgramError::LoadError { verifier_log, .. } = &error {
                    assert_eq!(verifier_log.to_string(), "", "{name}");
                }
            }
        }
    }
    assert!(granted > 0);
}
