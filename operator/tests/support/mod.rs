//! What the tests against a real API server share: a control plane, the manager as a process, and waiting.
#![allow(
    dead_code,
    unused_imports,
    reason = "the benchmark does not use all of it"
)]

pub mod audit;
pub mod control_plane;
pub mod cutter;
pub mod manager;
pub mod properties;
pub mod rights;
pub mod snapshot;
pub mod tools;
pub mod wait;
pub mod world;

pub use control_plane::ControlPlane;
pub use manager::{Manager, free_port};
pub use snapshot::Snapshot;
pub use wait::eventually;
pub use world::World;
