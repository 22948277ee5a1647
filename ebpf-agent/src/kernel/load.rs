//! Loads the kernel programs, once per network namespace, over shared maps, and holds all that lives in the kernel.
//!
//! Owned by the datapath thread. An instance knows its namespace as a read-only global, so that telling the `eth0` of
//! one namespace from that of another costs the packet path nothing.
//!
//! **Invariant:** the first generation is published before anything is attached; dropping a [`Datapath`] detaches all.

use std::collections::HashMap;

use aya::{
    Ebpf, EbpfLoader,
    maps::{Map, PerCpuArray},
    programs::{ProgramError, SchedClassifier},
};

use super::{
    Error, Settings,
    abi::{COUNTERS, Counter, DnsQuery, DnsValue, FlowEntry, SocketOffsets},
    attach::{self, AttachKind, Attachment, Classifiers, EGRESS_PROGRAM, INGRESS_PROGRAM},
    features::{FeatureStatus, dns, rtt},
    maps::{self, Reader},
    memory,
    sharing::PrivateBpfFs,
    table::{self, FlowTable, TableSettings},
};
use crate::config::Direction;
use crate::interfaces::{
    model::{Interface, InterfaceKey, NetnsId},
    netns::within,
};

/// The compiled programs. Aligned, since the object's reader casts into it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("NETOBSERV_KERNEL_OBJECT"));

const QUERIES: &str = "DNS_QUERIES";
const COUNTS: &str = "COUNTS";
/// What the instances have in common besides the flow table.
const SHARED: [&str; 2] = [QUERIES, COUNTS];

/// Totals since the start of what the programs counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([u64; COUNTERS]);

impl Counters {
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }
}

/// The programs of a namespace other than the agent's own: the loaded programs alone, since what they were loaded from is
/// a megabyte and ten descriptors.
struct Instance {
    programs: Vec<(&'static str, SchedClassifier)>,
    attached: usize,
}

struct Attached {
    interface: Interface,
    links: Attachment,
}

/// Everything of ours in the kernel.
pub struct Datapath {
    settings: Settings,
    offsets: SocketOffsets,
    /// Of the agent's own namespace, with the maps and the features' programs.
    own: Ebpf,
    others: HashMap<NetnsId, Instance>,
    attached: HashMap<InterfaceKey, Attached>,
    table_settings: TableSettings,
    table: FlowTable,
    pins: Option<PrivateBpfFs>,
    query_reader: Reader<DnsQuery, u64>,
}

impl Datapath {
    /// Loads everything; nothing is attached to an interface yet. A feature that cannot run is only reported.
    pub fn load(settings: &Settings) -> Result<(Self, Vec<FeatureStatus>), Error> {
        let offsets = settings.rtt.then(rtt::offsets);
        let known = match &offsets {
            Some(Ok(offsets)) => *offsets,
            _ => SocketOffsets::default(),
        };
        let table_settings =
            TableSettings::new(settings.cache_max_flows, settings.dns_port.is_some());
        let mut ebpf = load_object(settings, &table_settings, NetnsId::OWN, &known, None)?;
        let table = FlowTable::new(&mut ebpf, &table_settings)?;
        let mut features = Vec::new();
        if settings.dns_port.is_some() {
            features.push(dns::can_run());
        }
        if let Some(offsets) = offsets {
            features.push(rtt::start(&mut ebpf, offsets));
        }
        let datapath = Self {
            settings: *settings,
            offsets: known,
            own: ebpf,
            others: HashMap::new(),
            attached: HashMap::new(),
            table_settings,
            table,
            pins: None,
            query_reader: Reader::new(QUERIES),
        };
        memory::give_back();
        Ok((datapath, features))
    }

    /// One attempt to watch an interface. Watching it already is not an error.
    pub fn attach(&mut self, interface: &Interface) -> Result<AttachKind, Error> {
        let key = interface.key();
        if let Some(attached) = self.attached.get(&key) {
            return Ok(attached.links.kind);
        }
        let settings = self.settings;
        let programs = self.programs(key.netns)?;
        let links = in_netns(interface, || attach::attach(programs, &settings, interface))
            .and_then(|attached| attached);
        match links {
            Ok(links) => {
                if let Some(instance) = self.others.get_mut(&key.netns) {
                    instance.attached += 1;
                }
                let kind = links.kind;
                let interface = interface.clone();
                self.attached.insert(key, Attached { interface, links });
                Ok(kind)
            }
            Err(error) => {
                self.drop_if_unused(key.netns);
                Err(error)
            }
        }
    }

    /// Stops watching an interface, which may be gone already. What its programs saw is still evicted.
    pub fn detach(&mut self, key: InterfaceKey) -> Result<AttachKind, Error> {
        let Some(Attached { interface, links }) = self.attached.remove(&key) else {
            return Ok(AttachKind::Tcx);
        };
        let kind = links.kind;
        let result =
            in_netns(&interface, || links.detach(&interface.name)).and_then(|detached| detached);
        if let Some(instance) = self.others.get_mut(&key.netns) {
            instance.attached -= 1;
        }
        self.drop_if_unused(key.netns);
        result.map(|()| kind)
    }

    /// Stops watching every interface; the errors are those of the interfaces that did not let go.
    pub fn detach_all(&mut self) -> Vec<Error> {
        let keys: Vec<_> = self.attached.keys().copied().collect();
        keys.into_iter()
            .filter_map(|key| self.detach(key).err())
            .collect()
    }

    /// Gives the programs an empty generation; returns when they cannot reach the other any more. Does nothing after a
    /// [`Self::drain`] that failed.
    pub fn swap(&mut self) -> Result<(), Error> {
        self.table.swap(&mut self.own)
    }

    /// Takes the flows out of the generation that [`Self::swap`] retired, each with its DNS data. After an error the next
    /// call goes on where this one stopped.
    pub fn drain(
        &mut self,
        visit: &mut dyn FnMut(&FlowEntry, Option<&DnsValue>),
    ) -> Result<(), Error> {
        self.table.drain(&self.own, visit)
    }

    /// Forgets queries made before `before_ns` of the monotonic clock; how many there were.
    pub fn purge_dns_queries(&mut self, before_ns: u64) -> Result<usize, Error> {
        if self.settings.dns_port.is_none() {
            return Ok(0);
        }
        let Some(Map::HashMap(queries)) = self.own.map(QUERIES) else {
            return Err(Error::NoMap(QUERIES));
        };
        let mut stale = Vec::new();
        self.query_reader.scan(queries, &mut |keys, times| {
            stale.extend(
                keys.iter()
                    .zip(times)
                    .filter(|&(_, &asked_ns)| asked_ns <= before_ns)
                    .map(|(key, _)| *key),
            );
        })?;
        Ok(stale
            .iter()
            .filter(|key| maps::remove(queries, *key))
            .count())
    }

    /// Totals since the start, over all processors.
    pub fn counters(&self) -> Result<Counters, Error> {
        let failed = |source| Error::Map {
            name: COUNTS,
            source,
        };
        let map = self.own.map(COUNTS).ok_or(Error::NoMap(COUNTS))?;
        let counts = PerCpuArray::<_, u64>::try_from(map).map_err(failed)?;
        let mut counters = Counters::default();
        for (index, total) in (0..).zip(&mut counters.0) {
            *total = counts.get(&index, 0).map_err(failed)?.iter().sum();
        }
        Ok(counters)
    }

    fn programs(&mut self, netns: NetnsId) -> Result<&mut dyn Classifiers, Error> {
        if netns == NetnsId::OWN {
            return Ok(&mut self.own);
        }
        if !self.others.contains_key(&netns) {
            let programs = self.load_other(netns)?;
            let attached = 0;
            self.others.insert(netns, Instance { programs, attached });
        }
        let instance = self.others.get_mut(&netns);
        instance
            .map(|instance| &mut instance.programs as &mut dyn Classifiers)
            .ok_or(Error::NoProgram(INGRESS_PROGRAM))
    }

    fn load_other(
        &mut self,
        netns: NetnsId,
    ) -> Result<Vec<(&'static str, SchedClassifier)>, Error> {
        if self.pins.is_none() {
            self.pins = Some(self.share_maps(netns)?);
        }
        let mut ebpf = load_object(
            &self.settings,
            &self.table_settings,
            netns,
            &self.offsets,
            self.pins.as_ref(),
        )?;
        let programs = programs_of(&self.settings)
            .iter()
            .map(|&name| Ok((name, detached_from_object(&mut ebpf, name)?)))
            .collect();
        drop(ebpf);
        memory::give_back();
        programs
    }

    /// Puts the maps where a second instance finds them.
    fn share_maps(&self, netns: NetnsId) -> Result<PrivateBpfFs, Error> {
        let pins = PrivateBpfFs::new().map_err(|source| Error::Sharing {
            netns: netns.0,
            source,
        })?;
        for name in table::SHARED.into_iter().chain(SHARED) {
            let map = self.own.map(name).ok_or(Error::NoMap(name))?;
            map.pin(pins.path(name)).map_err(|error| Error::Sharing {
                netns: netns.0,
                source: std::io::Error::other(error),
            })?;
        }
        Ok(pins)
    }

    fn drop_if_unused(&mut self, netns: NetnsId) {
        if self
            .others
            .get(&netns)
            .is_some_and(|instance| instance.attached == 0)
        {
            self.others.remove(&netns);
        }
    }
}

impl Drop for Datapath {
    fn drop(&mut self) {
        // clsact filters need their namespace to be entered; links of TCX would go by themselves.
        self.detach_all();
    }
}

fn in_netns<T>(interface: &Interface, work: impl FnOnce() -> T) -> Result<T, Error> {
    within(&interface.netns, work).map_err(|source| Error::EnterNetns {
        name: interface.netns.name.to_string(),
        interface: interface.name.to_string(),
        source,
    })
}

/// Loads the object for one namespace, and of its programs the flow programs that will be attached.
fn load_object(
    settings: &Settings,
    table: &TableSettings,
    netns: NetnsId,
    offsets: &SocketOffsets,
    pins: Option<&PrivateBpfFs>,
) -> Result<Ebpf, Error> {
    let enable_dns = u8::from(settings.dns_port.is_some());
    let dns_port = settings.dns_port.filter(|port| *port != 0).unwrap_or(53);
    let mut loader = EbpfLoader::new();
    loader
        // The object has no relocations against the kernel's types, and reading them costs memory and time.
        .btf(None)
        .override_global("sampling", &settings.sampling, true)
        .override_global("enable_dns_tracking", &enable_dns, true)
        .override_global("dns_port", &dns_port, true)
        .override_global("network_namespace", &netns.0, true)
        .override_global("socket_offsets", offsets, true)
        .map_max_entries(QUERIES, dns::max_entries(settings));
    table.apply(&mut loader);
    if let Some(pins) = pins {
        for name in table::SHARED.into_iter().chain(SHARED) {
            loader.map_pin_path(name, pins.path(name));
        }
    }
    let mut ebpf = loader.load(OBJECT)?;
    for &name in programs_of(settings) {
        let program = ebpf.classifier(name).ok_or(Error::NoProgram(name))?;
        program
            .load()
            .map_err(|source| program_error(name, source))?;
    }
    Ok(ebpf)
}

/// The flow programs that will be attached.
fn programs_of(settings: &Settings) -> &'static [&'static str] {
    match settings.attach.direction {
        Direction::Ingress => &[INGRESS_PROGRAM],
        Direction::Egress => &[EGRESS_PROGRAM],
        Direction::Both => &[INGRESS_PROGRAM, EGRESS_PROGRAM],
    }
}

/// A loaded program by its descriptor alone. Asking for that needs `CAP_SYS_ADMIN`, as entering a namespace does.
fn detached_from_object(ebpf: &mut Ebpf, name: &'static str) -> Result<SchedClassifier, Error> {
    let program = ebpf.classifier(name).ok_or(Error::NoProgram(name))?;
    program
        .info()
        .and_then(|info| SchedClassifier::from_program_info(info, name.into()))
        .map_err(|source| program_error(name, source))
}

fn program_error(name: &'static str, source: ProgramError) -> Error {
    Error::Program {
        name,
        source: Box::new(source),
    }
}
