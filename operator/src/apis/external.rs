//! Kinds of other projects that we make: only the fields that we set.
//!
//! **Invariant:** says nothing about whether a cluster has them; `cluster::Facts` knows.

pub mod bpfman;
pub mod monitoring;
pub mod openshift;
