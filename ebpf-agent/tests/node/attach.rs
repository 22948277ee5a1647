//! Attaching beside others, and leaving nothing behind.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::IpAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    OTHER_PROGRAMS,
    agent::{Agent, lost_packets, packets, settings},
    frames::{self, Ip},
    is_privileged,
    netns::{Namespace, veth},
};
use aya::{
    Ebpf,
    programs::{
        LinkOrder, SchedClassifier, TcAttachType,
        tc::{NlOptions, TcAttachOptions, TcHandle},
    },
};
use netobserv_ebpf_agent::{
    config::{Anchor, AttachConfig, AttachMode, Direction},
    interfaces::model::{Interface, Netns, NetnsId},
    kernel::{AttachKind, Settings},
};

/// Our program's name, as short as the kernel keeps it.
const OURS: &str = "tcx_ingress_flo";

fn pair() -> (Namespace, Namespace) {
    let (watched, peer) = (Namespace::new(1), Namespace::new(2));
    veth((&watched, "a"), (&peer, "b"));
    (watched, peer)
}

fn with(change: impl FnOnce(&mut AttachConfig)) -> Settings {
    let mut settings = settings();
    change(&mut settings.attach);
    settings
}

fn send(peer: &Namespace, count: usize) {
    let transport = frames::udp(1, 2, b"x");
    let (source, destination) = (IpAddr::from([10, 0, 0, 2]), IpAddr::from([10, 0, 0, 1]));
    let frame = frames::packet(
        &[],
        source,
        destination,
        frames::UDP,
        &transport,
        Ip::default(),
    );
    let sender = peer.frame_sender("b");
    for _ in 0..count {
        sender.send(&frame);
    }
}

/// Names of the programs in the order in which they run.
fn tcx_programs(namespace: &Namespace, interface: &str) -> Vec<String> {
    namespace.run(|| {
        let (_, programs) = SchedClassifier::query_tcx(interface, TcAttachType::Ingress).unwrap();
        programs
            .iter()
            .map(|program| program.name_as_str().unwrap().to_owned())
            .collect()
    })
}

fn tc_filters(namespace: &Namespace, interface: &str) -> Vec<String> {
    namespace
        .command(&format!("tc filter show dev {interface} ingress"))
        .lines()
        .filter(|line| line.contains("handle"))
        .map(str::to_owned)
        .collect()
}

/// A program of somebody else.
fn other_program(namespace: &Namespace, interface: &str, options: TcAttachOptions) -> Ebpf {
    let mut ebpf = Ebpf::load(OTHER_PROGRAMS).unwrap();
    let program: &mut SchedClassifier = ebpf.program_mut("empty").unwrap().try_into().unwrap();
    program.load().unwrap();
    namespace.run(|| {
        program
            .attach_with_options(interface, TcAttachType::Ingress, options)
            .unwrap();
    });
    ebpf
}

#[test]
fn the_place_beside_another_program_is_the_configured_one() {
    if !is_privileged() {
        return;
    }
    for (anchor, expected) in [
        (Anchor::None, ["empty", OURS]),
        (Anchor::Tail, ["empty", OURS]),
        (Anchor::Head, [OURS, "empty"]),
    ] {
        let (watched, peer) = pair();
        let _other = other_program(
            &watched,
            "a",
            TcAttachOptions::TcxOrder(LinkOrder::default()),
        );
        let mut agent = Agent::start(&with(|attach| attach.anchor_ingress = anchor));
        assert_eq!(agent.attach(&watched.interface("a")), AttachKind::Tcx);
        assert_eq!(tcx_programs(&watched, "a"), expected, "{anchor:?}");
        send(&peer, 5);
        assert_eq!(packets(&agent.stop().0), 5);
        assert_eq!(tcx_programs(&watched, "a"), ["empty"], "the other stays");
    }
}

#[test]
fn two_instances_on_one_interface_see_every_packet_each() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let mut agents = [Agent::start(&settings()), Agent::start(&settings())];
    for agent in &mut agents {
        agent.attach(&watched.interface("a"));
    }
    send(&peer, 7);
    for agent in agents {
        assert_eq!(packets(&agent.stop().0), 7);
    }
}

#[test]
fn only_the_configured_direction_is_watched() {
    if !is_privileged() {
        return;
    }
    for (direction, expected) in [
        (Direction::Ingress, 3),
        (Direction::Egress, 0),
        (Direction::Both, 3),
    ] {
        let (watched, peer) = pair();
        let mut agent = Agent::start(&with(|attach| attach.direction = direction));
        agent.attach(&watched.interface("a"));
        send(&peer, 3);
        assert_eq!(packets(&agent.stop().0), expected, "{direction:?}");
    }
}

#[test]
fn clsact_is_shared_with_the_filters_of_others() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    watched.command("tc qdisc add dev a clsact");
    // Where NetObserv's agent puts its own.
    let place = NlOptions {
        priority: 1,
        handle: TcHandle::new(0, 1),
        classid: None,
    };
    let _other = other_program(&watched, "a", TcAttachOptions::Netlink(place));
    let before = tc_filters(&watched, "a");
    let mut agent = Agent::start(&with(|attach| attach.mode = AttachMode::Tc));
    assert_eq!(agent.attach(&watched.interface("a")), AttachKind::Tc);
    assert_eq!(tc_filters(&watched, "a").len(), before.len() + 1);
    send(&peer, 6);
    let (records, counters) = agent.stop();
    assert_eq!(packets(&records) + lost_packets(&counters), 6);
    assert_eq!(
        tc_filters(&watched, "a"),
        before,
        "the filters of others stay, ours goes"
    );
}

#[test]
fn an_interface_can_be_watched_again_and_may_be_gone_at_the_end() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let interface = watched.interface("a");
    let mut agent = Agent::start(&settings());
    for _ in 0..3 {
        agent.attach(&interface);
        agent.attach(&interface);
        send(&peer, 2);
        agent.datapath.detach(interface.key()).unwrap();
        send(&peer, 2);
    }
    agent.attach(&interface);
    watched.command("ip link delete dev a");
    assert_eq!(packets(&agent.stop().0), 6);
}

#[test]
fn an_interface_that_does_not_exist_is_an_error_that_names_it() {
    if !is_privileged() {
        return;
    }
    let (watched, _peer) = pair();
    let interface = Interface {
        name: "nowhere".into(),
        index: 99,
        ..watched.interface("a")
    };
    let mut agent = Agent::start(&settings());
    let error = agent.datapath.attach(&interface).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("nowhere"), "{text}");
    assert!(text.ends_with("No such device (os error 19)"), "{text}");
    assert_eq!(error.kind(), "AttachEgress:CantAttachTCX");
}

#[test]
fn an_interface_that_was_renamed_since_it_was_told_is_watched_and_nothing_in_its_place() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let interface = watched.interface("a");
    watched.command("ip link set dev a name moved");
    watched.command("ip link add name a type veth peer name unused");
    let mut agent = Agent::start(&settings());
    agent.attach(&interface);
    assert!(tcx_programs(&watched, "a").is_empty());
    watched.command("ip link set dev moved up");
    send(&peer, 3);
    assert_eq!(packets(&agent.stop().0), 3);
}

/// Makes the kernel refuse links to TCX for this thread, and the threads it starts, as one does that has none (`EINVAL`),
/// or for another reason.
#[allow(unsafe_code, reason = "system call filters have no safe wrapper")]
fn refuse_tcx(errno: i32) {
    const BPF_LINK_CREATE: u32 = 28;
    let step = |code: u32, jump_if_not: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: jump_if_not,
        k,
    };
    // The number of the call, and the low half of its first argument.
    let load = |offset| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, offset);
    let skip_unless =
        |value, steps| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, steps, value);
    let answer = |answer| step(libc::BPF_RET | libc::BPF_K, 0, answer);
    let mut filter = [
        load(0),
        skip_unless(libc::SYS_bpf as u32, 3),
        load(16),
        skip_unless(BPF_LINK_CREATE, 1),
        answer(libc::SECCOMP_RET_ERRNO | errno as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: a live program.
    let result = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

/// Attaches to both ends of a pair where TCX is refused; the hook or the error, the packets seen, and what was logged.
fn attached_without_tcx(mode: AttachMode, errno: i32) -> (Result<AttachKind, String>, u64, String) {
    let (watched, peer) = pair();
    let log = tempfile::NamedTempFile::new().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(Arc::new(log.reopen().unwrap()))
        .finish();
    let work = || {
        refuse_tcx(errno);
        let mut agent = Agent::start(&with(|attach| attach.mode = mode));
        let mut attached = Ok(AttachKind::Tcx);
        for interface in [watched.interface("a"), peer.interface("b")] {
            let one = agent.datapath.attach(&interface);
            attached = one.map_err(|error| error.to_string());
        }
        send(&peer, 4);
        (attached, packets(&agent.stop().0))
    };
    let (attached, packets) = thread::scope(|scope| {
        let thread = scope.spawn(|| tracing::subscriber::with_default(subscriber, work));
        thread.join().unwrap()
    });
    let log = std::fs::read_to_string(log.path()).unwrap();
    (attached, packets, log)
}

#[test]
fn a_kernel_without_tcx_gets_clsact_with_one_line() {
    if !is_privileged() {
        return;
    }
    for mode in [AttachMode::Tcx, AttachMode::Any] {
        let (attached, packets, log) = attached_without_tcx(mode, libc::EINVAL);
        assert_eq!((attached, packets), (Ok(AttachKind::Tc), 4), "{mode:?}");
        assert_eq!(log.matches("no TCX").count(), 1, "{mode:?}: {log}");
    }
}

#[test]
fn another_refusal_of_tcx_is_told_with_its_reason_and_what_to_do_unless_any_hook_will_do() {
    if !is_privileged() {
        return;
    }
    let (attached, packets, log) = attached_without_tcx(AttachMode::Any, libc::EPERM);
    assert_eq!((attached, packets), (Ok(AttachKind::Tc), 4));
    assert_eq!(log, "");
    let (attached, packets, _) = attached_without_tcx(AttachMode::Tcx, libc::EPERM);
    let error = attached.unwrap_err();
    let reason = "failed: Operation not permitted (os error 1); TC_ATTACH_MODE=any takes clsact";
    assert!(error.contains(reason), "{error}");
    assert_eq!(error.matches("os error").count(), 1, "{error}");
    assert_eq!(packets, 0);
}

/// Asks the test below to attach, in a process of its own, and says what it should be attached with.
const CHILD_NETNS: &str = "NODE_ATTACH_TEST_NETNS";
const CHILD_MODE: &str = "NODE_ATTACH_TEST_MODE";

/// Not a test by itself: the process that is killed.
#[test]
fn holds_an_attachment_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_NETNS) else {
        return;
    };
    let is_tc = std::env::var(CHILD_MODE).unwrap() == "tc";
    let netns = Netns {
        id: NetnsId(1),
        name: "child".into(),
        handle: Some(File::open(path).unwrap()),
    };
    let interface = Interface {
        netns: Arc::new(netns),
        index: 2,
        name: "a".into(),
        mac: [0; 6],
        has_ethernet: true,
    };
    let mut agent = Agent::start(&with(|attach| {
        attach.mode = if is_tc {
            AttachMode::Tc
        } else {
            AttachMode::Tcx
        };
    }));
    agent.attach(&interface);
    println!("attached");
    loop {
        std::thread::park();
    }
}

fn attached_child(namespace: &Namespace, mode: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "attach::holds_an_attachment_until_it_is_killed",
            "--nocapture",
        ])
        .env(CHILD_NETNS, namespace.path())
        .env(CHILD_MODE, mode)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.any(|line| line.unwrap().contains("attached")),
        "the child did not attach"
    );
    child
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_process_leaves_nothing_on_tcx() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    let child = attached_child(&watched, "tcx");
    assert_eq!(tcx_programs(&watched, "a").len(), 1);
    kill(child);
    // The kernel closes the last descriptors in the background.
    let deadline = Instant::now() + Duration::from_mins(1);
    while !tcx_programs(&watched, "a").is_empty() {
        assert!(Instant::now() < deadline, "the program stays attached");
    }
    let mut agent = Agent::start(&settings());
    agent.attach(&watched.interface("a"));
    send(&peer, 4);
    assert_eq!(packets(&agent.stop().0), 4);
}

#[test]
fn what_a_killed_process_left_on_clsact_is_replaced_by_the_next() {
    if !is_privileged() {
        return;
    }
    let (watched, peer) = pair();
    kill(attached_child(&watched, "tc"));
    assert_eq!(
        tc_filters(&watched, "a").len(),
        1,
        "clsact filters outlive their process"
    );
    let mut agent = Agent::start(&with(|attach| attach.mode = AttachMode::Tc));
    agent.attach(&watched.interface("a"));
    assert_eq!(tc_filters(&watched, "a").len(), 1);
    send(&peer, 4);
    assert_eq!(packets(&agent.stop().0), 4);
    assert!(tc_filters(&watched, "a").is_empty());
}

#[test]
fn what_a_killed_process_left_on_clsact_goes_though_the_next_is_attached_elsewhere() {
    if !is_privileged() {
        return;
    }
    for (mode, direction) in [
        (AttachMode::Tcx, Direction::Both),
        (AttachMode::Tc, Direction::Egress),
    ] {
        let (watched, _peer) = pair();
        kill(attached_child(&watched, "tc"));
        assert_eq!(tc_filters(&watched, "a").len(), 1);
        let mut agent = Agent::start(&with(|attach| {
            attach.mode = mode;
            attach.direction = direction;
        }));
        agent.attach(&watched.interface("a"));
        assert!(tc_filters(&watched, "a").is_empty(), "{mode:?}");
        agent.stop();
    }
}
