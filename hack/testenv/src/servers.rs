//! The servers and tools, one file each, all of the same shape: `SERVER` with its pin, `fetch`, `launch`.

pub mod apiserver;
pub mod etcd;
pub mod helm;
pub mod kubectl;
pub mod kwok;
pub mod operator_verify;
