//! The connections of one server: how many there may be, and which one goes when one more comes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// All connections of a server.
#[derive(Clone)]
pub struct Connections {
    permits: Arc<Semaphore>,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    /// Grows with each event, so that it tells which was first.
    clock: u64,
    by_id: BTreeMap<u64, State>,
}

struct State {
    /// Whether it ever sent a request.
    is_known: bool,
    /// Requests that are being answered.
    requests: usize,
    /// When the last request began or ended.
    last: u64,
    close: CancellationToken,
}

/// One connection; gone when this is dropped.
pub struct Connection {
    id: u64,
    open: Arc<Mutex<Open>>,
    close: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

/// One request of a connection, until it is answered.
pub struct Request {
    id: u64,
    open: Arc<Mutex<Open>>,
}

impl Connections {
    /// At most so many at once.
    pub fn new(max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max)),
            open: Arc::default(),
        }
    }

    /// Room for one more. Where there is none, the connection that has been idle longest is closed, first of those that
    /// never sent a request: a peer that only connects keeps nobody out. Where all are busy, waits.
    pub async fn enter(&self) -> Option<Connection> {
        if self.permits.available_permits() == 0 {
            let open = lock(&self.open);
            let idle = open
                .by_id
                .values()
                .filter(|state| state.requests == 0 && !state.close.is_cancelled());
            if let Some(state) = idle.min_by_key(|state| (state.is_known, state.last)) {
                state.close.cancel();
            }
        }
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        let close = CancellationToken::new();
        let mut open = lock(&self.open);
        let id = open.tick();
        let state = State {
            is_known: false,
            requests: 0,
            last: id,
            close: close.clone(),
        };
        open.by_id.insert(id, state);
        Some(Connection {
            id,
            open: self.open.clone(),
            close,
            _permit: permit,
        })
    }
}

impl Connection {
    /// Cancelled when it must make room.
    pub fn close(&self) -> CancellationToken {
        self.close.clone()
    }

    /// Marks the beginning of requests.
    pub fn requests(&self) -> impl Fn() -> Request + Clone + Send + 'static {
        let (id, open) = (self.id, self.open.clone());
        move || {
            let mut locked = lock(&open);
            let now = locked.tick();
            if let Some(state) = locked.by_id.get_mut(&id) {
                state.is_known = true;
                state.requests += 1;
                state.last = now;
            }
            drop(locked);
            Request {
                id,
                open: open.clone(),
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.open).by_id.remove(&self.id);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        let now = open.tick();
        if let Some(state) = open.by_id.get_mut(&self.id) {
            state.requests -= 1;
            state.last = now;
        }
    }
}

impl Open {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}
