//! What the demo's hosts say to each other. Each speaker is a thread inside its host's namespace; errors are expected
//! (a peer is not up yet) and mean "try again".

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use anyhow::Result;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, sendto,
    socket,
};

use crate::health;

use super::dns::{self, Answer};
use super::network::{API, BACKUP, CLIENT, DATABASE, Host, OFFICE, PAYMENT, RESOLVER, WEB};

/// The exact burst: this many datagrams of this many bytes to this port, once, so that a count can be checked.
pub const BURST: (u16, usize, usize) = (7777, 100, 500);
/// So long after it became ready the agent has attached to the demo's interfaces.
const BURST_AFTER: Duration = Duration::from_secs(8);
const RETRY: Duration = Duration::from_millis(500);
const CHUNK: usize = 16 * 1024;

/// One kind of request: who asks whom, how large, how often.
struct Dialogue {
    client: Host,
    server: Host,
    port: u16,
    is_v6: bool,
    request: std::ops::Range<u32>,
    response: std::ops::Range<u32>,
    pause: Duration,
}

/// Starts all speakers; `agent` is the port of the health of the agent that watches, if one does.
pub fn start(agent: Option<u16>) -> Result<()> {
    for (host, port) in [
        (WEB, 80),
        (WEB, 443),
        (API, 8080),
        (DATABASE, 5432),
        (PAYMENT, 443),
        (BACKUP, 22),
    ] {
        host_thread(host, move || serve_tcp(port))?;
    }
    let millis = Duration::from_millis;
    for dialogue in [
        Dialogue {
            client: CLIENT,
            server: WEB,
            port: 443,
            is_v6: false,
            request: 300..900,
            response: 2_000..90_000,
            pause: millis(150),
        },
        Dialogue {
            client: OFFICE,
            server: WEB,
            port: 80,
            is_v6: true,
            request: 300..900,
            response: 1_000..20_000,
            pause: millis(400),
        },
        Dialogue {
            client: WEB,
            server: API,
            port: 8080,
            is_v6: false,
            request: 200..1_500,
            response: 500..8_000,
            pause: millis(100),
        },
        Dialogue {
            client: API,
            server: DATABASE,
            port: 5432,
            is_v6: false,
            request: 80..400,
            response: 200..30_000,
            pause: millis(60),
        },
        Dialogue {
            client: API,
            server: PAYMENT,
            port: 443,
            is_v6: false,
            request: 600..1_200,
            response: 400..1_500,
            pause: millis(700),
        },
        Dialogue {
            client: DATABASE,
            server: BACKUP,
            port: 22,
            is_v6: false,
            request: 100_000..900_000,
            response: 60..61,
            pause: millis(2_000),
        },
    ] {
        host_thread(dialogue.client, move || talk(&dialogue))?;
    }
    host_thread(API, || sink_udp(8125))?;
    host_thread(API, || sink_udp(BURST.0))?;
    host_thread(WEB, || statistics(SocketAddr::new(API.v4().into(), 8125)))?;
    let (attached, is_attached) = sync_channel(1);
    host_thread(CLIENT, move || burst(&is_attached))?;
    host_thread(RESOLVER, resolve)?;
    host_thread(CLIENT, move || ask(millis(300)))?;
    host_thread(API, move || ask(millis(900)))?;
    host_thread(OFFICE, || ping4(WEB.v4()))?;
    host_thread(OFFICE, || ping4(BACKUP.v4()))?;
    host_thread(OFFICE, || ping6(API.v6()))?;
    // The agent's address is the host's, so this thread stays outside of the demo's namespaces.
    std::thread::Builder::new()
        .name("agent".to_owned())
        .spawn(move || {
            while agent.is_some_and(|port| !health::is_ready(port)) {
                std::thread::sleep(RETRY);
            }
            std::thread::sleep(BURST_AFTER);
            let _ = attached.send(());
        })?;
    Ok(())
}

/// Runs `work` inside `host` again and again.
fn host_thread(host: Host, work: impl Fn() -> Result<()> + Send + 'static) -> Result<()> {
    std::thread::Builder::new()
        .name(host.name.to_owned())
        .spawn(move || {
            if let Err(error) = host.enter() {
                eprintln!("{}: {error:#}", host.name);
                return;
            }
            loop {
                let _ = work();
                std::thread::sleep(RETRY);
            }
        })?;
    Ok(())
}

/// Answers requests of the form (request length, response length, request bytes).
fn serve_tcp(port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        std::thread::Builder::new()
            .name(format!("port {port}"))
            .spawn(move || {
                while let (Ok(request), Ok(response)) =
                    (read_length(&mut stream), read_length(&mut stream))
                {
                    let read = std::io::copy(
                        &mut (&mut stream).take(u64::from(request)),
                        &mut std::io::sink(),
                    );
                    if read.is_err() || send(&mut stream, response as usize).is_err() {
                        return;
                    }
                }
            })?;
    }
    Ok(())
}

/// A length of a request's header, four bytes in network order.
fn read_length(stream: &mut TcpStream) -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    stream.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

fn send(stream: &mut TcpStream, mut length: usize) -> std::io::Result<()> {
    let chunk = [b'x'; CHUNK];
    while length > 0 {
        let part = length.min(CHUNK);
        stream.write_all(&chunk[..part])?;
        length -= part;
    }
    Ok(())
}

/// One connection with a handful of requests.
fn talk(dialogue: &Dialogue) -> Result<()> {
    let ip = if dialogue.is_v6 {
        IpAddr::V6(dialogue.server.v6())
    } else {
        IpAddr::V4(dialogue.server.v4())
    };
    let mut stream =
        TcpStream::connect_timeout(&(ip, dialogue.port).into(), Duration::from_secs(3))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    for _ in 0..fastrand::u32(5..40) {
        let (request, response) = (
            fastrand::u32(dialogue.request.clone()),
            fastrand::u32(dialogue.response.clone()),
        );
        let mut header = [0; 8];
        header[..4].copy_from_slice(&request.to_be_bytes());
        header[4..].copy_from_slice(&response.to_be_bytes());
        stream.write_all(&header)?;
        send(&mut stream, request as usize)?;
        std::io::copy(
            &mut (&mut stream).take(u64::from(response)),
            &mut std::io::sink(),
        )?;
        std::thread::sleep(dialogue.pause.mul_f32(0.5 + fastrand::f32()));
    }
    Ok(())
}

fn sink_udp(port: u16) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
    let mut buffer = [0; 2048];
    loop {
        socket.recv_from(&mut buffer)?;
    }
}

fn statistics(to: SocketAddr) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    loop {
        socket.send_to(&[b'm'; 1200][..fastrand::usize(40..1200)], to)?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn burst(is_attached: &Receiver<()>) -> Result<()> {
    is_attached.recv()?;
    let (port, count, bytes) = BURST;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
    let datagram = vec![b'b'; bytes];
    for _ in 0..count {
        socket.send_to(&datagram, (API.v4(), port))?;
    }
    loop {
        std::thread::park();
    }
}

/// The resolver: one name in ten does not exist, one in thirty fails, one in fifteen is slow.
fn resolve() -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 53))?;
    let mut buffer = [0; 512];
    loop {
        let (length, from) = socket.recv_from(&mut buffer)?;
        let answer = match fastrand::u32(0..30) {
            0 => Answer::ServerFailure,
            1..=3 => Answer::NoSuchName,
            _ => Answer::Address(WEB.v4().octets()),
        };
        let delay = if fastrand::u32(0..15) == 0 {
            80..300
        } else {
            0..6
        };
        std::thread::sleep(Duration::from_millis(fastrand::u64(delay)));
        if let Some(response) = dns::respond(&buffer[..length], answer) {
            socket.send_to(&response, from)?;
        }
    }
}

fn ask(pause: Duration) -> Result<()> {
    const NAMES: [&str; 6] = [
        "shop.example",
        "api.shop.example",
        "db.shop.example",
        "pay.example",
        "cdn.shop.example",
        "typo.shop.exmaple",
    ];
    let mut buffer = [0; 512];
    loop {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let name = NAMES[fastrand::usize(..NAMES.len())];
        socket.send_to(&dns::query(fastrand::u16(1..), name), (RESOLVER.v4(), 53))?;
        let _ = socket.recv(&mut buffer);
        std::thread::sleep(pause);
    }
}

fn ping4(to: Ipv4Addr) -> Result<()> {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::Icmp,
    )?;
    for sequence in 0_u16.. {
        let mut message = echo(8, sequence);
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
        sendto(
            socket.as_raw_fd(),
            &message,
            &SockaddrIn::from(std::net::SocketAddrV4::new(to, 0)),
            MsgFlags::empty(),
        )?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// The kernel fills in the ICMPv6 checksum (RFC 3542, 3.1).
fn ping6(to: Ipv6Addr) -> Result<()> {
    let socket = socket(
        AddressFamily::Inet6,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::IcmpV6,
    )?;
    for sequence in 0_u16.. {
        let address = SockaddrIn6::from(std::net::SocketAddrV6::new(to, 0, 0, 0));
        sendto(
            socket.as_raw_fd(),
            &echo(128, sequence),
            &address,
            MsgFlags::empty(),
        )?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// An echo request with 48 bytes of data (RFC 792, RFC 4443).
fn echo(kind: u8, sequence: u16) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, 0x77, 0x77];
    message.extend(sequence.to_be_bytes());
    message.extend([b'p'; 48]);
    message
}

/// Internet checksum (RFC 1071) of an even number of bytes.
fn checksum(message: &[u8]) -> u16 {
    let mut sum: u32 = message
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
