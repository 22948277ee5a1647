//! Kinds of other projects that we make: only the fields that we set.
//!
//! **Invariant:** says nothing about whether a cluster has them; `cluster::Facts` knows.

pub mod bpfman;
pub mod monitoring;
pub mod openshift;

/// Tells `kube` what a kind of another project is; the type has a field `metadata`.
macro_rules! external_kind {
    ($name:ident, $group:literal, $version:literal, $plural:literal, $scope:ident) => {
        impl kube::Resource for $name {
            type DynamicType = ();
            type Scope = kube::core::$scope;

            fn kind((): &()) -> std::borrow::Cow<'_, str> {
                stringify!($name).into()
            }

            fn group((): &()) -> std::borrow::Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> std::borrow::Cow<'_, str> {
                $version.into()
            }

            fn plural((): &()) -> std::borrow::Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(
                &mut self,
            ) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

pub(crate) use external_kind;
