//! Addresses as the record holds them: raw, never as text.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IP address, 16 bytes in network order; IPv4 is held in its IPv4-mapped form and written dotted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address([u8; 16]);

/// Length of `255.255.255.255`.
const V4_TEXT_LENGTH_MAX: usize = 15;
const MAPPED: u128 = 0xffff << 32;

impl Address {
    /// `0.0.0.0`: what an absent address reads as.
    pub const UNSPECIFIED: Self = Self::from_v4(0);

    /// From the 32 bits of an IPv4 address, most significant byte first.
    pub const fn from_v4(bits: u32) -> Self {
        Self((MAPPED | bits as u128).to_be_bytes())
    }

    /// From 16 bytes in network order.
    pub const fn from_octets(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The 16 bytes, in network order.
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 128 bits as one number.
    pub const fn bits(&self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// The 32 bits of an IPv4 address.
    pub const fn as_v4(&self) -> Option<u32> {
        let bits = self.bits();
        if bits >> 32 == 0xffff {
            Some(bits as u32)
        } else {
            None
        }
    }

    /// The standard library's form.
    pub fn to_ip(self) -> IpAddr {
        self.as_v4().map_or_else(
            || Ipv6Addr::from(self.0).into(),
            |bits| Ipv4Addr::from(bits).into(),
        )
    }

    /// Appends the text: dotted, or as RFC 5952 says.
    pub fn write_text(&self, out: &mut String) {
        if let Some(bits) = self.as_v4() {
            // Put together here: each append to the text would cost as much as the digits.
            let (mut text, mut length) = ([b'.'; V4_TEXT_LENGTH_MAX + 1], 0);
            for octet in bits.to_be_bytes() {
                for divisor in [100, 10, 1] {
                    if octet >= divisor || divisor == 1 {
                        text[length] = b'0' + octet / divisor % 10;
                        length += 1;
                    }
                }
                // The dot.
                length += 1;
            }
            out.push_str(std::str::from_utf8(&text[..length - 1]).unwrap_or_default());
        } else {
            use fmt::Write as _;
            // Writing to a String cannot fail.
            let _ = write!(out, "{}", Ipv6Addr::from(self.0));
        }
    }

    /// The address whose text is exactly `text`; other spellings of an address stay text, so that nothing
    /// a user wrote is changed.
    pub fn from_canonical(text: &str) -> Option<Self> {
        let address = Self::from(text.parse::<IpAddr>().ok()?);
        let mut canonical = String::with_capacity(text.len());
        address.write_text(&mut canonical);
        (canonical == text).then_some(address)
    }
}

impl Default for Address {
    fn default() -> Self {
        Self::UNSPECIFIED
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::from_v4(ip.to_bits()),
            IpAddr::V6(ip) => Self(ip.octets()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_ip(), f)
    }
}

/// A link-layer address: six bytes in the low 48 bits, first byte most significant.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac(pub u64);

impl Mac {
    /// Length of the text, `0a:58:0a:00:00:05`.
    const TEXT_LENGTH: usize = 17;

    /// Appends six bytes in lower-case hexadecimal, separated by colons.
    pub fn write_text(self, out: &mut String) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b':'; Self::TEXT_LENGTH];
        for (index, byte) in self.0.to_be_bytes()[2..].iter().enumerate() {
            text[index * 3] = DIGITS[usize::from(byte >> 4)];
            text[index * 3 + 1] = DIGITS[usize::from(byte & 15)];
        }
        out.push_str(std::str::from_utf8(&text).unwrap_or_default());
    }

    /// The address whose text is exactly `text` (lower case, colons).
    pub fn from_canonical(text: &str) -> Option<Self> {
        let mut bits = 0;
        let mut parts = 0;
        for part in text.split(':') {
            let lower = part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            if part.len() != 2 || !lower {
                return None;
            }
            bits = bits << 8 | u64::from_str_radix(part, 16).ok()?;
            parts += 1;
        }
        (parts == 6).then_some(Self(bits))
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(Self::TEXT_LENGTH);
        self.write_text(&mut text);
        f.write_str(&text)
    }
}
