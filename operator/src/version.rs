//! What this binary is, fixed at build time.

/// Version of the crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Date of that commit.
pub const DATE: &str = env!("BUILD_DATE");

/// The line of `-v`, as scripts written for NetObserv expect it.
pub fn compatible_line() -> String {
    format!("netobserv-operator [build version: {VERSION}, build date: {DATE}]")
}
