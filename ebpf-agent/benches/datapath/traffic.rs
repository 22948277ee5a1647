//! Frames of many flows, by kind.

use std::net::IpAddr;

use crate::support::frames::{self, Ip};

const TARGET: [u8; 4] = [10, 0, 0, 1];

fn source(flow: u32) -> IpAddr {
    IpAddr::from([10, 1, (flow >> 8) as u8, flow as u8])
}

pub fn udp(flows: u32) -> Vec<Vec<u8>> {
    (0..flows).map(|flow| frames::numbered(flow, 22)).collect()
}

pub fn tcp(flows: u32) -> Vec<Vec<u8>> {
    let transport = frames::tcp(1000, 443, 0x10, &[0; 10]);
    (0..flows)
        .map(|flow| {
            frames::packet(
                &[],
                source(flow),
                TARGET.into(),
                frames::TCP,
                &transport,
                Ip::default(),
            )
        })
        .collect()
}

pub fn ipv6(flows: u32) -> Vec<Vec<u8>> {
    let transport = frames::udp(1000, 9, &[0; 2]);
    let target: IpAddr = "fd00::1".parse().unwrap();
    (0..flows)
        .map(|flow| {
            let source = format!("fd00::2:{flow:x}").parse().unwrap();
            frames::packet(&[], source, target, frames::UDP, &transport, Ip::default())
        })
        .collect()
}

pub fn dns(flows: u32) -> Vec<Vec<u8>> {
    let message = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x03www\x07example\x03com\0\0\x01\0\x01";
    let transport = frames::udp(53, 1000, message);
    (0..flows)
        .map(|flow| {
            frames::packet(
                &[],
                source(flow),
                TARGET.into(),
                frames::UDP,
                &transport,
                Ip::default(),
            )
        })
        .collect()
}

pub fn tagged() -> Vec<Vec<u8>> {
    // One more than is meant: the kernel takes the outermost out before the hook.
    let tags = [(0x88a8, 1), (0x8100, 2), (0x8100, 3)];
    let transport = frames::udp(1000, 9, &[0; 10]);
    vec![frames::packet(
        &tags,
        source(1),
        TARGET.into(),
        frames::UDP,
        &transport,
        Ip::default(),
    )]
}
