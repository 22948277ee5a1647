//! The variables of `make run`, also available as flags. Defaults stand here and nowhere else.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use nix::unistd::{Gid, Uid};

/// Smallest free space on the data folder's file system at which we start.
pub const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

#[derive(Args, Clone)]
pub struct Settings {
    /// Port of the page.
    #[arg(long, env = "PORT", default_value_t = 9001, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Address on which the page listens; 0.0.0.0 opens it to the network, without a password.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1")]
    pub listen: IpAddr,
    /// Folder for flows, configurations and logs [default: /var/lib/netobserv as root, else
    /// `$XDG_DATA_HOME/netobserv`].
    #[arg(long, env = "DATA")]
    pub data: Option<PathBuf>,
    /// Interfaces to watch: names or /regular expressions/, separated by commas [default: all but lo].
    #[arg(long, env = "INTERFACES", default_value = "")]
    pub interfaces: String,
    /// Look at one packet in this many.
    #[arg(long, env = "SAMPLING", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub sampling: u32,
    /// 1 adds demo traffic between network namespaces.
    #[arg(long, env = "DEMO", default_value = "0", value_parser = parse_switch, action = clap::ArgAction::Set)]
    pub demo: bool,
    /// Root of the source tree, for the page and the console's one-host configuration.
    #[arg(long, env = "NETOBSERV_ROOT", default_value = ".")]
    pub root: PathBuf,
}

fn parse_switch(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" | "yes" => Ok(true),
        "" | "0" | "false" | "no" => Ok(false),
        other => Err(format!("{other:?} is neither 1 nor 0")),
    }
}

/// On whose behalf we run: the person behind sudo, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: Uid,
    pub gid: Gid,
    pub home: PathBuf,
}

impl Owner {
    /// The invoking user: `SUDO_UID` and `SUDO_GID` under sudo, else the process's own.
    pub fn detect() -> anyhow::Result<Self> {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        let (uid, gid) = match (number("SUDO_UID"), number("SUDO_GID")) {
            (Some(uid), Some(gid)) if Uid::effective().is_root() => {
                (Uid::from_raw(uid), Gid::from_raw(gid))
            }
            _ => (Uid::effective(), Gid::effective()),
        };
        let home =
            nix::unistd::User::from_uid(uid)?.map_or_else(|| PathBuf::from("/"), |user| user.dir);
        Ok(Self { uid, gid, home })
    }

    /// `/var/lib/netobserv` for root, `$XDG_DATA_HOME/netobserv` for anybody else.
    pub fn default_data(&self) -> PathBuf {
        if Uid::effective().is_root() {
            return PathBuf::from("/var/lib/netobserv");
        }
        std::env::var_os("XDG_DATA_HOME")
            .filter(|value| !value.is_empty())
            .map_or_else(|| self.home.join(".local/share"), PathBuf::from)
            .join("netobserv")
    }
}
