//! What an input of a fuzz target may cost, in heap and processor time, by its length.

use std::time::Duration;

/// What an input may cost.
pub struct Limits {
    /// Heap at the peak, in bytes: for any input, and for each of its bytes.
    pub heap: (u64, u64),
    /// Processor time, in an unoptimised build: for any input, and for each of its bytes.
    pub time: (Duration, Duration),
}

impl Limits {
    /// Does the work and asserts what it cost. Threads that it starts are not seen.
    pub fn hold<T>(&self, input: &[u8], work: impl FnOnce() -> T) -> T {
        let length = input.len() as u64;
        let mut result = None;
        let before = processor_time();
        let cost = allocation_counter::measure(|| result = Some(work()));
        let used = processor_time().saturating_sub(before);
        let heap = self.heap.0 + self.heap.1 * length;
        assert!(
            cost.bytes_max <= heap,
            "{length} bytes took {} bytes of heap, more than {heap}",
            cost.bytes_max
        );
        let time = self.time.0 + self.time.1 * length as u32;
        assert!(
            used <= time,
            "{length} bytes took {used:?}, more than {time:?}"
        );
        result.expect("the work has run")
    }
}

/// Processor time of this thread: unlike a clock it does not count what others do to the machine.
fn processor_time() -> Duration {
    let shown = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let used = shown.split_whitespace().next();
    Duration::from_nanos(used.and_then(|used| used.parse().ok()).unwrap_or(0))
}
