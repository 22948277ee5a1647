//! Round trip time: reads the kernel's estimate when a segment arrives at a local socket.
//!
//! Three hooks see the same moment. fentry is the cheapest; some kernels and sandboxes refuse it and still grant the
//! BTF tracepoint; kprobes are the oldest way.
//!
//! **Invariant:** at most one of the three is attached.

use std::path::Path;

use aya::{
    Btf, Ebpf,
    programs::{BtfTracePoint, FEntry, KProbe, ProgramError},
};

use super::{FeatureStatus, Status};
use crate::kernel::{
    abi::SocketOffsets,
    btf::{KernelTypes, VMLINUX},
    describe, offsets,
};

const FUNCTION: &str = "tcp_rcv_established";

/// Where the programs find the fields they read.
pub fn offsets() -> Result<SocketOffsets, String> {
    KernelTypes::read(Path::new(VMLINUX))
        .and_then(|types| offsets::socket(&types))
        .map_err(|error| error.to_string())
}

/// Attaches the best hook that the kernel grants.
pub fn start(ebpf: &mut Ebpf, offsets: Result<SocketOffsets, String>) -> FeatureStatus {
    let status = match offsets.and_then(|_| attach(ebpf)) {
        Ok(status) => status,
        Err(reason) => Status::Off { reason },
    };
    FeatureStatus {
        name: "rtt",
        status,
    }
}

fn attach(ebpf: &mut Ebpf) -> Result<Status, String> {
    let btf = Btf::from_sys_fs().map_err(|error| error.to_string())?;
    let Err(fentry) = try_fentry(ebpf, &btf) else {
        return Ok(Status::Runs {
            hook: "fentry tcp_rcv_established",
        });
    };
    let reason = format!("fentry: {}", describe(&fentry));
    let Err(tracepoint) = try_tracepoint(ebpf, &btf) else {
        return Ok(Status::RunsLesser {
            hook: "BTF tracepoint tcp_probe",
            reason,
        });
    };
    let reason = format!("{reason}; BTF tracepoint: {}", describe(&tracepoint));
    match try_kprobe(ebpf) {
        Ok(()) => Ok(Status::RunsLesser {
            hook: "kprobe tcp_rcv_established",
            reason,
        }),
        Err(error) => Err(format!("{reason}; kprobe: {}", describe(&error))),
    }
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P, ProgramError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    ebpf.program_mut(name)
        .ok_or(ProgramError::NotLoaded)?
        .try_into()
}

fn try_fentry(ebpf: &mut Ebpf, btf: &Btf) -> Result<(), ProgramError> {
    let program: &mut FEntry = program(ebpf, "tcp_rcv_fentry")?;
    program.load(FUNCTION, btf)?;
    program.attach()?;
    Ok(())
}

fn try_tracepoint(ebpf: &mut Ebpf, btf: &Btf) -> Result<(), ProgramError> {
    let program: &mut BtfTracePoint = program(ebpf, "tcp_rcv_tracepoint")?;
    program.load("tcp_probe", btf)?;
    program.attach()?;
    Ok(())
}

fn try_kprobe(ebpf: &mut Ebpf) -> Result<(), ProgramError> {
    let program: &mut KProbe = program(ebpf, "tcp_rcv_kprobe")?;
    program.load()?;
    program.attach(FUNCTION, 0)?;
    Ok(())
}
