//! One flow as data: typed fields in fixed slots, the rarer ones packed, unknown ones apart.
//!
//! **Invariant:** a field of the dictionary is in at most one place. Its bit in `fixed` says that its slot
//! holds a value of the dictionary's type; its bit in `packed` says that `values` holds it, at the place that
//! is the number of lower bits of `packed`. So a record costs some 300 bytes, plus 24 for each rarer field
//! that it really has, and reading a field is a bit test and a load.

use std::fmt;
use std::sync::Arc;

use compact_str::CompactString;

use super::field::{ADDRESS_SLOTS, Field, Key, Kind, NUMBER_SLOTS, Slot};
use super::{Address, Mac, Number, Text, Value, ValueRef};

/// The interfaces that saw a flow, shared by the records of a batch that were seen by the same ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Names; the first interface counted the packets.
    pub interfaces: Vec<CompactString>,
    /// The user-defined network at each of them.
    pub udns: Vec<CompactString>,
    /// The direction at each of them.
    pub directions: Vec<i32>,
}

/// One flow as data. Two records are equal if they have the same fields with the same typed values.
#[derive(Clone, Default)]
pub struct Record {
    fixed: u128,
    packed: u128,
    numbers: [u64; NUMBER_SLOTS],
    addresses: [Address; ADDRESS_SLOTS],
    observed: Option<Arc<Observed>>,
    values: Vec<Value>,
    others: Vec<(Arc<str>, Value)>,
}

impl Record {
    /// A record without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a field, or nothing when it is absent.
    #[inline]
    pub fn get(&self, key: &Key) -> Option<ValueRef<'_>> {
        match key {
            Key::Known(field) => self.field(*field),
            Key::Other(name) => self
                .others
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, v)| v.view()),
        }
    }

    /// The value of a field of the dictionary, or nothing when it is absent.
    #[inline]
    pub fn field(&self, field: Field) -> Option<ValueRef<'_>> {
        if self.fixed & field.bit() != 0 {
            Some(self.fixed_value(field))
        } else if self.packed & field.bit() != 0 {
            Some(self.values[self.place(field)].view())
        } else {
            None
        }
    }

    /// Whether the field is present.
    #[inline]
    pub fn has(&self, key: &Key) -> bool {
        match key {
            Key::Known(field) => (self.fixed | self.packed) & field.bit() != 0,
            Key::Other(name) => self.others.iter().any(|(other, _)| other == name),
        }
    }

    /// Bytes it takes, without what it shares and the characters of its texts.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.values.capacity() * size_of::<Value>()
            + self.others.capacity() * size_of::<(Arc<str>, Value)>()
            + self.values.iter().map(Value::list_memory).sum::<usize>()
    }

    /// All fields: those of the dictionary in its order, then the others in order of appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        self.known()
            .map(|(field, value)| (field.name(), value))
            .chain(self.others())
    }

    /// The fields of the dictionary that are present, in its order.
    pub fn known(&self) -> impl Iterator<Item = (Field, ValueRef<'_>)> {
        let mut left = self.fixed | self.packed;
        let mut packed = self.values.iter();
        std::iter::from_fn(move || {
            if left == 0 {
                return None;
            }
            let field = Field::at(left.trailing_zeros());
            left &= left - 1;
            let value = if self.fixed & field.bit() != 0 {
                self.fixed_value(field)
            } else {
                packed.next()?.view()
            };
            Some((field, value))
        })
    }

    /// The fields that the dictionary does not know, in order of appearance.
    pub fn others(&self) -> impl Iterator<Item = (&str, ValueRef<'_>)> {
        self.others
            .iter()
            .map(|(name, value)| (&**name, value.view()))
    }

    /// Sets a field, whatever it was before.
    pub fn set(&mut self, key: &Key, value: Value) {
        match key {
            Key::Known(field) => self.set_field(*field, value),
            Key::Other(name) => match self.others.iter_mut().find(|(other, _)| other == name) {
                Some((_, old)) => *old = value,
                None => self.others.push((name.clone(), value)),
            },
        }
    }

    /// Sets a field of the dictionary, whatever it was before.
    pub fn set_field(&mut self, field: Field, value: Value) {
        let value = match (value, field.kind()) {
            (Value::Text(text), Kind::Ip) => {
                Address::from_canonical(text.as_str()).map_or(Value::Text(text), Value::Address)
            }
            (Value::Text(text), Kind::Mac) => {
                Mac::from_canonical(text.as_str()).map_or(Value::Text(text), Value::Mac)
            }
            (value, _) => value,
        };
        match (field.slot(), native_bits(field.kind(), &value), &value) {
            (Slot::Number(slot), Some(bits), _) => {
                self.numbers[usize::from(slot)] = bits;
                self.mark_fixed(field);
            }
            (Slot::Address(slot), _, Value::Address(address)) => {
                self.addresses[usize::from(slot)] = *address;
                self.mark_fixed(field);
            }
            _ => self.pack(field, value),
        }
    }

    /// Sets a number of the dictionary's type; what does not fit its width is cut off, as on the wire.
    /// The field must be one that the dictionary holds as a number.
    #[inline]
    pub fn set_number(&mut self, field: Field, bits: u64) {
        match field.slot() {
            Slot::Number(slot) => {
                self.numbers[usize::from(slot)] = cut(field.kind(), bits);
                self.mark_fixed(field);
            }
            _ => self.pack(
                field,
                number_view(field.kind(), cut(field.kind(), bits)).to_value(),
            ),
        }
    }

    /// Sets an address. The field must be one that the dictionary holds as an address.
    #[inline]
    pub fn set_address(&mut self, field: Field, address: Address) {
        match field.slot() {
            Slot::Address(slot) => {
                self.addresses[usize::from(slot)] = address;
                self.mark_fixed(field);
            }
            _ => self.pack(field, Value::Address(address)),
        }
    }

    /// Sets a text of the dictionary.
    pub fn set_text(&mut self, field: Field, text: Text) {
        self.set_field(field, Value::Text(text));
    }

    /// Sets `Interfaces`, `IfDirections` and `Udns` together. Without any interface the first two are null
    /// and the third is absent.
    pub fn set_observed(&mut self, observed: Option<Arc<Observed>>) {
        self.mark_fixed(Field::Interfaces);
        self.mark_fixed(Field::IfDirections);
        if observed.is_some() {
            self.mark_fixed(Field::Udns);
        } else {
            self.remove_field(Field::Udns);
        }
        self.observed = observed;
    }

    /// Removes a field; nothing happens when it is absent.
    pub fn remove(&mut self, key: &Key) {
        match key {
            Key::Known(field) => self.remove_field(*field),
            Key::Other(name) => self.others.retain(|(other, _)| other != name),
        }
    }

    fn remove_field(&mut self, field: Field) {
        self.fixed &= !field.bit();
        if self.packed & field.bit() != 0 {
            let place = self.place(field);
            self.values.remove(place);
            self.packed &= !field.bit();
        }
    }

    /// Notes that the slot holds the field now, so the packed values must not.
    #[inline]
    fn mark_fixed(&mut self, field: Field) {
        if self.packed & field.bit() != 0 {
            self.remove_field(field);
        }
        self.fixed |= field.bit();
    }

    fn pack(&mut self, field: Field, value: Value) {
        let place = self.place(field);
        if self.packed & field.bit() != 0 {
            self.values[place] = value;
        } else {
            self.values.insert(place, value);
            self.packed |= field.bit();
            self.fixed &= !field.bit();
        }
    }

    #[inline]
    fn place(&self, field: Field) -> usize {
        (self.packed & (field.bit() - 1)).count_ones() as usize
    }

    #[inline]
    fn fixed_value(&self, field: Field) -> ValueRef<'_> {
        match field.slot() {
            Slot::Number(slot) => number_view(field.kind(), self.numbers[usize::from(slot)]),
            Slot::Address(slot) => ValueRef::Address(self.addresses[usize::from(slot)]),
            list => match (&self.observed, list) {
                (Some(observed), Slot::Interfaces) => ValueRef::Names(&observed.interfaces),
                (Some(observed), Slot::Udns) => ValueRef::Names(&observed.udns),
                (Some(observed), _) => ValueRef::Ints(&observed.directions),
                (None, _) => ValueRef::Null,
            },
        }
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The number in a slot, with the type of the dictionary.
#[inline]
const fn number_view(kind: Kind, bits: u64) -> ValueRef<'static> {
    ValueRef::Number(match kind {
        Kind::Mac => return ValueRef::Mac(Mac(bits)),
        Kind::U8 => Number::U8(bits as u8),
        Kind::U16 => Number::U16(bits as u16),
        Kind::U32 => Number::U32(bits as u32),
        Kind::I32 => Number::I32(bits as i32),
        Kind::I64 => Number::I64(bits as i64),
        _ => Number::U64(bits),
    })
}

/// The bits of a number that fit its dictionary type.
const fn cut(kind: Kind, bits: u64) -> u64 {
    match kind {
        Kind::U8 => bits as u8 as u64,
        Kind::U16 => bits as u16 as u64,
        Kind::U32 => bits as u32 as u64,
        Kind::I32 => bits as i32 as u64,
        _ => bits,
    }
}

/// The bits of a value that has exactly the dictionary's type; any other type is kept as it is.
const fn native_bits(kind: Kind, value: &Value) -> Option<u64> {
    match (kind, value) {
        (Kind::U8, Value::Number(Number::U8(n))) => Some(*n as u64),
        (Kind::U16, Value::Number(Number::U16(n))) => Some(*n as u64),
        (Kind::U32, Value::Number(Number::U32(n))) => Some(*n as u64),
        (Kind::U64, Value::Number(Number::U64(n))) => Some(*n),
        (Kind::I32, Value::Number(Number::I32(n))) => Some(*n as u64),
        (Kind::I64, Value::Number(Number::I64(n))) => Some(*n as u64),
        (Kind::Mac, Value::Mac(mac)) => Some(mac.0),
        _ => None,
    }
}
