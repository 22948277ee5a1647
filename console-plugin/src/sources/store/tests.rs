#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::store::config::StoreConfig;

fn source(folder: &std::path::Path, timeout: Duration) -> StoreSource {
    let store = Store::open(StoreConfig::at(folder)).unwrap();
    StoreSource::new(
        store,
        1,
        timeout,
        100,
        Duration::from_hours(1),
        Metrics::new(|_| {}),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_nobody_waits_for_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), Duration::from_mins(10));
    let (told, ended) = tokio::sync::oneshot::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let query = source.run(move |_, control| {
        begun.send(()).unwrap();
        while !control.cancel.is_cancelled() {
            std::thread::yield_now();
        }
        told.send(()).unwrap();
        Err::<(), _>(StoreError::Cancelled)
    });
    tokio::select! {
        _ = query => panic!("it ended before it was given up"),
        begun = has_begun => begun.unwrap(),
    }
    // The query's future is dropped here, as it is when a client goes away.
    tokio::time::timeout(Duration::from_mins(1), ended)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_waits_for_room_until_its_own_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path(), Duration::from_millis(50));
    let permit = source.permits.clone().acquire_owned().await.unwrap();
    let error = source.run(|_, _| Ok(())).await.unwrap_err();
    assert!(
        error.to_string().starts_with(
            "Error from Loki query: [429] Loki message: too many outstanding requests"
        )
    );
    assert_eq!(error.status(), 400);
    drop(permit);
    let ((), place) = source.run(|_, _| Ok(())).await.unwrap();
    // An answer whose bytes are not made yet takes a place as a query does.
    assert!(source.run(|_, _| Ok(())).await.is_err());
    drop(place);
    source.run(|_, _| Ok(())).await.unwrap();
    assert!(
        source
            .metrics
            .text()
            .contains("netobserv_loki_calls_duration_count{code=\"429\"} 2")
    );
}

#[test]
fn errors_carry_the_status_loki_would_have() {
    for (error, status, part) in [
        (
            StoreError::InvalidQuery("x".into()),
            400,
            "[400] Loki message: x",
        ),
        (
            StoreError::Deadline,
            400,
            "[504] Loki message: context deadline exceeded",
        ),
        (
            StoreError::QueryMemory { limit: 7 },
            400,
            "[500] Loki message: maximum of series reached: the query needs more than what is left of the 7 bytes",
        ),
        (StoreError::Closed, 503, "shutting down"),
    ] {
        let mapped = map_error(error);
        assert_eq!(mapped.status(), status);
        assert!(mapped.to_string().contains(part), "{mapped}");
    }
}
