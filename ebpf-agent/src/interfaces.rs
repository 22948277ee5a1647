//! Interfaces of all network namespaces: what exists, what is watched, what it is called.
//!
//! `app` starts the watcher; its events go through `Selection` to the datapath thread; the encoder reads `Names`.
//!
//! **Invariant:** nothing here knows of kernel programs: it says which interfaces to attach to, not how.

pub mod filter;
mod link;
pub mod model;
pub mod names;
mod namespaces;
pub mod netns;
pub mod selection;
mod socket;
pub mod table;
pub mod watch;
mod watched;
