//! etcd, the store of the Kubernetes API server.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::Result;

use crate::cache::Cache;
use crate::go::{self, Module};
use crate::launch::{Exports, Launch};
use crate::server::Server;

pub const SERVER: Server = Server {
    name: "etcd",
    newest: "3.6.16",
    oldest: None,
    needs: &[],
    fetch,
    launch: Some(launch),
};

const READY_LIMIT: Duration = Duration::from_mins(2);

fn fetch(cache: &Cache) -> Result<()> {
    let module = Module {
        folder: "etcd",
        programs: &[("etcd", "go.etcd.io/etcd/server/v3")],
        stamp: String::new(),
        files: None,
        takes: "a minute",
    };
    go::fetch(cache, SERVER.name, SERVER.version(), &module)
}

fn launch(launch: &mut Launch) -> Result<Exports> {
    let client = launch.port("client")?;
    let client_url = format!("http://127.0.0.1:{client}");
    let peer_url = format!("http://127.0.0.1:{}", launch.port("peer")?);
    let arguments = [
        "--name=etcd".to_owned(),
        format!("--data-dir={}", launch.folder().join("data").display()),
        format!("--listen-client-urls={client_url}"),
        format!("--advertise-client-urls={client_url}"),
        format!("--listen-peer-urls={peer_url}"),
        format!("--initial-advertise-peer-urls={peer_url}"),
        format!("--initial-cluster=etcd={peer_url}"),
        // What is stored here may be lost with the machine.
        "--unsafe-no-fsync".to_owned(),
        "--log-level=warn".to_owned(),
    ];
    let program = launch.program("etcd", "etcd")?;
    launch.start("etcd", &program, &arguments)?;
    launch.until("etcd's health", READY_LIMIT, || is_healthy(client))?;
    Ok(Exports::from([("url".to_owned(), client_url)]))
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("200 OK"))
}
