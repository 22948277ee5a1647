//! Protobuf's wire format: varints, tags, lengths.
//!
//! **Invariant:** bounds-checked; a value that protobuf forbids is [`Malformed`], never a panic.

/// The bytes are no message of this kind. Says where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf: {0}")]
pub struct Malformed(pub &'static str);

impl Malformed {
    /// Well formed, but of more parts than a message of its size may have.
    pub const TOO_COSTLY: Self = Self("more parts than its size allows");

    /// Whether the bytes are a message that is refused for what it would cost.
    pub fn is_too_costly(&self) -> bool {
        *self == Self::TOO_COSTLY
    }
}

/// How deep unknown groups may nest.
const GROUP_DEPTH_MAX: u32 = 100;

/// How a value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Base-128 number.
    Varint,
    /// Eight bytes.
    Fixed64,
    /// Length and bytes.
    Bytes,
    /// Start of a group.
    GroupStart,
    /// End of a group.
    GroupEnd,
    /// Four bytes.
    Fixed32,
}

/// Reads a message from front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A base-128 number of at most 64 bits.
    #[inline]
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        match self.0 {
            [byte @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            [low, high @ 0..0x80, rest @ ..] => {
                self.0 = rest;
                Ok(u64::from(*low & 0x7f) | u64::from(*high) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0;
        for (index, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                // The tenth byte has room for one bit.
                if index == 9 && *byte > 1 {
                    return Err(Malformed("number over 64 bits"));
                }
                self.0 = &self.0[index + 1..];
                return Ok(value);
            }
        }
        Err(Malformed("number does not end"))
    }

    /// A field's number and layout.
    #[inline]
    pub fn tag(&mut self) -> Result<(u32, Wire), Malformed> {
        let key = u32::try_from(self.varint()?).map_err(|_| Malformed("field number too large"))?;
        let wire = match key & 7 {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Bytes,
            3 => Wire::GroupStart,
            4 => Wire::GroupEnd,
            5 => Wire::Fixed32,
            _ => return Err(Malformed("unknown wire type")),
        };
        if key >> 3 == 0 {
            return Err(Malformed("field number 0"));
        }
        Ok((key >> 3, wire))
    }

    /// Bytes with their length before them.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| Malformed("length too large"))?;
        self.take(length)
    }

    /// Text with its length before it.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("text is not UTF-8"))
    }

    /// Four bytes, least significant first.
    #[inline]
    pub fn fixed32(&mut self) -> Result<u32, Malformed> {
        let (value, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Malformed("ends within a number"))?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*value))
    }

    /// Passes over an unknown field.
    #[cold]
    pub fn skip(&mut self, number: u32, wire: Wire) -> Result<(), Malformed> {
        self.skip_nested(number, wire, 0)
    }

    fn skip_nested(&mut self, number: u32, wire: Wire, depth: u32) -> Result<(), Malformed> {
        match wire {
            Wire::Varint => self.varint().map(drop),
            Wire::Fixed64 => self.take(8).map(drop),
            Wire::Bytes => self.bytes().map(drop),
            Wire::Fixed32 => self.take(4).map(drop),
            Wire::GroupEnd => Err(Malformed("group ends that did not start")),
            Wire::GroupStart if depth == GROUP_DEPTH_MAX => Err(Malformed("groups nest too deep")),
            Wire::GroupStart => loop {
                match self.tag()? {
                    (inner, Wire::GroupEnd) if inner == number => return Ok(()),
                    (inner, wire) => self.skip_nested(inner, wire, depth + 1)?,
                }
            },
        }
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Malformed("ends within a field"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// The layout that a known field must have.
#[inline]
pub fn expect(given: Wire, wanted: Wire) -> Result<(), Malformed> {
    if given == wanted {
        Ok(())
    } else {
        Err(Malformed("field has the wrong wire type"))
    }
}
