//! Reads rtnetlink messages, as far as links need them, and writes the one request there is.
//!
//! **Invariant:** pure, and bounds-checked: a message that is cut or longer than it may be ends the reading, never the
//! thread. Attributes of newer kernels are stepped over.

use super::model::Mac;

/// What one message says.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    /// A link exists like this.
    Link(Link),
    /// A link is gone.
    Gone { index: u32 },
    /// An address of a link came or went.
    AddressChanged { index: u32 },
    /// A change has disturbed the list that is coming, so it may lack a link; it must be asked for again.
    Disturbed,
    /// The list that was asked for is complete.
    Done,
    /// The kernel refused the request, or could not complete the list, with this error number.
    Refused { errno: i32 },
}

/// A link as one message describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    /// Zeros for a link without hardware address (a tunnel).
    pub mac: Mac,
    /// Whether packets begin with an Ethernet header.
    pub has_ethernet: bool,
    pub is_up: bool,
}

const HEADER_LENGTH: usize = 16;
/// Of `ifinfomsg`, which follows the header.
const LINK_LENGTH: usize = 16;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_OPERSTATE: u16 = 16;
const OPERSTATE_UNKNOWN: u8 = 0;
const OPERSTATE_UP: u8 = 6;

/// A request for all links.
pub fn list_request(sequence: u32) -> [u8; HEADER_LENGTH + LINK_LENGTH] {
    let mut request = [0; HEADER_LENGTH + LINK_LENGTH];
    let length = request.len() as u32;
    request[0..4].copy_from_slice(&length.to_ne_bytes());
    request[4..6].copy_from_slice(&libc::RTM_GETLINK.to_ne_bytes());
    request[6..8].copy_from_slice(&(NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    request[8..12].copy_from_slice(&sequence.to_ne_bytes());
    request
}

/// Calls `found` for each message of a datagram.
pub fn read(mut datagram: &[u8], mut found: impl FnMut(Message)) {
    while let Some((length, kind, flags)) = header(datagram) {
        let Some(message) = datagram.get(..length) else {
            return;
        };
        let body = &message[HEADER_LENGTH..];
        if flags & NLM_F_DUMP_INTR != 0 {
            found(Message::Disturbed);
        }
        match kind {
            // A list that failed on its way ends with the error's number.
            NLMSG_DONE => found(match i32_at(body, 0) {
                Some(errno) if errno < 0 => Message::Refused { errno: -errno },
                _ => Message::Done,
            }),
            NLMSG_ERROR => {
                if let Some(errno) = i32_at(body, 0).filter(|errno| *errno != 0) {
                    found(Message::Refused { errno: -errno });
                }
            }
            libc::RTM_NEWLINK => {
                if let Some(link) = read_link(body) {
                    found(Message::Link(link));
                }
            }
            libc::RTM_DELLINK => {
                // A bridge tells with its own family that a port has left it; the port lives on.
                if let (Some(libc::AF_UNSPEC), Some(index)) = (family(body), index(body)) {
                    found(Message::Gone { index });
                }
            }
            libc::RTM_NEWADDR | libc::RTM_DELADDR => {
                if let Some(index) = index(body) {
                    found(Message::AddressChanged { index });
                }
            }
            _ => {}
        }
        datagram = datagram.get(align(length)..).unwrap_or_default();
    }
}

/// Length, type and flags of the message that `bytes` start with.
fn header(bytes: &[u8]) -> Option<(usize, u16, u16)> {
    let length = i32_at(bytes, 0)? as usize;
    let kind = u16_at(bytes, 4)?;
    let flags = u16_at(bytes, 6)?;
    (length >= HEADER_LENGTH).then_some((length, kind, flags))
}

fn family(body: &[u8]) -> Option<i32> {
    body.first().map(|family| i32::from(*family))
}

/// `ifinfomsg` and `ifaddrmsg` have the index at the same place.
fn index(body: &[u8]) -> Option<u32> {
    i32_at(body, 4)
        .map(|index| index as u32)
        .filter(|index| *index != 0)
}

fn read_link(body: &[u8]) -> Option<Link> {
    if family(body)? != libc::AF_UNSPEC {
        return None;
    }
    let flags = i32_at(body, 8)?;
    let (mut name, mut mac, mut state) = (None, Mac::default(), OPERSTATE_UNKNOWN);
    let mut rest = body.get(LINK_LENGTH..)?;
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let length = usize::from(length);
        let Some(value) = rest.get(4..length) else {
            break;
        };
        match kind {
            IFLA_IFNAME => {
                let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
                name = Some(String::from_utf8_lossy(text).into_owned());
            }
            IFLA_ADDRESS => {
                if let Some(address) = value.first_chunk() {
                    mac = *address;
                }
            }
            IFLA_OPERSTATE => state = value.first().copied().unwrap_or(OPERSTATE_UNKNOWN),
            _ => {}
        }
        rest = rest.get(align(length)..).unwrap_or_default();
    }
    let is_up = match state {
        OPERSTATE_UP => flags & (libc::IFF_UP | libc::IFF_RUNNING) != 0,
        // Drivers that do not keep a state (tun, dummy, lo) say unknown while they work.
        OPERSTATE_UNKNOWN => flags & libc::IFF_UP != 0,
        _ => false,
    };
    Some(Link {
        index: index(body)?,
        name: name?,
        mac,
        has_ethernet: matches!(u16_at(body, 2)?, libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK),
        is_up,
    })
}

fn align(length: usize) -> usize {
    length.div_ceil(4) * 4
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    bytes
        .get(at..at + 4)?
        .first_chunk()
        .map(|word| i32::from_ne_bytes(*word))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..at + 2)?
        .first_chunk()
        .map(|word| u16::from_ne_bytes(*word))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One message with this header and body.
    pub fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(((HEADER_LENGTH + body.len()) as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        bytes.resize(align(bytes.len()), 0);
        bytes
    }

    /// The body of a link message.
    pub fn link_body(family: u8, index: u32, flags: i32, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![family, 0, 1, 0];
        bytes.extend(index.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 4]);
        for (kind, value) in attributes {
            bytes.extend(((4 + value.len()) as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*value);
            bytes.resize(align(bytes.len()), 0);
        }
        bytes
    }

    fn all(datagram: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        read(datagram, |message| messages.push(message));
        messages
    }

    const UP: i32 = libc::IFF_UP;

    #[test]
    fn links_are_read_with_name_address_and_state() {
        let eth0: [(u16, &[u8]); 4] = [
            (IFLA_IFNAME, b"eth0\0"),
            (99, b"new"),
            (IFLA_ADDRESS, &[1, 2, 3, 4, 5, 6]),
            (IFLA_OPERSTATE, &[6]),
        ];
        let mut datagram = message(libc::RTM_NEWLINK, 0, &link_body(0, 2, UP, &eth0));
        datagram.extend(message(libc::RTM_DELLINK, 0, &link_body(0, 3, 0, &[])));
        datagram.extend(message(libc::RTM_NEWADDR, 0, &link_body(2, 4, 0, &[])));
        datagram.extend(message(NLMSG_DONE, 0, &[0; 4]));
        let link = Link {
            index: 2,
            name: "eth0".to_owned(),
            mac: [1, 2, 3, 4, 5, 6],
            has_ethernet: true,
            is_up: true,
        };
        assert_eq!(
            all(&datagram),
            [
                Message::Link(link),
                Message::Gone { index: 3 },
                Message::AddressChanged { index: 4 },
                Message::Done
            ]
        );
    }

    #[test]
    fn a_link_is_up_when_its_state_says_so_or_says_nothing() {
        for (flags, state, is_up) in [
            (UP, 6, true),
            (UP, 0, true),
            (0, 0, false),
            (0, 6, false),
            (UP, 2, false),
            (UP, 3, false),
        ] {
            let body = link_body(
                0,
                2,
                flags,
                &[(IFLA_IFNAME, b"x\0"), (IFLA_OPERSTATE, &[state])],
            );
            let Some(Message::Link(link)) = all(&message(libc::RTM_NEWLINK, 0, &body)).pop() else {
                panic!("no link")
            };
            assert_eq!(link.is_up, is_up, "flags {flags} state {state}");
        }
    }

    #[test]
    fn only_links_of_two_types_have_ethernet_headers() {
        // Ethernet, lo; PPP, IP in IP, GRE, none (tun, WireGuard).
        for (kind, has_ethernet) in [
            (1_u16, true),
            (772, true),
            (512, false),
            (768, false),
            (778, false),
            (0xfffe, false),
        ] {
            let mut body = link_body(0, 2, UP, &[(IFLA_IFNAME, b"x\0")]);
            body[2..4].copy_from_slice(&kind.to_ne_bytes());
            let Some(Message::Link(link)) = all(&message(libc::RTM_NEWLINK, 0, &body)).pop() else {
                panic!("no link")
            };
            assert_eq!(link.has_ethernet, has_ethernet, "type {kind}");
        }
    }

    #[test]
    fn addresses_longer_than_six_bytes_are_cut_and_missing_ones_are_zero() {
        for (address, expected) in [
            (&[9; 20][..], [9; 6]),
            (&[][..], [0; 6]),
            (&[1, 2, 3, 4][..], [0; 6]),
        ] {
            let body = link_body(0, 2, UP, &[(IFLA_IFNAME, b"x\0"), (IFLA_ADDRESS, address)]);
            let Some(Message::Link(link)) = all(&message(libc::RTM_NEWLINK, 0, &body)).pop() else {
                panic!("no link")
            };
            assert_eq!(link.mac, expected);
        }
    }

    #[test]
    fn messages_of_a_bridge_about_its_ports_change_nothing() {
        let bridge = libc::AF_BRIDGE as u8;
        let mut datagram = message(libc::RTM_DELLINK, 0, &link_body(bridge, 2, 0, &[]));
        datagram.extend(message(
            libc::RTM_NEWLINK,
            0,
            &link_body(bridge, 2, UP, &[(IFLA_IFNAME, b"x\0")]),
        ));
        assert_eq!(all(&datagram), []);
    }

    #[test]
    fn refusals_and_disturbed_lists_are_told() {
        let refused = message(NLMSG_ERROR, 0, &(-libc::EPERM).to_ne_bytes());
        assert_eq!(all(&refused), [Message::Refused { errno: libc::EPERM }]);
        let broken_off = message(NLMSG_DONE, 0, &(-libc::ENOMEM).to_ne_bytes());
        let errno = libc::ENOMEM;
        assert_eq!(all(&broken_off), [Message::Refused { errno }]);
        let acknowledged = message(NLMSG_ERROR, 0, &0_i32.to_ne_bytes());
        assert_eq!(all(&acknowledged), []);
        assert_eq!(
            all(&message(NLMSG_DONE, NLM_F_DUMP_INTR, &[0; 4])),
            [Message::Disturbed, Message::Done]
        );
        // The kernel marks the first message after the change, whose datagram need not be the last one.
        let link = link_body(0, 2, UP, &[(IFLA_IFNAME, b"x\0")]);
        let marked = all(&message(libc::RTM_NEWLINK, NLM_F_DUMP_INTR, &link));
        assert_eq!(marked.first(), Some(&Message::Disturbed));
        assert_eq!(marked.len(), 2);
    }

    #[test]
    fn a_cut_message_gives_nothing_or_less_and_never_a_panic() {
        let whole = message(
            libc::RTM_NEWLINK,
            0,
            &link_body(0, 2, UP, &[(IFLA_IFNAME, b"eth0\0")]),
        );
        for length in 0..whole.len() {
            all(&whole[..length]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_harmless(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            all(&bytes);
            let mut framed = message(libc::RTM_NEWLINK, 0, &bytes);
            framed.extend(bytes);
            all(&framed);
        }
    }
}
