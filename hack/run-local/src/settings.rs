//! The variables of `make run`: names, meanings and defaults stand here and nowhere else in the code.
//!
//! **Invariant:** a variable that is set to nothing means its default; every problem names the variable as typed.

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::str::FromStr;

use nix::unistd::{Gid, Uid};

use crate::interfaces::Interfaces;

/// Smallest free space on the data folder's file system at which we start.
pub const FREE_BYTES_MIN: u64 = 512 * 1024 * 1024;

/// Name, meaning and default of each variable, as `run-local --help`, `make help` and the README show them.
pub const VARIABLES: [(&str, &str, &str); 6] = [
    ("PORT", "port of the page", "9001"),
    (
        "LISTEN",
        "address of the page; 0.0.0.0 opens it to the network, without a password",
        "127.0.0.1",
    ),
    (
        "DATA",
        "folder for flows and logs",
        "/var/lib/netobserv as root, else $XDG_DATA_HOME/netobserv",
    ),
    (
        "INTERFACES",
        "interfaces to watch: names or /expressions/, by commas",
        "all but lo",
    ),
    ("SAMPLING", "look at one packet in this many", "1"),
    (
        "DEMO",
        "1 adds demo traffic between network namespaces",
        "0",
    ),
];

/// Set by the Makefile: names of all variables that were given to make and that it does not use itself.
const GIVEN: &str = "NETOBSERV_GIVEN";
/// Letters by which a name may differ from the one that was meant.
const TYPOS_MAX: usize = 2;

pub struct Settings {
    /// Port of the page.
    pub port: u16,
    /// Address on which the page listens.
    pub listen: IpAddr,
    /// Folder for flows, configurations and logs; `None` is [`Owner::default_data`].
    pub data: Option<PathBuf>,
    pub interfaces: Interfaces,
    /// One packet in this many is looked at.
    pub sampling: u32,
    /// Whether there is demo traffic.
    pub demo: bool,
    /// Root of the source tree (`NETOBSERV_ROOT`, set by hack/run), for the page and the console's one-host
    /// configuration.
    pub root: PathBuf,
}

impl Settings {
    /// Reads all variables; the error has a line for each one that cannot be used.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<String>> {
        let mut reader = Reader {
            variable,
            problems: Vec::new(),
        };
        reader.refuse_unknown();
        let settings = Self {
            port: reader
                .one_of(
                    "PORT",
                    "a port: give a number from 1 to 65535, such as PORT=9011",
                    |port| *port > 0,
                )
                .unwrap_or(9001),
            listen: reader.listen(),
            data: reader.text("DATA").map(PathBuf::from),
            interfaces: reader.interfaces(),
            sampling: reader
                .one_of(
                    "SAMPLING",
                    "a number from 1, such as SAMPLING=50 for one packet in 50",
                    |sampling| *sampling > 0,
                )
                .unwrap_or(1),
            demo: reader
                .one_of("DEMO", "0 or 1", |switch: &u8| *switch <= 1)
                .is_some_and(|switch| switch == 1),
            root: reader
                .text("NETOBSERV_ROOT")
                .map_or_else(|| PathBuf::from("."), PathBuf::from),
        };
        if reader.problems.is_empty() {
            Ok(settings)
        } else {
            Err(reader.problems)
        }
    }
}

struct Reader<F> {
    variable: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|text| !text.is_empty())
    }

    /// The value of `name` if it is set; a problem that says what it must be if it does not pass.
    fn one_of<T: FromStr>(
        &mut self,
        name: &str,
        wanted: &str,
        is_good: impl Fn(&T) -> bool,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok().filter(is_good);
        if value.is_none() {
            self.refuse(name, &text, format_args!("is not {wanted}"));
        }
        value
    }

    fn refuse_unknown(&mut self) {
        let given = self.text(GIVEN).unwrap_or_default();
        for name in given.split_whitespace() {
            if VARIABLES.iter().all(|(known, ..)| *known != name) {
                self.problems.push(format!(
                    "{name} is no variable of make run; {}",
                    meant(name)
                ));
            }
        }
    }

    /// An IPv6 address may have the brackets that it has in an address of the browser.
    fn listen(&mut self) -> IpAddr {
        let default = Ipv4Addr::LOCALHOST.into();
        let Some(text) = self.text("LISTEN") else {
            return default;
        };
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        inner.unwrap_or(&text).parse().unwrap_or_else(|_| {
            let problem = "is not an IP address, such as LISTEN=0.0.0.0 for all of this host's";
            self.refuse("LISTEN", &text, problem);
            default
        })
    }

    fn interfaces(&mut self) -> Interfaces {
        let text = self.text("INTERFACES").unwrap_or_default();
        Interfaces::parse(&text).unwrap_or_else(|problem| {
            self.refuse("INTERFACES", &text, problem);
            Interfaces::default()
        })
    }

    fn refuse(&mut self, name: &str, text: &str, problem: impl Display) {
        self.problems.push(format!("{name}={text} {problem}"));
    }
}

/// The next step for a name that is none of ours.
fn meant(name: &str) -> String {
    let upper = name.to_uppercase();
    let names = VARIABLES.map(|(known, ..)| known);
    let nearest = names
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&upper, known), known))
        .min()
        .filter(|(typos, _)| *typos <= TYPOS_MAX);
    match nearest {
        Some((_, known)) => format!("did you mean {known}?"),
        None => format!("there are {}", names.join(", ")),
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

    /// For messages: the user's name, or its number where the machine knows no name for it.
    pub fn name(&self) -> String {
        match nix::unistd::User::from_uid(self.uid) {
            Ok(Some(user)) => user.name,
            _ => format!("user {}", self.uid),
        }
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::HashMap;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        Settings::read(|name| variables.get(name).map(|text| (*text).to_owned()))
    }

    #[test]
    fn variables_that_are_not_set_or_empty_mean_their_defaults() {
        let empty = VARIABLES.map(|(name, ..)| (name, ""));
        for settings in [read(&[]), read(&empty)] {
            let settings = settings.unwrap();
            let shown = VARIABLES.map(|(name, _, default)| (name, default));
            assert!(shown.contains(&("PORT", &settings.port.to_string())));
            assert!(shown.contains(&("LISTEN", &settings.listen.to_string())));
            assert!(shown.contains(&("SAMPLING", &settings.sampling.to_string())));
            assert!(shown.contains(&("DEMO", if settings.demo { "1" } else { "0" })));
            assert_eq!(settings.data, None);
            assert_eq!(settings.interfaces.text(), "");
        }
    }

    #[test]
    fn an_ipv6_address_may_have_its_brackets() {
        for text in ["::1", "[::1]"] {
            let settings = read(&[("LISTEN", text)]).unwrap();
            assert_eq!(settings.listen, IpAddr::from(std::net::Ipv6Addr::LOCALHOST));
        }
    }

    #[test]
    fn each_wrong_variable_is_named_as_it_was_typed() {
        for (name, text, expected) in [
            ("PORT", "abc", "is not a port"),
            ("PORT", "0", "is not a port"),
            ("PORT", "65536", "is not a port"),
            ("LISTEN", "localhost", "is not an IP address"),
            ("LISTEN", "[::1", "is not an IP address"),
            ("SAMPLING", "0", "is not a number from 1"),
            ("SAMPLING", "-1", "is not a number from 1"),
            ("DEMO", "2", "is not 0 or 1"),
            ("DEMO", "on", "is not 0 or 1"),
            ("INTERFACES", "eth0,/(/", "is not a list of interfaces"),
        ] {
            let problems = read(&[(name, text)]).err().unwrap();
            assert_eq!(problems.len(), 1, "{problems:?}");
            let start = format!("{name}={text} {expected}");
            assert!(problems[0].starts_with(&start), "{start}: {problems:?}");
        }
        let problems = read(&[("PORT", "x"), ("DEMO", "x"), ("LISTEN", "::")]).err();
        assert_eq!(problems.unwrap().len(), 2);
    }

    #[test]
    fn a_variable_that_there_is_not_is_refused_with_the_one_that_was_meant() {
        assert!(read(&[(GIVEN, "PORT DEMO"), ("PORT", "9011")]).is_ok());
        for (given, expected) in [
            (
                "PROT",
                "PROT is no variable of make run; did you mean PORT?",
            ),
            (
                "port",
                "port is no variable of make run; did you mean PORT?",
            ),
            (
                "INTERFACE",
                "INTERFACE is no variable of make run; did you mean INTERFACES?",
            ),
            (
                "DEMO COLOUR",
                "COLOUR is no variable of make run; there are PORT, LISTEN, DATA, INTERFACES, SAMPLING, DEMO",
            ),
        ] {
            assert_eq!(read(&[(GIVEN, given)]).err().unwrap(), [expected]);
        }
    }

    #[test]
    fn the_makefile_and_the_readme_show_each_variable_with_its_default() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let makefile = std::fs::read_to_string(root.join("Makefile")).unwrap();
        let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
        for (name, meaning, default) in VARIABLES {
            let default_in_make = default.replace('$', "$$");
            let is_listed = |line: &str| {
                line.trim().starts_with(&format!("{name} '{meaning}"))
                    && line.contains(&format!("[{default_in_make}]"))
            };
            assert!(makefile.lines().any(is_listed), "make help: {name}");
            let row = readme
                .lines()
                .find(|line| line.starts_with("| `") && line.contains(&format!("`{name}`")));
            let row = row.unwrap_or_else(|| panic!("README.md lacks {name}"));
            let is_shown = default
                .split(" as root, else ")
                .all(|part| row.replace('`', "").contains(part));
            assert!(is_shown, "README.md, {name}: {row}");
        }
    }
}
