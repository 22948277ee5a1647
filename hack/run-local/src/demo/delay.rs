//! A slow line between two TAP devices. Not every kernel has netem, and it would need tc.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::Result;
use tappers::Tap;

/// Frames on the line; more are dropped, as a router would.
const FRAMES_MAX: usize = 4096;
const FRAME_BYTES_MAX: usize = 65_536;

type Frame = (Instant, Vec<u8>);

/// Joins both ends; a frame leaves the other end `delay` after it came in.
pub fn line(one: Tap, other: Tap, delay: Duration) -> Result<()> {
    let (one, other) = (Arc::new(one), Arc::new(other));
    direction(Arc::clone(&one), Arc::clone(&other), delay)?;
    direction(other, one, delay)
}

fn direction(from: Arc<Tap>, to: Arc<Tap>, delay: Duration) -> Result<()> {
    let (sender, receiver) = sync_channel(FRAMES_MAX);
    std::thread::Builder::new()
        .name("line in".to_owned())
        .spawn(move || take(&from, &sender, delay))?;
    std::thread::Builder::new()
        .name("line out".to_owned())
        .spawn(move || give(&to, &receiver))?;
    Ok(())
}

fn take(from: &Tap, sender: &SyncSender<Frame>, delay: Duration) {
    let mut buffer = vec![0; FRAME_BYTES_MAX];
    loop {
        let Ok(length) = from.recv(&mut buffer) else {
            // The device is down until its namespace is set up.
            std::thread::sleep(delay);
            continue;
        };
        let frame = (Instant::now() + delay, buffer[..length].to_vec());
        if matches!(sender.try_send(frame), Err(TrySendError::Disconnected(_))) {
            return;
        }
    }
}

fn give(to: &Tap, receiver: &Receiver<Frame>) {
    while let Ok((due, frame)) = receiver.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // A line that is down loses frames.
        let _ = to.send(&frame);
    }
}
