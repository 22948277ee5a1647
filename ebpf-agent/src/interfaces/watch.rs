//! The watcher: one thread that waits for links of all network namespaces to come, change and go.
//!
//! Started by `app`; events are handed to a closure on the watcher's own thread, which may wait (the kernel buffers, and
//! says when it could not).
//!
//! **Invariant:** what is told is eventually true: after an overflow, an error of a socket or a lost notification the
//! list is read anew and the differences are told.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tracing::warn;

use super::model::{Netns, NetnsId};
use super::namespaces::Namespaces;
use super::socket::Subscription;
use super::table::Event;
use super::watched::Watched;

/// Where names of network namespaces are.
pub const NETNS_FOLDER: &str = "/var/run/netns";
/// How soon to look again at a name whose mount has not followed yet, and how often.
const UNFINISHED_PERIOD: Duration = Duration::from_millis(100);
const UNFINISHED_LOOKS_MAX: u32 = 50;
/// How often to look for a folder that does not exist, and at a namespace that could not be entered or whose socket failed.
const RETRY_PERIOD: Duration = Duration::from_secs(1);
const RETRY_FAILED_PERIOD: Duration = Duration::from_secs(10);

/// What to watch.
#[derive(Clone, Debug)]
pub struct Settings {
    pub netns_folder: PathBuf,
    /// `None`: be told by the kernel. Else ask at this period.
    pub poll_period: Option<Duration>,
    pub wants_addresses: bool,
}

/// What the watcher tells.
#[derive(Debug)]
pub enum Told {
    Event(Event),
    /// A namespace is watched from now on, or no longer.
    Subscribed(Arc<Netns>),
    Unsubscribed(Arc<Netns>),
    /// A namespace could not be entered; it will be tried again.
    NamespaceFailed {
        name: String,
        error: io::Error,
    },
    /// Every link that existed at the start has been told.
    Started,
    /// Number of links known now.
    Links(usize),
}

/// The running thread.
#[derive(Debug)]
pub struct Watcher {
    /// Closing it ends the thread.
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread. The error is the agent's own namespace's: without that there is nothing to watch.
    pub fn start(settings: Settings, tell: impl FnMut(Told) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = UnixStream::pair()?;
        stopped.set_nonblocking(true)?;
        let mut state = State::new(settings, tell)?;
        let thread = std::thread::Builder::new()
            .name("interfaces".to_owned())
            .spawn(move || state.run(&stopped))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Ends the thread and waits for it. No event is told afterwards.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.end();
    }
}

struct State<F> {
    settings: Settings,
    tell: F,
    watched: Vec<Watched>,
    namespaces: Namespaces,
    /// Names told of as failed. Bounded by the names there are; forgotten when one works, or is gone.
    failed: HashSet<String>,
    folder: Option<Inotify>,
    unfinished_looks: u32,
    next_look: Option<Instant>,
    next_list: Option<Instant>,
    is_started: bool,
}

impl<F: FnMut(Told)> State<F> {
    fn new(settings: Settings, tell: F) -> io::Result<Self> {
        let namespaces = Namespaces::new(settings.netns_folder.clone())?;
        let own = Watched::open(
            Netns::own(),
            subscription(&settings),
            settings.wants_addresses,
        )?;
        let next_list = settings.poll_period.map(|period| Instant::now() + period);
        Ok(Self {
            settings,
            tell,
            watched: vec![own],
            namespaces,
            failed: HashSet::new(),
            folder: None,
            unfinished_looks: 0,
            next_look: Some(Instant::now()),
            next_list,
            is_started: false,
        })
    }

    fn run(&mut self, stopped: &UnixStream) {
        let own = Arc::clone(&self.watched[0].netns);
        (self.tell)(Told::Subscribed(own));
        loop {
            let now = Instant::now();
            if self.next_look.is_some_and(|at| at <= now) {
                self.look_at_folder();
            }
            if self.next_list.is_some_and(|at| at <= now) {
                self.list_all();
            }
            self.read_all();
            if !self.wait(stopped) {
                return;
            }
        }
    }

    /// Waits for something to do; false when told to stop.
    fn wait(&self, stopped: &UnixStream) -> bool {
        let mut fds = vec![PollFd::new(stopped.as_fd(), PollFlags::POLLIN)];
        fds.extend(
            self.folder
                .iter()
                .map(|folder| PollFd::new(folder.as_fd(), PollFlags::POLLIN)),
        );
        fds.extend(
            self.watched
                .iter()
                .filter(|watched| !watched.is_broken())
                .map(|watched| PollFd::new(watched.socket.as_fd(), PollFlags::POLLIN)),
        );
        let reopen = self.watched.iter().map(|watched| watched.reopen_at);
        let next = [self.next_look, self.next_list].into_iter().chain(reopen);
        let next = next.flatten().min();
        let timeout = next.map_or(PollTimeout::NONE, |at| {
            // Rounded up: waking a fraction of a millisecond early would spin.
            let wait = at
                .saturating_duration_since(Instant::now())
                .as_millis()
                .min(60_000) as u16
                + 1;
            PollTimeout::from(wait)
        });
        let _ = poll(&mut fds, timeout);
        // The other end is closed: end of file. Nothing is ever written.
        let mut stopped = stopped;
        !matches!(stopped.read(&mut [0]), Ok(0))
    }

    fn read_all(&mut self) {
        let mut events = Vec::new();
        if let Some(Ok(changes)) = self.folder.as_ref().map(Inotify::read_events) {
            if changes
                .iter()
                .any(|change| change.mask.contains(AddWatchFlags::IN_IGNORED))
            {
                self.folder = None;
            }
            self.unfinished_looks = 0;
            self.look_at_folder();
        }
        let whole = |watched: &&mut Watched| !watched.is_broken();
        for watched in self.watched.iter_mut().filter(whole) {
            if let Err(error) = watched.read(&mut events) {
                warn!(netns = %watched.netns.name, %error, "cannot list interfaces, trying again in {RETRY_FAILED_PERIOD:?}");
                watched.fail(Instant::now() + RETRY_FAILED_PERIOD);
            }
        }
        let is_changed = !events.is_empty();
        self.tell_all(events);
        self.reopen_broken();
        if is_changed {
            let links = self.watched.iter().map(|watched| watched.table.len()).sum();
            (self.tell)(Told::Links(links));
        }
        if !self.is_started && self.watched.iter().all(|watched| !watched.is_listing) {
            self.is_started = true;
            (self.tell)(Told::Started);
        }
    }

    fn tell_all(&mut self, events: Vec<Event>) {
        for event in events {
            (self.tell)(Told::Event(event));
        }
    }

    /// A namespace whose socket failed keeps its table, and hears the differences from a new one.
    fn reopen_broken(&mut self) {
        let subscription = subscription(&self.settings);
        let (mut failed, now) = (Vec::new(), Instant::now());
        let due = |watched: &&mut Watched| watched.reopen_at.is_some_and(|at| at <= now);
        for watched in self.watched.iter_mut().filter(due) {
            if let Err(error) = watched.reopen(subscription) {
                watched.fail(now + RETRY_FAILED_PERIOD);
                failed.push((watched.netns.name.to_string(), error));
            }
        }
        for (name, error) in failed {
            self.tell_failed(name, error);
        }
    }

    /// Tells once of a namespace that cannot be watched, and tries it again later.
    fn tell_failed(&mut self, name: String, error: io::Error) {
        self.look_in(RETRY_FAILED_PERIOD);
        if self.failed.insert(name.clone()) {
            (self.tell)(Told::NamespaceFailed { name, error });
        }
    }

    fn look_in(&mut self, wait: Duration) {
        let at = Instant::now() + wait;
        self.next_look = Some(self.next_look.map_or(at, |next| next.min(at)));
    }

    /// Takes in which names there are under the folder.
    fn look_at_folder(&mut self) {
        self.next_look = None;
        if self.folder.is_none() {
            self.folder = watch_folder(&self.settings.netns_folder);
        }
        let difference = match self.namespaces.refresh() {
            Ok(difference) => difference,
            Err(error) => {
                if self.unfinished_looks == 0 {
                    let folder = self.settings.netns_folder.display();
                    warn!(%error, "cannot read {folder}: interfaces of other network namespaces are not watched");
                }
                self.unfinished_looks = 1;
                self.look_in(RETRY_PERIOD);
                return;
            }
        };
        for id in difference.removed {
            self.remove(id);
        }
        let (added, failed, watched) = (&difference.added, &difference.failed, &self.watched);
        self.failed.retain(|name| {
            added.iter().any(|netns| *netns.name == **name)
                || failed.iter().any(|(failed, _)| failed == name)
                || watched
                    .iter()
                    .any(|watched| watched.is_broken() && *watched.netns.name == **name)
        });
        for netns in difference.added {
            self.add(netns);
        }
        for (name, error) in difference.failed {
            self.tell_failed(name, error);
        }
        if self.folder.is_none() {
            self.look_in(RETRY_PERIOD);
        } else if difference.is_unfinished && self.unfinished_looks < UNFINISHED_LOOKS_MAX {
            self.unfinished_looks += 1;
            self.look_in(UNFINISHED_PERIOD);
        }
    }

    fn add(&mut self, netns: Arc<Netns>) {
        let settings = &self.settings;
        match Watched::open(
            Arc::clone(&netns),
            subscription(settings),
            settings.wants_addresses,
        ) {
            Ok(watched) => {
                self.failed.remove(&*netns.name);
                self.watched.push(watched);
                (self.tell)(Told::Subscribed(netns));
            }
            Err(error) => {
                self.namespaces.forget(netns.id);
                self.tell_failed(netns.name.to_string(), error);
            }
        }
    }

    /// Ends the watch of a namespace whose last name is gone. Its handle and socket go too: they would keep it alive.
    fn remove(&mut self, id: NetnsId) {
        let Some(position) = self
            .watched
            .iter()
            .position(|watched| watched.netns.id == id)
        else {
            return;
        };
        let mut watched = self.watched.remove(position);
        let mut events = Vec::new();
        watched.table.clear(&mut events);
        self.tell_all(events);
        (self.tell)(Told::Unsubscribed(watched.netns));
    }

    fn list_all(&mut self) {
        self.next_list = self
            .settings
            .poll_period
            .map(|period| Instant::now() + period);
        for watched in self
            .watched
            .iter_mut()
            .filter(|watched| !watched.is_broken())
        {
            if watched.list().is_err() {
                watched.fail(Instant::now() + RETRY_FAILED_PERIOD);
            }
        }
    }
}

fn subscription(settings: &Settings) -> Subscription {
    match (settings.poll_period, settings.wants_addresses) {
        (Some(_), _) => Subscription::Nothing,
        (None, true) => Subscription::LinksAndAddresses,
        (None, false) => Subscription::Links,
    }
}

/// `None` while the folder does not exist.
fn watch_folder(folder: &std::path::Path) -> Option<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok()?;
    let changes = AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM;
    inotify.add_watch(folder, changes).ok().map(|_| inotify)
}

#[cfg(test)]
mod tests;
