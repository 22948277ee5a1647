//! The console's pod.

use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{
    Container, EnvVar, HTTPGetAction, PodSecurityContext, PodSpec, PodTemplateSpec, Probe,
    TCPSocketAction, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{is_standalone, versioned};
use crate::desired::Context;
use crate::desired::build::{restricted, schedule, selector, texts, variable};
use crate::desired::config::{CONSOLE_FOLDER, RenderedConsole};
use crate::scope::{annotation, console as scope};

/// Group that may write to the volume of the store. OpenShift gives each namespace one of its own.
const STORE_GROUP: i64 = 10001;
/// Probes, one each 10 s, that a store has to open: ten minutes, for what it reads back after a crash.
const STORE_START_PROBES: i32 = 60;

pub fn deployment(context: &Context, image: &str, rendered: RenderedConsole) -> Deployment {
    let effective = context.effective;
    let metadata = versioned(context, scope::NAME, image);
    let template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: metadata.labels.clone(),
            annotations: Some(texts([(annotation::CONFIG_DIGEST, &rendered.digest)])),
            ..ObjectMeta::default()
        }),
        spec: Some(pod(context, image, rendered)),
    };
    Deployment {
        metadata,
        spec: DeploymentSpec {
            replicas: effective.console_replicas(),
            selector: selector(scope::NAME),
            strategy: Some(strategy(effective.uses_embedded_store())),
            template,
            ..DeploymentSpec::default()
        },
        status: None,
    }
}

/// One pod at a time writes to the store. Otherwise Kubernetes' own default, said in full: only what we claim goes when
/// the strategy changes, and with a left-over `rollingUpdate` the API server refuses `Recreate`.
fn strategy(has_store: bool) -> DeploymentStrategy {
    let quarter = || Some(IntOrString::String("25%".to_owned()));
    DeploymentStrategy {
        type_: Some(
            if has_store {
                "Recreate"
            } else {
                "RollingUpdate"
            }
            .to_owned(),
        ),
        rolling_update: (!has_store).then(|| RollingUpdateDeployment {
            max_surge: quarter(),
            max_unavailable: quarter(),
        }),
    }
}

fn pod(context: &Context, image: &str, rendered: RenderedConsole) -> PodSpec {
    let effective = context.effective;
    let needs_group = effective.uses_embedded_store() && !context.facts.is_openshift();
    let (volumes, mounts) = rendered.volumes.into_parts();
    let pod = PodSpec {
        service_account_name: Some(scope::NAME.to_owned()),
        security_context: needs_group.then(|| PodSecurityContext {
            fs_group: Some(STORE_GROUP),
            fs_group_change_policy: Some("OnRootMismatch".to_owned()),
            ..PodSecurityContext::default()
        }),
        volumes,
        containers: vec![container(context, image, mounts)],
        ..PodSpec::default()
    };
    schedule(pod, effective.console_scheduling())
}

fn container(context: &Context, image: &str, mounts: Option<Vec<VolumeMount>>) -> Container {
    let effective = context.effective;
    let console = &effective.console;
    Container {
        name: scope::NAME.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: console.image_pull_policy.map(|policy| policy.to_string()),
        args: Some(arguments(context)),
        env: Some(environment(context)),
        liveness_probe: Some(probe(context, "/live")),
        readiness_probe: Some(probe(context, "/ready")),
        startup_probe: effective.uses_embedded_store().then(|| Probe {
            failure_threshold: Some(STORE_START_PROBES),
            ..probe(context, "/live")
        }),
        resources: effective.console_resources(),
        security_context: Some(restricted()),
        volume_mounts: mounts,
        ..Container::default()
    }
}

/// Ours, then the user's, so that these win.
fn arguments(context: &Context) -> Vec<String> {
    let console = &context.effective.console;
    let level = console.log_level.map(|level| level.to_string());
    let mut arguments = vec![
        "-loglevel".to_owned(),
        level.unwrap_or_else(|| "info".to_owned()),
        "-config".to_owned(),
        format!("{CONSOLE_FOLDER}{}", scope::CONFIG_KEY),
    ];
    let advanced = console.advanced.as_ref();
    arguments.extend(
        advanced
            .and_then(|advanced| advanced.args.clone())
            .unwrap_or_default(),
    );
    arguments
}

/// The user's variables, sorted, and ours if the user does not set it.
fn environment(context: &Context) -> Vec<EnvVar> {
    let advanced = context.effective.console.advanced.as_ref();
    let given = advanced
        .and_then(|advanced| advanced.env.clone())
        .unwrap_or_default();
    let name = "GODEBUG";
    let ours = (!given.contains_key(name)).then(|| variable(name, "http2server=0"));
    given
        .iter()
        .map(|(name, value)| variable(name, value))
        .chain(ours)
        .collect()
}

/// NetObserv's console says nothing about its health, so it is enough that it accepts connections; the one with the store
/// is always ours.
fn probe(context: &Context, path: &str) -> Probe {
    let effective = context.effective;
    let probe = Probe {
        timeout_seconds: Some(5),
        period_seconds: Some(10),
        ..Probe::default()
    };
    if effective.uses_embedded_store() {
        let scheme = if is_standalone(context) {
            "HTTP"
        } else {
            "HTTPS"
        };
        return Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.to_owned()),
                port: IntOrString::Int(scope::METRICS_PORT.into()),
                scheme: Some(scheme.to_owned()),
                ..HTTPGetAction::default()
            }),
            ..probe
        };
    }
    Probe {
        tcp_socket: Some(TCPSocketAction {
            port: IntOrString::Int(effective.console_port().into()),
            host: None,
        }),
        ..probe
    }
}
