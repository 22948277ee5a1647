//! Two TUN devices with a forwarder between them that delays every packet: a slow link without a queueing discipline.

use std::{
    collections::VecDeque,
    fs::File,
    io::{Read as _, Write as _},
    os::fd::{AsFd as _, AsRawFd as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::netns::Namespace;

/// The link; it ends when dropped.
pub struct SlowLink {
    is_done: Arc<AtomicBool>,
    forwarder: Option<JoinHandle<()>>,
}

impl SlowLink {
    /// Each end is a namespace, the device's name and its address in a /24.
    pub fn new(
        left: (&Namespace, &str, &str),
        right: (&Namespace, &str, &str),
        delay: Duration,
    ) -> Self {
        let devices = [left, right].map(|(namespace, name, address)| {
            let device = namespace.run(|| open_tun(name));
            namespace.command(&format!("ip address add {address}/24 dev {name}"));
            namespace.command(&format!("ip link set dev {name} up"));
            device
        });
        let is_done = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&is_done);
        let forwarder = thread::spawn(move || forward(&devices, delay, &is_over));
        Self {
            is_done,
            forwarder: Some(forwarder),
        }
    }
}

impl Drop for SlowLink {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::Relaxed);
        if let Some(forwarder) = self.forwarder.take() {
            let _ = forwarder.join();
        }
    }
}

fn forward(devices: &[File; 2], delay: Duration, is_done: &AtomicBool) {
    let mut waiting: [VecDeque<(Instant, Vec<u8>)>; 2] = Default::default();
    let mut buffer = vec![0; 65536];
    while !is_done.load(Ordering::Relaxed) {
        let mut descriptors =
            [&devices[0], &devices[1]].map(|file| PollFd::new(file.as_fd(), PollFlags::POLLIN));
        poll(&mut descriptors, PollTimeout::from(1_u8)).unwrap();
        for (side, queue) in waiting.iter_mut().enumerate() {
            if let Ok(length) = (&devices[side]).read(&mut buffer) {
                queue.push_back((Instant::now() + delay, buffer[..length].to_vec()));
            }
            while queue.front().is_some_and(|(due, _)| *due <= Instant::now()) {
                let (_, packet) = queue.pop_front().unwrap();
                let _ = (&devices[1 - side]).write(&packet);
            }
        }
    }
}

#[allow(unsafe_code, reason = "TUN devices have no safe wrapper")]
fn open_tun(name: &str) -> File {
    let file = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .unwrap();
    // SAFETY: all zero is a valid request.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (target, byte) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *target = byte as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
    // SAFETY: a live descriptor and request.
    let answer = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF, &raw const request) };
    assert_eq!(answer, 0, "TUNSETIFF: {}", std::io::Error::last_os_error());
    nix::fcntl::fcntl(
        &file,
        nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK),
    )
    .unwrap();
    file
}
