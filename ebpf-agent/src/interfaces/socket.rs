//! A netlink socket for the links of one network namespace.
//!
//! Opened by the watcher for each namespace. A socket belongs for ever to the namespace it was opened in.
//!
//! **Invariant:** never blocks.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};

use super::link;

const GROUP_LINK: u32 = 1;
const GROUP_IPV4_ADDRESS: u32 = 0x10;
const GROUP_IPV6_ADDRESS: u32 = 0x100;
/// Room for the notifications of some thousand links; beyond it the kernel says ENOBUFS and the list is read anew.
const RECEIVE_BUFFER_BYTES: usize = 1 << 20;
/// The kernel fills a list's datagrams up to this size.
const DATAGRAM_BYTES_MAX: usize = 32 << 10;

/// What to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    Nothing,
    Links,
    LinksAndAddresses,
}

/// What a read gave.
#[derive(Debug)]
pub enum Datagram<'a> {
    Bytes(&'a [u8]),
    /// Nothing is there.
    Empty,
    /// The kernel had to throw notifications away.
    Overflow,
}

/// See the module.
#[derive(Debug)]
pub struct LinkSocket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl LinkSocket {
    /// Opens a socket in the namespace that the calling thread is in.
    pub fn open(subscription: Subscription) -> io::Result<Self> {
        let groups = match subscription {
            Subscription::Nothing => 0,
            Subscription::Links => GROUP_LINK,
            Subscription::LinksAndAddresses => GROUP_LINK | GROUP_IPV4_ADDRESS | GROUP_IPV6_ADDRESS,
        };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            flags,
            SockProtocol::NetlinkRoute,
        )?;
        // Without the privilege to go beyond the system's limit the default size does, only it overflows sooner.
        let _ = setsockopt(&fd, sockopt::RcvBufForce, &RECEIVE_BUFFER_BYTES);
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self::from(fd))
    }

    /// Asks for all links.
    pub fn request_list(&mut self) -> io::Result<()> {
        self.sequence += 1;
        send(
            self.fd.as_raw_fd(),
            &link::list_request(self.sequence),
            MsgFlags::empty(),
        )?;
        Ok(())
    }

    /// The next datagram.
    pub fn read(&mut self) -> io::Result<Datagram<'_>> {
        loop {
            match recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Ok(length) => return Ok(Datagram::Bytes(&self.buffer[..length])),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(Datagram::Empty),
                Err(Errno::ENOBUFS) => return Ok(Datagram::Overflow),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A socket that is open and does not block.
impl From<OwnedFd> for LinkSocket {
    fn from(fd: OwnedFd) -> Self {
        Self {
            fd,
            sequence: 0,
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        }
    }
}

impl AsFd for LinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
