//! Round trip time of TCP flows: the kernel's smoothed estimate, read whenever a segment arrives at a local socket.
//!
//! One body for three hooks; the agent attaches the best that the kernel grants.
//!
//! **Invariant:** only flows that the flow programs know are touched, so sampling and interface choice hold here too.

use aya_ebpf::helpers::bpf_probe_read_kernel;
use netobserv_ebpf_abi::{Address, FlowKey, PROTOCOL_TCP, mapped, ports};

use crate::{globals, table::Table};

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Takes the estimate of `socket`, a `struct sock`, for the flow that goes towards it.
#[inline(always)]
pub fn observe(socket: *const u8) {
    let _ = read(socket);
}

#[inline(always)]
fn read(socket: *const u8) -> Result<(), i32> {
    let at = globals::offsets();
    // The socket keeps 8 times the time in microseconds.
    let rtt_ns = u64::from(field::<u32>(socket, at.srtt_us)? >> 3) * 1000;
    if rtt_ns == 0 {
        return Ok(());
    }
    let (source, destination) = match field::<u16>(socket, at.family)? {
        AF_INET => (
            mapped(field(socket, at.peer_ipv4)?),
            mapped(field(socket, at.local_ipv4)?),
        ),
        // A dual-stack socket holds IPv4 peers as mapped addresses, as flow keys do.
        AF_INET6 => (
            field::<Address>(socket, at.peer_ipv6)?,
            field::<Address>(socket, at.local_ipv6)?,
        ),
        _ => return Ok(()),
    };
    let key = FlowKey {
        source,
        destination,
        ports: ports(
            u16::from_be(field(socket, at.peer_port)?),
            field(socket, at.local_port)?,
        ),
        transport: u32::from(PROTOCOL_TCP),
    };
    let Some(found) = Table::active().and_then(|table| table.find(&key)) else {
        return Ok(());
    };
    // SAFETY: a map value. Two segments of one flow at once are possible; either's estimate is right.
    unsafe {
        let value = &raw mut (*found.entry).value;
        if rtt_ns > (*value).rtt_ns {
            (*value).rtt_ns = rtt_ns;
        }
    }
    Ok(())
}

#[inline(always)]
fn field<T>(socket: *const u8, offset: u32) -> Result<T, i32> {
    // SAFETY: the helper checks the address.
    unsafe { bpf_probe_read_kernel(socket.wrapping_add(offset as usize).cast()) }
}
