//! The built-in store as a source: queries run on blocking threads, bounded in number and time, and
//! are given up when the client goes away.
//!
//! **Invariant:** a query that nobody waits for any more is cancelled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{
    Answer, Cost, Matrix, Place, Records, Refusal, Source, SourceError, SourceLimits, Values,
};
use crate::fields::dictionary;
use crate::metrics::Metrics;
use crate::query::plan::{MetricsPlan, RecordsPlan, ValuesPlan};
use crate::query::store as translate;
use crate::store::query::{Control, QueryStats};
use crate::store::{Store, StoreError};

/// The store with the bounds of its queries.
#[derive(Clone)]
pub struct StoreSource {
    store: Store,
    permits: Arc<Semaphore>,
    limits: SourceLimits,
    timeout: Duration,
    metrics: Metrics,
}

impl StoreSource {
    /// Bounds queries to `queries_max` at once and `timeout` each.
    pub fn new(
        store: Store,
        queries_max: usize,
        timeout: Duration,
        records_max: usize,
        retention: Duration,
        metrics: Metrics,
    ) -> Self {
        let limits = SourceLimits {
            records_max,
            query_timeout_s: timeout.as_secs_f64(),
            retention_s: retention.as_secs_f64(),
        };
        Self {
            store,
            permits: Arc::new(Semaphore::new(queries_max)),
            limits,
            timeout,
            metrics,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Store, &Control) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(T, Place), SourceError> {
        let started = Instant::now();
        let result = self.run_bounded(started + self.timeout, query).await;
        let code = match &result {
            Ok(_) => 200,
            Err(SourceError::Refused { status, .. }) => *status,
            Err(error) => error.status(),
        };
        self.metrics.source_call(code, started.elapsed());
        result
    }

    async fn run_bounded<T: Send + 'static>(
        &self,
        deadline: Instant,
        query: impl FnOnce(&Store, &Control) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(T, Place), SourceError> {
        let busy = || SourceError::Refused {
            status: 429,
            message:
                "too many outstanding requests; try again, or raise store.limits.concurrentQueries"
                    .to_owned(),
        };
        let permit = tokio::time::timeout_at(deadline.into(), self.permits.clone().acquire_owned())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let cancel = CancellationToken::new();
        // Dropped with this future, that is when the client goes away.
        let _cancel_on_drop = cancel.clone().drop_guard();
        let store = self.store.clone();
        let work = tokio::task::spawn_blocking(move || {
            let answer = query(&store, &Control { deadline, cancel });
            answer.map(|answer| (answer, Place::from(permit)))
        });
        match work.await {
            Ok(result) => result.map_err(map_error),
            Err(_) => Err(SourceError::Unavailable(
                "the query failed in the store; see the log".to_owned(),
            )),
        }
    }
}

impl Source for StoreSource {
    fn records(&self, plan: RecordsPlan) -> Answer<'_, Records> {
        Box::pin(async move {
            let records_max = self.limits.records_max;
            if let Some(limit) = plan.limit.filter(|limit| *limit > records_max) {
                return Err(SourceError::Refused {
                    status: 400,
                    message: format!(
                        "max entries limit per query exceeded, limit > max_entries_limit ({limit} > {records_max})"
                    ),
                });
            }
            let query = translate::records(dictionary(), &plan, records_max)?;
            let limit = query.limit;
            let (answer, place) = self
                .run(move |store, control| store.records(&query, control))
                .await?;
            let is_limited = answer.records.len() >= limit;
            Ok(Records {
                records: answer.records,
                is_limited,
                cost: cost(answer.stats),
                place,
            })
        })
    }

    fn metrics(&self, plan: MetricsPlan) -> Answer<'_, Matrix> {
        Box::pin(async move {
            let query = translate::metrics(dictionary(), &plan)?;
            let (answer, place) = self
                .run(move |store, control| store.aggregate(&query, control))
                .await?;
            Ok(Matrix {
                series: answer.series,
                cost: cost(answer.stats),
                place,
            })
        })
    }

    fn values(&self, plan: ValuesPlan) -> Answer<'_, Values> {
        Box::pin(async move {
            let query = translate::values(dictionary(), &plan)?;
            // At most some thousand texts, so that the place is free again at once.
            let (answer, _) = self
                .run(move |store, control| store.values(&query, control))
                .await?;
            Ok(Values {
                values: answer.values,
                is_limited: answer.is_limited,
            })
        })
    }

    fn limits(&self) -> SourceLimits {
        self.limits
    }

    fn fault(&self) -> Option<String> {
        self.store.fault()
    }

    fn refusal(&self) -> Option<Refusal> {
        self.store.refusal()
    }

    fn damaged(&self) -> Vec<(i64, i64)> {
        self.store.damaged()
    }
}

fn cost(stats: QueryStats) -> Cost {
    Cost {
        rows_scanned: stats.rows_scanned,
        files: stats.files,
        seconds: Duration::from_micros(stats.elapsed_us).as_secs_f64(),
    }
}

/// The status is the one Loki has for the case, since pages look for its texts.
fn map_error(error: StoreError) -> SourceError {
    let refused = |status, message: String| SourceError::Refused { status, message };
    match error {
        StoreError::InvalidQuery(message) => refused(400, message),
        StoreError::Deadline => refused(504, format!("context deadline exceeded: {error}")),
        StoreError::Cancelled => refused(499, error.to_string()),
        StoreError::QueryMemory { .. } => {
            refused(500, format!("maximum of series reached: {error}"))
        }
        other => SourceError::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests;
