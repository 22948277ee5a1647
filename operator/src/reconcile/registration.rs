//! The list of plugins of OpenShift's console. The list is OpenShift's, and other programs and administrators write to it
//! too, so it is neither owned nor applied: server-side apply would claim all of it, since it is a list without keys. It is
//! read, and written only if a name must be added or removed, on the condition that nobody else wrote meanwhile.

use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::{Value, json};

use crate::cluster::Facts;
use crate::desired::Registration;
use crate::scope::{FIELD_MANAGER, console};

/// The API of the object with the list.
const API: &str = "consoles.operator.openshift.io/v1";
/// Writes that are tried when others write at the same time.
const ATTEMPTS_MAX: usize = 3;

/// Adds and removes names. A cluster without OpenShift's console has no list.
pub async fn register(
    client: &Client,
    facts: &Facts,
    registrations: &[Registration],
) -> Result<(), kube::Error> {
    if registrations.is_empty() || !facts.apis.contains(API) {
        return Ok(());
    }
    let kind = GroupVersionKind::gvk("operator.openshift.io", "v1", "Console");
    let resource = ApiResource::from_gvk_with_plural(&kind, "consoles");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    for attempt in 1.. {
        let object = api.get(console::REGISTRY).await?;
        let Some(plugins) = changed(&object.data["spec"]["plugins"], registrations) else {
            return Ok(());
        };
        let patch = json!({
            "metadata": {"resourceVersion": object.metadata.resource_version},
            "spec": {"plugins": plugins},
        });
        let parameters = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        match api
            .patch(console::REGISTRY, &parameters, &Patch::Merge(patch))
            .await
        {
            Ok(_) => {
                tracing::info!(
                    ?plugins,
                    "changed the list of plugins of OpenShift's console"
                );
                return Ok(());
            }
            Err(kube::Error::Api(status)) if status.is_conflict() && attempt < ATTEMPTS_MAX => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The list as it shall be; none if it is so.
fn changed(live: &Value, registrations: &[Registration]) -> Option<Vec<String>> {
    let live: Vec<String> = live
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let mut plugins = live.clone();
    for registration in registrations {
        let is_this = |name: &String| name == registration.plugin;
        if !registration.is_wanted {
            plugins.retain(|name| !is_this(name));
        } else if !plugins.iter().any(is_this) {
            plugins.push(registration.plugin.to_owned());
        }
    }
    (plugins != live).then_some(plugins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_added_at_the_end_and_removed_and_others_stay() {
        let ours = |plugin, is_wanted| Registration { plugin, is_wanted };
        for (live, wanted, expected) in [
            (json!(null), vec![ours("a", true)], Some(vec!["a"])),
            (
                json!(["x"]),
                vec![ours("a", true), ours("b", true)],
                Some(vec!["x", "a", "b"]),
            ),
            (json!(["a", "x"]), vec![ours("a", true)], None),
            (json!(["a", "x"]), vec![ours("a", false)], Some(vec!["x"])),
            (json!(["x"]), vec![ours("a", false)], None),
        ] {
            let expected =
                expected.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(changed(&live, &wanted), expected, "{live}");
        }
    }
}
