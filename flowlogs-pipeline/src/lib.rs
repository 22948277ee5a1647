//! The pipeline: receives flows, enriches and filters them, and hands them to metrics and writers.
//!
//! `main` calls [`app::run`]; tests and benches use the areas directly.
//! **Invariant:** arrows point inwards, `model` ← `config`, stages ← `topology` ← `app`
//! (`tests/architecture.rs` checks the imports).

pub mod app;
pub mod config;
pub mod encode;
pub mod health;
pub mod http;
pub mod ingest;
pub mod metrics;
pub mod model;
pub mod stage;
pub mod telemetry;
pub mod tls;
pub mod topology;
pub mod transform;
pub mod write;
