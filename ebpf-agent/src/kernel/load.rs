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
    attach::{self, AttachKind, Attachment, Classifiers},
    chain,
    features::{FeatureStatus, dns, rtt},
    maps::{self, Reader},
    memory,
    sharing::PrivateBpfFs,
    table::{self, FlowTable, TableSettings},
};
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

/// Programs for a namespace other than the agent's own, and for interfaces with or without Ethernet: the loaded programs alone, since what they were loaded from is
/// a megabyte and ten descriptors.
struct Instance {
    programs: Vec<(&'static str, SchedClassifier)>,
    attached: usize,
}

/// Which programs an interface needs.
type InstanceKey = (NetnsId, bool);

fn instance_key(interface: &Interface) -> InstanceKey {
    (interface.netns.id, interface.has_ethernet)
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
    others: HashMap<InstanceKey, Instance>,
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
        load_programs(&mut ebpf, settings, true)?;
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
        let mut settings = self.settings;
        let programs = self.programs(instance_key(interface))?;
        let links = in_netns(interface, || {
            attach::attach(programs, &mut settings, interface)
        })
        .and_then(|attached| attached);
        self.settings = settings;
        match links {
            Ok(links) => {
                if let Some(instance) = self.others.get_mut(&instance_key(interface)) {
                    instance.attached += 1;
                }
                let kind = links.kind;
                let interface = interface.clone();
                self.attached.insert(key, Attached { interface, links });
                Ok(kind)
            }
            Err(error) => {
                self.drop_if_unused(instance_key(interface));
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
        let instance = instance_key(&interface);
        if let Some(instance) = self.others.get_mut(&instance) {
            instance.attached -= 1;
        }
        self.drop_if_unused(instance);
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

    /// Flows that no [`Self::drain`] has shown yet.
    pub fn left(&self) -> Result<u64, Error> {
        self.table.left()
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
        let failed = |cause| Error::Map {
            name: COUNTS,
            cause,
        };
        let map = self.own.map(COUNTS).ok_or(Error::NoMap(COUNTS))?;
        let counts = PerCpuArray::<_, u64>::try_from(map).map_err(failed)?;
        let mut counters = Counters::default();
        for (index, total) in (0..).zip(&mut counters.0) {
            *total = counts.get(&index, 0).map_err(failed)?.iter().sum();
        }
        Ok(counters)
    }

    fn programs(&mut self, key: InstanceKey) -> Result<&mut dyn Classifiers, Error> {
        let (netns, has_ethernet) = key;
        if netns == NetnsId::OWN {
            load_programs(&mut self.own, &self.settings, has_ethernet)?;
            return Ok(&mut self.own);
        }
        if !self.others.contains_key(&key) {
            let programs = self.load_other(netns, has_ethernet)?;
            let attached = 0;
            self.others.insert(key, Instance { programs, attached });
        }
        let instance = self.others.get_mut(&key);
        instance
            .map(|instance| &mut instance.programs as &mut dyn Classifiers)
            .ok_or(Error::NoProgram("of another namespace"))
    }

    fn load_other(
        &mut self,
        netns: NetnsId,
        has_ethernet: bool,
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
        load_programs(&mut ebpf, &self.settings, has_ethernet)?;
        let programs = attach::programs(self.settings.attach.direction, has_ethernet)
            .map(|name| Ok((name, detached_from_object(&mut ebpf, name)?)))
            .collect();
        drop(ebpf);
        memory::give_back();
        programs
    }

    /// Puts the maps where a second instance finds them.
    fn share_maps(&self, netns: NetnsId) -> Result<PrivateBpfFs, Error> {
        let pins = PrivateBpfFs::new().map_err(|cause| Error::Sharing {
            netns: netns.0,
            cause: cause.to_string(),
        })?;
        for name in table::SHARED.into_iter().chain(SHARED) {
            let map = self.own.map(name).ok_or(Error::NoMap(name))?;
            map.pin(pins.path(name)).map_err(|error| Error::Sharing {
                netns: netns.0,
                cause: chain(&error),
            })?;
        }
        Ok(pins)
    }

    fn drop_if_unused(&mut self, key: InstanceKey) {
        let instance = self.others.get(&key);
        if instance.is_some_and(|instance| instance.attached == 0) {
            self.others.remove(&key);
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
    within(&interface.netns, work).map_err(|cause| Error::EnterNetns {
        name: interface.netns.name.to_string(),
        interface: interface.name.to_string(),
        cause,
    })
}

/// Loads the object for one namespace, with its maps, none of its programs yet.
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
    loader.load(OBJECT).map_err(Error::Object)
}

/// Loads the flow programs that will be attached to interfaces with or without Ethernet, if they are not loaded already.
fn load_programs(ebpf: &mut Ebpf, settings: &Settings, has_ethernet: bool) -> Result<(), Error> {
    for name in attach::programs(settings.attach.direction, has_ethernet) {
        let program = ebpf.classifier(name).ok_or(Error::NoProgram(name))?;
        match program.load() {
            Ok(()) | Err(ProgramError::AlreadyLoaded) => {}
            Err(cause) => return Err(program_error(name, cause)),
        }
    }
    Ok(())
}

/// A loaded program by its descriptor alone. Asking for that needs `CAP_SYS_ADMIN`, as entering a namespace does.
fn detached_from_object(ebpf: &mut Ebpf, name: &'static str) -> Result<SchedClassifier, Error> {
    let program = ebpf.classifier(name).ok_or(Error::NoProgram(name))?;
    program
        .info()
        .and_then(|info| SchedClassifier::from_program_info(info, name.into()))
        .map_err(|cause| program_error(name, cause))
}

fn program_error(name: &'static str, cause: ProgramError) -> Error {
    Error::Program {
        name,
        cause: Box::new(cause),
    }
}
