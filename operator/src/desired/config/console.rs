//! The console's `config.yaml`. NetObserv's own console reads it too, but for the blocks `store` and `losses`, which are
//! there only where flows are kept in the store built into ours.

mod features;
mod frontend;
mod loki;
mod prometheus;
mod scopes;
mod server;
mod store;
mod tables;

pub use self::server::add_certificate;

use serde::Serialize;
use serde::ser::Error as _;
use serde_with::skip_serializing_none;

use super::digest;
use crate::apis::flowcollector::v1beta2::shared::ReferenceKind;
use crate::desired::Context;
use crate::desired::volumes::Volumes;
use crate::object::ObjectError;
use crate::scope::console as scope;

/// Folder of the configuration in the container.
pub const CONFIG_FOLDER: &str = "/opt/app-root/";

/// The text, and the volumes that it refers to.
#[derive(Debug)]
pub struct Rendered {
    /// For the ConfigMap.
    pub text: String,
    /// Of the text: the console reads it only at its start.
    pub digest: String,
    /// The configuration itself, certificates, tokens.
    pub volumes: Volumes,
    /// What the page cannot show, and why.
    pub notes: Vec<String>,
}

#[skip_serializing_none]
#[derive(Serialize)]
struct Config {
    server: server::Server,
    loki: Option<loki::Loki>,
    prometheus: Option<prometheus::Prometheus>,
    store: Option<store::Store>,
    losses: Option<store::Losses>,
    frontend: frontend::Frontend,
}

/// Renders it.
pub fn console(context: &Context) -> Result<Rendered, ObjectError> {
    let mut volumes = Volumes::default();
    volumes.add_read_only(
        "config-volume",
        ReferenceKind::ConfigMap,
        scope::CONFIG,
        CONFIG_FOLDER,
    );
    let server = server::of(context, &mut volumes);
    let loki = loki::of(context, &mut volumes);
    let prometheus = prometheus::of(context, &mut volumes);
    let store = store::of(context, &mut volumes);
    let config = Config {
        server,
        loki,
        prometheus,
        losses: store.as_ref().map(|_| store::losses(context, &mut volumes)),
        store,
        frontend: frontend::of(context),
    };
    // All texts are quoted: readers differ in what else a plain word may be.
    let options = serde_saphyr::ser_options! { quote_all: true };
    let text = serde_saphyr::to_string_with_options(&config, options).map_err(|error| {
        ObjectError::Serialize {
            kind: "console configuration".to_owned(),
            source: serde_json::Error::custom(error),
        }
    })?;
    let mut notes = scopes::notes(context, &features::of(context.effective));
    notes.extend(frontend::note(context));
    Ok(Rendered {
        digest: digest::of(&text),
        text,
        volumes,
        notes,
    })
}
