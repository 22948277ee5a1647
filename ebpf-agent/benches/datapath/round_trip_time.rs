//! The program of the round trip time runs at sockets, so it has real connections, and a row of its own.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use aya::programs::loaded_programs;
use netobserv_ebpf_agent::kernel::{Datapath, Settings};

use crate::{kernel::Cost, support::agent::settings};

/// Prints what it costs per segment that arrives at a socket.
pub fn row() {
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
        "\n{:<40} {:>7.1}",
        "RTT program, per received segment",
        after.per_run(&before)
    );
    drop(datapath);
}
