//! One watched network namespace: its socket, and the table that the socket keeps true.
//!
//! Owned by the watcher.
//!
//! **Invariant:** never blocks. A list that was overtaken by lost notifications is followed by another one.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tracing::debug;

use super::link::{self, Message};
use super::model::Netns;
use super::netns;
use super::socket::{Datagram, LinkSocket, Subscription};
use super::table::{Event, Table};

/// See the module.
pub struct Watched {
    pub netns: Arc<Netns>,
    pub socket: LinkSocket,
    pub table: Table,
    /// A list has been asked for and is not complete.
    pub is_listing: bool,
    /// What is being listed is out of date already. The kernel refuses a second list beside the first.
    must_list_again: bool,
    /// The socket has failed; it is opened again by [`Self::reopen`] at this time.
    pub reopen_at: Option<Instant>,
}

impl Watched {
    /// Enters the namespace, subscribes and asks for the first list.
    pub fn open(
        netns: Arc<Netns>,
        subscription: Subscription,
        wants_addresses: bool,
    ) -> io::Result<Self> {
        let socket = netns::within(&netns, || LinkSocket::open(subscription))??;
        let table = Table::new(Arc::clone(&netns), wants_addresses);
        let mut watched = Self {
            netns,
            socket,
            table,
            is_listing: false,
            must_list_again: false,
            reopen_at: None,
        };
        watched.list()?;
        Ok(watched)
    }

    /// A new socket for the same table, which then hears the differences.
    pub fn reopen(&mut self, subscription: Subscription) -> io::Result<()> {
        self.socket = netns::within(&self.netns, || LinkSocket::open(subscription))??;
        self.is_listing = false;
        self.list()?;
        self.reopen_at = None;
        Ok(())
    }

    pub fn is_broken(&self) -> bool {
        self.reopen_at.is_some()
    }

    /// The socket has failed, and is left alone until `reopen_at`.
    pub fn fail(&mut self, reopen_at: Instant) {
        self.is_listing = false;
        self.reopen_at = Some(reopen_at);
    }

    /// Asks for a list, at once or after the one that is under way.
    pub fn list(&mut self) -> io::Result<()> {
        if self.is_listing {
            self.must_list_again = true;
            return Ok(());
        }
        self.must_list_again = false;
        self.is_listing = true;
        self.table.start_list();
        self.socket.request_list()
    }

    /// Takes in everything the socket has. That the kernel refuses to list is an error too: only a further list, later,
    /// can tell what there is.
    pub fn read(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        loop {
            let (mut must_list, mut refusal) = (false, None);
            match self.socket.read()? {
                Datagram::Empty => return Ok(()),
                Datagram::Overflow => must_list = true,
                Datagram::Bytes(bytes) => link::read(bytes, |message| match message {
                    Message::Link(link) => self.table.link(link, self.is_listing, events),
                    Message::Gone { index } => self.table.gone(index, events),
                    Message::AddressChanged { index } => self.table.address_changed(index, events),
                    // Not necessarily in the datagram that completes the list.
                    Message::Disturbed => self.must_list_again = true,
                    Message::Done => {
                        self.is_listing = false;
                        must_list = self.must_list_again;
                        if !must_list {
                            self.table.finish_list(events);
                        }
                    }
                    Message::Refused { errno } => refusal = Some(errno),
                }),
            }
            if let Some(errno) = refusal {
                return Err(io::Error::from_raw_os_error(errno));
            }
            if must_list {
                debug!(netns = %self.netns.name, "reading the list of interfaces anew");
                self.list()?;
            }
        }
    }
}
