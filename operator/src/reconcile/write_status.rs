//! Writing the status of one of our resources.

use std::fmt::Debug;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{Api, PostParams};
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What became of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Written {
    /// It is there, or its object is gone.
    Done,
    /// The object changed meanwhile. That brings no run where users did not change it, so one must be asked for.
    Superseded,
}

/// How soon after a status was superseded: the watch has brought the change by then.
pub const AFTER_CONFLICT: Duration = Duration::from_secs(1);

/// Writes the status that the object holds.
pub async fn write_status<K>(api: &Api<K>, object: &mut K) -> Result<Written, kube::Error>
where
    K: Resource + Clone + Debug + DeserializeOwned + Serialize,
{
    object.meta_mut().managed_fields = None;
    let written = api
        .replace_status(&object.name_any(), &PostParams::default(), object)
        .await;
    match written {
        Ok(_) => Ok(Written::Done),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(Written::Done),
        Err(kube::Error::Api(status)) if status.is_conflict() => Ok(Written::Superseded),
        Err(error) => Err(error),
    }
}

/// Times in the status have whole seconds.
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
