//! Whether the process may do what it is about to do, said before the kernel says less clearly; and as many descriptors
//! as it may have.
//!
//! **Invariant:** nothing is taken that was not granted; the kernel decides.

use caps::{CapSet, Capability};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What loading and attaching needs.
const NEEDED: [(Capability, &str); 3] = [
    (Capability::CAP_BPF, "BPF"),
    (Capability::CAP_PERFMON, "PERFMON"),
    (Capability::CAP_NET_ADMIN, "NET_ADMIN"),
];

/// Capabilities that are missing.
#[derive(Debug, thiserror::Error)]
#[error("missing {}: run as root, or give the process these capabilities", missing.join(", "))]
pub struct PrivilegeError {
    missing: Vec<String>,
}

/// Checks the effective capabilities of this thread. Before `BPF` and `PERFMON` existed `SYS_ADMIN` stood for both, and
/// it still does.
pub fn check() -> Result<(), PrivilegeError> {
    missing(|capability| caps::has_cap(None, CapSet::Effective, capability).unwrap_or(false))
}

/// Lifts the soft limit of open descriptors to the hard one. Each watched namespace takes four and each interface two, and
/// the usual soft limit of 1,024 is for programs that call `select(2)`.
pub fn raise_descriptor_limit() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Refused, the agent watches fewer namespaces, and says of each that it cannot.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

fn missing(has: impl Fn(Capability) -> bool) -> Result<(), PrivilegeError> {
    let is_admin = has(Capability::CAP_SYS_ADMIN);
    let missing: Vec<_> = NEEDED
        .into_iter()
        .filter(|(capability, _)| {
            let is_implied = is_admin && *capability != Capability::CAP_NET_ADMIN;
            !has(*capability) && !is_implied
        })
        .map(|(_, name)| format!("CAP_{name}"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(PrivilegeError { missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(held: &[Capability], expected: Option<&str>) {
        let found = missing(|capability| held.contains(&capability))
            .err()
            .map(|error| error.to_string());
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn what_is_missing_is_named() {
        use Capability::{CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN};
        check(&[CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN], None);
        check(&[CAP_SYS_ADMIN, CAP_NET_ADMIN], None);
        check(
            &[CAP_SYS_ADMIN],
            Some("missing CAP_NET_ADMIN: run as root, or give the process these capabilities"),
        );
        let all = "missing CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN: run as root, or give the process these capabilities";
        check(&[], Some(all));
    }
}
