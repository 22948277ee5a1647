//! The blocks `store` and `losses`, where flows are kept in the store built into the console.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::duration::GoDuration;
use crate::apis::flowcollector::v1beta2::shared::ReferenceKind;
use crate::desired::volumes::Volumes;
use crate::desired::{Context, losses as targets};
use crate::object::quantity;
use crate::scope::store as scope;

/// Where the volume is mounted.
const FOLDER: &str = "/var/lib/netobserv";
/// Volume with the store's certificate and the authority of its writers.
const CERTIFICATE: &str = "store-certs";
/// Memory that one query may hold, unless the container has less than four times that.
const QUERY_MEMORY: i64 = 512 << 20;

#[skip_serializing_none]
#[derive(Serialize)]
pub struct Store {
    path: String,
    listen: String,
    tls: Tls,
    retention: Retention,
    limits: Option<Limits>,
}

#[derive(Serialize)]
struct Tls {
    #[serde(rename = "certPath")]
    certificate: String,
    #[serde(rename = "keyPath")]
    key: String,
    #[serde(rename = "clientCAPath")]
    client_authority: String,
}

#[skip_serializing_none]
#[derive(Serialize)]
struct Retention {
    age: Option<GoDuration>,
    bytes: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    query_memory: i64,
}

#[derive(Serialize)]
pub struct Losses {
    targets: Vec<targets::Target>,
}

/// None where flows are kept elsewhere.
pub fn of(context: &Context, volumes: &mut Volumes) -> Option<Store> {
    let effective = context.effective;
    if !effective.uses_embedded_store() {
        return None;
    }
    volumes.add_claim("store", scope::CLAIM, FOLDER);
    let certificates = format!("/var/{CERTIFICATE}");
    volumes.add_read_only(
        CERTIFICATE,
        ReferenceKind::Secret,
        scope::CERTIFICATE,
        &certificates,
    );
    let file = |name: &str| format!("{certificates}/{name}");
    let embedded = effective.loki.embedded.clone().unwrap_or_default();
    let resources = effective.console_resources();
    let limits = resources.and_then(|resources| resources.limits);
    let memory = limits
        .as_ref()
        .and_then(|limits| bytes(limits.get("memory")));
    let query_memory = memory.map(|memory| memory / 4);
    Some(Store {
        // Not the volume's root: file systems keep things of their own there.
        path: format!("{FOLDER}/flows"),
        listen: format!(":{}", scope::PORT),
        tls: Tls {
            certificate: file("tls.crt"),
            key: file("tls.key"),
            client_authority: file("ca.crt"),
        },
        retention: Retention {
            age: embedded.retention.and_then(|retention| retention.age),
            bytes: effective.store_bytes(),
        },
        limits: query_memory
            .filter(|memory| *memory < QUERY_MEMORY)
            .map(|query_memory| Limits { query_memory }),
    })
}

fn bytes(quantity: Option<&Quantity>) -> Option<i64> {
    i64::try_from(quantity::units(&quantity?.0)?).ok()
}

/// Whose loss counters the console reads.
pub fn losses(context: &Context, volumes: &mut Volumes) -> Losses {
    Losses {
        targets: targets::targets(context, volumes),
    }
}
