//! Where the agents send flows: to the pipeline of their node, to its Service, or to Kafka.

use k8s_openapi::api::core::v1::EnvVar;

use crate::apis::flowcollector::v1beta2::DeploymentModel;
use crate::apis::flowcollector::v1beta2::shared::SaslType;
use crate::desired::Context;
use crate::desired::build::{host_address, variable};
use crate::desired::service_tls::service_tls;
use crate::desired::volumes::Volumes;

/// Longest time a connection to the pipeline is kept: a new one spreads agents over new pods.
const RECONNECT: &str = "5m";
/// By how much that time varies, so that not all agents reconnect at once.
const RECONNECT_SPREAD: &str = "30s";
/// Bytes of a batch for each message in it.
const BATCH_BYTES_PER_MESSAGE: isize = 100;

/// Variables and, where there are certificates, volumes.
pub fn variables(context: &Context, volumes: &mut Volumes) -> Vec<EnvVar> {
    let port = context.effective.processor_port().to_string();
    match context.effective.deployment_model {
        DeploymentModel::Kafka => kafka(context, volumes),
        DeploymentModel::Direct => vec![
            variable("EXPORT", "grpc"),
            host_address("TARGET_HOST"),
            variable("TARGET_PORT", port),
        ],
        DeploymentModel::Service => {
            let mut variables = vec![variable("EXPORT", "grpc")];
            variables.extend(certificates(context, volumes));
            variables.extend([
                variable("TARGET_HOST", context.scope.pipeline_host()),
                variable("TARGET_PORT", port),
                variable("GRPC_RECONNECT_TIMER", RECONNECT),
                variable("GRPC_RECONNECT_TIMER_RANDOMIZATION", RECONNECT_SPREAD),
            ]);
            variables
        }
    }
}

fn certificates(context: &Context, volumes: &mut Volumes) -> Vec<EnvVar> {
    let Some(tls) = service_tls(context) else {
        return Vec::new();
    };
    let authority = volumes.add_file("netobserv-ca", tls.authority.as_ref());
    let mut variables = vec![variable("TARGET_TLS_CA_CERT_PATH", authority)];
    if tls.client.is_some() {
        let paths = volumes.add_certificate("client-certs", tls.client.as_ref());
        variables.push(variable("TARGET_TLS_USER_CERT_PATH", paths.certificate));
        variables.push(variable("TARGET_TLS_USER_KEY_PATH", paths.key));
    }
    variables
}

fn kafka(context: &Context, volumes: &mut Volumes) -> Vec<EnvVar> {
    let kafka = &context.effective.kafka;
    let bytes = context.effective.agent.kafka_batch_size.unwrap_or_default();
    let messages = bytes / BATCH_BYTES_PER_MESSAGE;
    let compression = kafka.compression.map(|codec| codec.to_string());
    let mut variables = vec![
        variable("EXPORT", "kafka"),
        variable("KAFKA_BROKERS", kafka.address.clone()),
        variable("KAFKA_TOPIC", kafka.topic.clone()),
        variable("KAFKA_BATCH_SIZE", bytes.to_string()),
        variable("KAFKA_BATCH_MESSAGES", messages.to_string()),
        variable("KAFKA_COMPRESSION", compression.unwrap_or_default()),
    ];
    if let Some(tls) = kafka.tls.as_ref().filter(|tls| tls.enable == Some(true)) {
        let authority = volumes.add_certificate("kafka-certs-ca", tls.ca_cert.as_ref());
        let user = volumes.add_certificate("kafka-certs-user", tls.user_cert.as_ref());
        let is_unchecked = tls.insecure_skip_verify == Some(true);
        variables.extend([
            variable("KAFKA_ENABLE_TLS", "true"),
            variable("KAFKA_TLS_INSECURE_SKIP_VERIFY", is_unchecked.to_string()),
            variable("KAFKA_TLS_CA_CERT_PATH", authority.certificate),
            variable("KAFKA_TLS_USER_CERT_PATH", user.certificate),
            variable("KAFKA_TLS_USER_KEY_PATH", user.key),
        ]);
    }
    if let Some(sasl) = &kafka.sasl {
        let mechanism = match sasl.kind {
            Some(SaslType::Plain) => "plain",
            Some(SaslType::ScramSha512) => "scramSHA512",
            Some(SaslType::Disabled) | None => return variables,
        };
        let user = volumes.add_file("kafka-sasl-id", sasl.client_id_reference.as_ref());
        let secret = volumes.add_file("kafka-sasl-secret", sasl.client_secret_reference.as_ref());
        variables.extend([
            variable("KAFKA_ENABLE_SASL", "true"),
            variable("KAFKA_SASL_TYPE", mechanism),
            variable("KAFKA_SASL_CLIENT_ID_PATH", user),
            variable("KAFKA_SASL_CLIENT_SECRET_PATH", secret),
        ]);
    }
    variables
}
