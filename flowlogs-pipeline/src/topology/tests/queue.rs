//! Tests of one queue and of the way into several.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{batch, only};
use crate::metrics::Counter;
use crate::model::{Batch, RECORD_MEMORY, Record};
use crate::topology::inlet::{Closed, Inlet, Outlet};
use crate::topology::queue::{NotSent, Queue};

fn message(batches: &[usize]) -> Vec<Arc<Batch>> {
    batches
        .iter()
        .map(|records| batch(*records).into())
        .collect()
}

fn put(queue: &Queue, records: usize) {
    let room = queue.try_reserve(records).unwrap();
    queue.put(room, message(&[records])).unwrap();
}

/// One look at a future, as a runtime takes it.
fn look<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn room_is_given_in_the_order_of_asking() {
    let queue = Queue::new(10);
    queue.add_sender();
    put(&queue, 5);
    put(&queue, 5);
    let (mut first, mut second) = (pin!(queue.reserve(7)), pin!(queue.reserve(1)));
    assert!(look(first.as_mut()).is_pending());
    assert!(look(second.as_mut()).is_pending());
    queue.next().unwrap();
    // There is room for the second one, but it is not its turn, nor that of one who asks now.
    assert!(look(second.as_mut()).is_pending());
    assert_eq!(queue.try_reserve(1).err(), Some(NotSent::Full));
    assert!(look(first.as_mut()).is_pending());
    queue.next().unwrap();
    let Poll::Ready(Ok(room)) = look(first.as_mut()) else {
        panic!("no room");
    };
    assert!(look(second.as_mut()).is_ready());
    queue.put(room, message(&[3, 4])).unwrap();
    queue.remove_sender();
    assert_eq!(queue.next().unwrap().len(), 3);
    assert_eq!(queue.next().unwrap().len(), 4);
    assert!(queue.next().is_none());
}

#[test]
fn a_heavy_record_counts_as_many_and_one_beyond_the_bound_passes_alone() {
    let heavy = |memory| vec![Arc::new(Batch::with_memory(vec![Record::new()], memory))];
    for (memory, weight, left) in [
        (0, 1, 9),
        (RECORD_MEMORY, 1, 9),
        (RECORD_MEMORY + 1, 2, 8),
        (9 * RECORD_MEMORY, 9, 1),
        (100 * RECORD_MEMORY, 100, 0),
    ] {
        let queue = Queue::new(10);
        queue.add_sender();
        let message = heavy(memory);
        assert_eq!(message[0].weight(), weight);
        let room = queue.try_reserve(weight).unwrap();
        queue.put(room, message).unwrap();
        assert_eq!(queue.try_reserve(left + 1).err(), Some(NotSent::Full));
        assert!(queue.try_reserve(left).is_ok());
        queue.next().unwrap();
        assert!(queue.try_reserve(10).is_ok(), "{memory}");
    }
}

#[test]
fn a_closed_queue_refuses_and_counts_what_was_left_and_what_is_said_to_be_lost() {
    let (queue, lost) = (Queue::new(10), Counter::default());
    queue.add_sender();
    put(&queue, 7);
    put(&queue, 2);
    let room = queue.try_reserve(1).unwrap();
    let mut waiting = pin!(queue.reserve(1));
    assert!(look(waiting.as_mut()).is_pending());
    assert_eq!(queue.next().unwrap().len(), 7);
    assert_eq!((queue.close(&lost), queue.abandon(&lost)), (2, 7));
    assert_eq!((queue.close(&lost), queue.abandon(&lost)), (0, 0));
    assert_eq!(queue.put(room, message(&[1])), Err(NotSent::Closed));
    assert_eq!(queue.try_reserve(1).err(), Some(NotSent::Closed));
    assert_eq!(lost.get(), 9);
    queue.lose(1);
    assert_eq!(lost.get(), 10);
    assert!(queue.next().is_none());
}

/// Two queues for 10 behind one inlet, their counters of dropped records, and one of lost ones.
fn siblings(patience: Duration) -> (Inlet, [Arc<Queue>; 2], [Counter; 2], Counter) {
    let queues = [Arc::new(Queue::new(10)), Arc::new(Queue::new(10))];
    let dropped = [Counter::default(), Counter::default()];
    let outlets = queues
        .iter()
        .zip(&dropped)
        .map(|(queue, dropped)| Outlet::new(Arc::clone(queue), Some(patience), dropped.clone()));
    let inlet = Inlet::new(outlets.collect());
    (inlet, queues, dropped, Counter::default())
}

#[test]
fn a_send_that_is_given_up_while_it_waits_has_sent_nothing() {
    let queue = Arc::new(Queue::new(10));
    let inlet = only(&queue);
    put(&queue, 6);
    {
        let mut send = pin!(inlet.send(message(&[3, 5])));
        assert!(look(send.as_mut()).is_pending());
    }
    assert_eq!((queue.len(), queue.next().unwrap().len()), (1, 6));
    assert!(look(pin!(inlet.send(message(&[3, 5])))).is_ready());
    assert_eq!(queue.len(), 2);
}

#[tokio::test]
async fn a_message_waits_for_its_slowest_follower_before_any_takes_it() {
    let (inlet, [first, last], dropped, _) = siblings(super::PATIENCE);
    put(&last, 10);
    let mut send = pin!(inlet.send(message(&[3, 5])));
    assert!(look(send.as_mut()).is_pending());
    assert_eq!((first.len(), last.len()), (0, 1));
    last.next().unwrap();
    send.await.unwrap();
    assert_eq!((first.len(), last.len()), (2, 2));
    assert!(dropped.iter().all(|dropped| dropped.get() == 0));
}

#[tokio::test]
async fn only_a_message_that_nobody_takes_is_refused() {
    let (inlet, queues, dropped, lost) = siblings(Duration::ZERO);
    queues[0].close(&lost);
    inlet.send(message(&[4])).await.unwrap();
    assert_eq!((queues[1].len(), lost.get()), (1, 4));
    // Full, and counted as such.
    inlet.send(message(&[7])).await.unwrap();
    assert_eq!((dropped[1].get(), lost.get()), (7, 11));
    assert_eq!(queues[1].close(&lost), 4);
    assert_eq!(inlet.send(message(&[1])).await, Err(Closed));
    assert_eq!(lost.get(), 15);
    inlet.send_or_lose(message(&[1])).await;
    // Once for each branch.
    assert_eq!(lost.get(), 17);
}

#[tokio::test(start_paused = true)]
async fn the_patience_is_given_back_when_the_queue_has_drained_to_half() {
    let (inlet, [full, other], [dropped, _], _) = siblings(Duration::from_millis(40));
    put(&full, 10);
    inlet.send(message(&[2])).await.unwrap();
    assert_eq!(dropped.get(), 2);
    // Spent: nothing waits any more, though some is taken when there is room.
    assert!(look(pin!(inlet.send(message(&[2])))).is_ready());
    assert_eq!(dropped.get(), 4);
    full.next().unwrap();
    assert!(look(pin!(inlet.send(message(&[2])))).is_ready());
    assert_eq!((dropped.get(), full.len()), (4, 1));
    while !other.is_below_half() {
        other.next().unwrap();
    }
    // It was below half then: there is patience again.
    assert!(look(pin!(inlet.send(message(&[9])))).is_pending());
}
