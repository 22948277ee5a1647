//! What this binary is: version, commit and date, as printed and as shown on the page.
//!
//! **Invariant:** fixed at build time; nothing here is read from the machine it runs on.

/// Version of the crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Commit the binary was built from.
pub const COMMIT: &str = env!("BUILD_COMMIT");
/// Date of that commit.
pub const DATE: &str = env!("BUILD_DATE");

/// The line of `--version`, the same shape in all components.
pub fn line() -> String {
    format!("plugin-backend {VERSION} (commit {COMMIT}, {DATE})")
}

/// The line of `-v`, as scripts written for NetObserv expect it.
pub fn compatible_line() -> String {
    format!("netobserv-console-plugin [build version: {VERSION}, build date: {DATE}]")
}
