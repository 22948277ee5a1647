//! Names of fields: those of the dictionary as an enum generated from `contracts/fields.json`, others as text.

use std::fmt;
use std::sync::Arc;

include!(concat!(env!("OUT_DIR"), "/field.rs"));

/// The type a field of the dictionary has when the agent's protobuf brings it or this program sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An IP address.
    Ip,
    /// A link-layer address.
    Mac,
    /// A number of this width.
    U8,
    /// A number of this width.
    U16,
    /// A number of this width.
    U32,
    /// A number of this width.
    U64,
    /// A number of this width.
    I32,
    /// A number of this width.
    I64,
    /// True or false.
    Bool,
    /// Text.
    Text,
    /// A list of names.
    Names,
    /// A list of numbers.
    Ints,
    /// A list of maps from text to text.
    Maps,
}

/// Where a record keeps the field when its value has the dictionary's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// Fixed, among the numbers.
    Number(u8),
    /// Fixed, among the addresses.
    Address(u8),
    /// In the list of observing interfaces.
    Interfaces,
    /// In the list of observing interfaces.
    Directions,
    /// In the list of observing interfaces.
    Udns,
    /// Among the packed values.
    Packed,
}

impl Field {
    /// The name on the wire, in configurations and outputs.
    pub const fn name(self) -> &'static str {
        NAMES[self as usize]
    }

    /// The type of the dictionary.
    pub const fn kind(self) -> Kind {
        KINDS[self as usize]
    }

    /// The field called exactly `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        SORTED
            .binary_search_by(|field| field.name().cmp(name))
            .ok()
            .map(|index| SORTED[index])
    }

    /// All fields by the bytes of their names.
    pub const fn sorted() -> &'static [Self; FIELD_COUNT] {
        &SORTED
    }

    pub(super) const fn slot(self) -> Slot {
        SLOTS[self as usize]
    }

    pub(super) const fn bit(self) -> u128 {
        1 << self as u8
    }

    /// The field at a place of the dictionary; the caller has the place from a bit that [`Self::bit`] set.
    pub(super) const fn at(place: u32) -> Self {
        ALL[place as usize]
    }
}

/// A field's name resolved once, when a stage is built.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A field of the dictionary.
    Known(Field),
    /// Any other name.
    Other(Arc<str>),
}

impl Key {
    /// The field's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(field) => field.name(),
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Key {
    fn from(name: &str) -> Self {
        Field::from_name(name).map_or_else(|| Self::Other(name.into()), Self::Known)
    }
}

impl From<Field> for Key {
    fn from(field: Field) -> Self {
        Self::Known(field)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
