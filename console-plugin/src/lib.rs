//! Console back end: HTTP API, page, and built-in flow store.
//!
//! `app` puts everything together; see `ARCHITECTURE.md` for the map.
//! **Invariant:** arrows point inwards: `query` and `answer` are pure, `sources`, `losses` and
//! `store` do the I/O, `api` speaks HTTP, and only `app` knows them all.

pub mod answer;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod durable;
pub mod fields;
pub mod health;
pub mod hosts;
pub mod http;
pub mod losses;
pub mod metrics;
pub mod query;
pub mod sources;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod version;
