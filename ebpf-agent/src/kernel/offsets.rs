//! Which fields of the kernel's structures the programs read.
//!
//! **Invariant:** one table; a program never has a compiled-in offset.

use super::abi::SocketOffsets;
use super::btf::{BtfError, KernelTypes};

/// Fields of `struct sock` and `struct tcp_sock` for the round trip time.
pub fn socket(types: &KernelTypes) -> Result<SocketOffsets, BtfError> {
    let sock = |path| types.offset("sock", path);
    Ok(SocketOffsets {
        family: sock("__sk_common.skc_family")?,
        peer_port: sock("__sk_common.skc_dport")?,
        local_port: sock("__sk_common.skc_num")?,
        peer_ipv4: sock("__sk_common.skc_daddr")?,
        local_ipv4: sock("__sk_common.skc_rcv_saddr")?,
        peer_ipv6: sock("__sk_common.skc_v6_daddr")?,
        local_ipv6: sock("__sk_common.skc_v6_rcv_saddr")?,
        srtt_us: types.offset("tcp_sock", "srtt_us")?,
    })
}
