//! Volumes of one container and where they are mounted: certificates, files, folders of the node.
//!
//! A file is at `/var/<volume>/<key>`; a volume that is added again replaces the first of its name.

use k8s_openapi::api::core::v1::{
    CSIVolumeSource, ConfigMapVolumeSource, HostPathVolumeSource,
    PersistentVolumeClaimVolumeSource, ProjectedVolumeSource, SecretVolumeSource,
    ServiceAccountTokenProjection, Volume, VolumeMount, VolumeProjection,
};

use super::build::Labels;
use crate::apis::flowcollector::v1beta2::shared::{
    CertificateReference, FileReference, ReferenceKind,
};

/// Lets a container see what is mounted on the node later.
const FROM_HOST: &str = "HostToContainer";

/// Where tokens are.
pub const TOKEN_FOLDER: &str = "/var/run/secrets/tokens";

/// Volumes in the order of adding.
#[derive(Debug, Default)]
pub struct Volumes {
    volumes: Vec<Volume>,
    mounts: Vec<VolumeMount>,
}

/// Where a certificate and its key are; empty texts where the reference names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificatePaths {
    /// Certificate.
    pub certificate: String,
    /// Private key.
    pub key: String,
}

impl Volumes {
    /// Adds a ConfigMap as a folder.
    pub fn add_config_map(&mut self, volume: &str, config_map: &str, folder: &str) {
        let mount = VolumeMount {
            name: volume.to_owned(),
            mount_path: folder.to_owned(),
            ..VolumeMount::default()
        };
        self.add(object(volume, ReferenceKind::ConfigMap, config_map), mount);
    }

    /// Adds a ConfigMap or Secret as a folder that cannot be written to.
    pub fn add_read_only(&mut self, volume: &str, kind: ReferenceKind, name: &str, folder: &str) {
        let mount = VolumeMount {
            name: volume.to_owned(),
            mount_path: folder.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        };
        self.add(object(volume, kind, name), mount);
    }

    /// Adds a volume that outlives the pod.
    pub fn add_claim(&mut self, volume: &str, claim: &str, folder: &str) {
        let source = Volume {
            name: volume.to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim.to_owned(),
                read_only: None,
            }),
            ..Volume::default()
        };
        let mount = VolumeMount {
            name: volume.to_owned(),
            mount_path: folder.to_owned(),
            ..VolumeMount::default()
        };
        self.add(source, mount);
    }

    /// Adds a certificate; a reference without a name adds nothing.
    pub fn add_certificate(
        &mut self,
        volume: &str,
        reference: Option<&CertificateReference>,
    ) -> CertificatePaths {
        let Some(reference) = reference else {
            return CertificatePaths::default();
        };
        let name = reference.name.as_deref();
        self.add_reference(volume, reference.kind, name);
        CertificatePaths {
            certificate: path(volume, name, reference.cert_file.as_deref()),
            key: path(volume, name, reference.cert_key.as_deref()),
        }
    }

    /// Adds one file; a reference without a name adds nothing. Returns its path.
    pub fn add_file(&mut self, volume: &str, reference: Option<&FileReference>) -> String {
        let Some(reference) = reference else {
            return String::new();
        };
        let name = reference.name.as_deref();
        self.add_reference(volume, reference.kind, name);
        path(volume, name, reference.file.as_deref())
    }

    /// Adds a token of the pod's own account, named like its volume.
    pub fn add_token(&mut self, volume: &str) {
        let token = VolumeProjection {
            service_account_token: Some(ServiceAccountTokenProjection {
                path: volume.to_owned(),
                ..ServiceAccountTokenProjection::default()
            }),
            ..VolumeProjection::default()
        };
        let source = Volume {
            name: volume.to_owned(),
            projected: Some(ProjectedVolumeSource {
                sources: Some(vec![token]),
                ..ProjectedVolumeSource::default()
            }),
            ..Volume::default()
        };
        let mount = VolumeMount {
            name: volume.to_owned(),
            mount_path: TOKEN_FOLDER.to_owned(),
            ..VolumeMount::default()
        };
        self.add(source, mount);
    }

    /// Adds a folder of the node, that must be there if `must_exist`.
    pub fn add_host_folder(&mut self, volume: &str, host: &str, folder: &str, must_exist: bool) {
        let source = Volume {
            name: volume.to_owned(),
            host_path: Some(HostPathVolumeSource {
                path: host.to_owned(),
                type_: must_exist.then(|| "Directory".to_owned()),
            }),
            ..Volume::default()
        };
        self.add(source, from_host(volume, folder));
    }

    /// Adds a volume of a storage driver.
    pub fn add_driver(&mut self, volume: &str, driver: &str, attributes: Labels, folder: &str) {
        let source = Volume {
            name: volume.to_owned(),
            csi: Some(CSIVolumeSource {
                driver: driver.to_owned(),
                volume_attributes: Some(attributes),
                ..CSIVolumeSource::default()
            }),
            ..Volume::default()
        };
        self.add(source, from_host(volume, folder));
    }

    /// For the pod and for its container; none instead of empty lists.
    pub fn into_parts(self) -> (Option<Vec<Volume>>, Option<Vec<VolumeMount>>) {
        let has_some = !self.volumes.is_empty();
        (
            has_some.then_some(self.volumes),
            has_some.then_some(self.mounts),
        )
    }

    /// What names no kind means a Secret.
    fn add_reference(&mut self, volume: &str, kind: Option<ReferenceKind>, name: Option<&str>) {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return;
        };
        let kind = kind.unwrap_or(ReferenceKind::Secret);
        self.add_read_only(volume, kind, name, &folder(volume));
    }

    fn add(&mut self, source: Volume, mount: VolumeMount) {
        if let Some(index) = self.volumes.iter().position(|v| v.name == source.name) {
            self.volumes[index] = source;
            self.mounts[index] = mount;
        } else {
            self.volumes.push(source);
            self.mounts.push(mount);
        }
    }
}

fn object(volume: &str, kind: ReferenceKind, name: &str) -> Volume {
    let is_config_map = kind == ReferenceKind::ConfigMap;
    Volume {
        name: volume.to_owned(),
        config_map: is_config_map.then(|| ConfigMapVolumeSource {
            name: name.to_owned(),
            ..ConfigMapVolumeSource::default()
        }),
        secret: (!is_config_map).then(|| SecretVolumeSource {
            secret_name: Some(name.to_owned()),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

fn folder(volume: &str) -> String {
    format!("/var/{volume}")
}

/// Where a file is; empty if the reference names no object or no file.
fn path(volume: &str, name: Option<&str>, file: Option<&str>) -> String {
    match (name, file) {
        (Some(name), Some(file)) if !name.is_empty() && !file.is_empty() => {
            format!("{}/{file}", folder(volume))
        }
        _ => String::new(),
    }
}

/// None for an empty text, such as the path of a file that no reference names.
pub fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn from_host(volume: &str, folder: &str) -> VolumeMount {
    VolumeMount {
        name: volume.to_owned(),
        mount_path: folder.to_owned(),
        mount_propagation: Some(FROM_HOST.to_owned()),
        ..VolumeMount::default()
    }
}
