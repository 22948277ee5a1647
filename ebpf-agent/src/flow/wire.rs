//! The few protobuf constructs that a record needs, written straight into a buffer.
//!
//! **Invariant:** canonical form: fields in ascending order are the caller's duty, shortest lengths are ours.

/// Appends protobuf fields.
pub struct Wire<'a>(pub &'a mut Vec<u8>);

impl Wire<'_> {
    #[inline]
    pub fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// An integer field; absent when 0, as proto3 has it.
    #[inline]
    pub fn uint(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.varint(u64::from(field) << 3);
            self.varint(value);
        }
    }

    #[inline]
    pub fn fixed32(&mut self, field: u32, value: u32) {
        self.varint(u64::from(field) << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub fn bytes(&mut self, field: u32, value: &[u8]) {
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// A nested field whose content is not known beforehand, such as a message or a string.
    #[inline]
    pub fn nested(&mut self, field: u32, write: impl FnOnce(&mut Wire<'_>)) {
        self.varint(u64::from(field) << 3 | 2);
        let start = self.0.len();
        // The length of nearly all of ours fits in one byte.
        self.0.push(0);
        write(&mut Wire(self.0));
        let length = self.0.len() - start - 1;
        if length < 0x80 {
            self.0[start] = length as u8;
        } else {
            self.widen(start, length);
        }
    }

    /// Makes room for a length of more than one byte.
    fn widen(&mut self, start: usize, length: usize) {
        let mut prefix = Vec::with_capacity(10);
        Wire(&mut prefix).varint(length as u64);
        self.0.splice(start..=start, prefix);
    }
}
