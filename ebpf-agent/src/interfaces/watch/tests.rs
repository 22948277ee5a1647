//! What becomes of a list that is refused. The real kernel refuses none that is asked for, so the other end of a pair of
//! sockets does.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc::sync_channel;

use super::super::socket::LinkSocket;
use super::*;

const PATIENCE: Duration = Duration::from_mins(1);

/// `NLMSG_ERROR` with an error number.
fn refusal(errno: i32) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend(20_u32.to_ne_bytes());
    message.extend(2_u16.to_ne_bytes());
    message.extend([0; 10]);
    message.extend((-errno).to_ne_bytes());
    message
}

#[test]
fn a_list_that_the_kernel_refuses_is_asked_for_again_but_not_at_once() {
    let settings = Settings {
        netns_folder: "/nowhere".into(),
        poll_period: None,
        wants_addresses: false,
    };
    let (teller, told) = sync_channel(1000);
    let mut state = State::new(settings, move |told| teller.send(told).unwrap()).unwrap();
    let (kernel, ours) = UnixDatagram::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    state.watched[0].socket = LinkSocket::from(OwnedFd::from(ours));
    kernel.send(&refusal(libc::EBUSY)).unwrap();

    let before = Instant::now();
    state.read_all();
    state.read_all();
    let at = state.watched[0].reopen_at.unwrap();
    assert!(at >= before + RETRY_FAILED_PERIOD);
    assert!(!told.try_iter().any(|told| matches!(told, Told::Event(_))));

    state.watched[0].reopen_at = Some(Instant::now());
    while !told
        .try_iter()
        .any(|told| matches!(told, Told::Event(Event::Added(_))))
    {
        assert!(
            before.elapsed() < PATIENCE,
            "the list was not asked for again"
        );
        state.read_all();
    }
    assert!(!state.watched[0].is_broken());
}
