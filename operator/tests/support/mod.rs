//! What the tests against a real API server share: a control plane, the manager as a process, and waiting.
#![allow(dead_code, reason = "no test file uses all of it")]

pub mod control_plane;
pub mod manager;
pub mod wait;

pub use control_plane::ControlPlane;
pub use manager::Manager;
pub use wait::eventually;
