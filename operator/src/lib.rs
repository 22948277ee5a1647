//! The operator: one custom resource becomes a running network-observability stack. See `ARCHITECTURE.md`.

mod api_client;
pub mod apis;
pub mod app;
pub mod certificates;
pub mod cli;
pub mod cluster;
pub mod deployment;
pub mod desired;
pub mod effective;
pub mod health;
pub mod http;
pub mod leader;
pub mod listener;
pub mod metrics;
pub mod object;
pub mod own_certificate;
pub mod owned;
pub mod reconcile;
pub mod refusal;
pub mod scope;
pub mod status;
pub mod telemetry;
pub mod tls;
pub mod version;
pub mod webhooks;
