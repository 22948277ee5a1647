//! A text from a configuration that is compared with values of records.

use super::{Address, Mac, ValueRef};

/// A text prepared so that comparing it with an address does not write the address out.
#[derive(Clone, Debug)]
pub struct TextLiteral {
    text: Box<str>,
    address: Option<Address>,
    mac: Option<Mac>,
}

impl TextLiteral {
    /// Prepares `text`.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            address: Address::from_canonical(text),
            mac: Mac::from_canonical(text),
        }
    }

    /// Whether the value is text, and this one. Numbers, lists and null never are.
    pub fn equals(&self, value: ValueRef<'_>) -> bool {
        match value {
            ValueRef::Text(text) => *self.text == *text,
            ValueRef::Address(address) => self.address == Some(address),
            ValueRef::Mac(mac) => self.mac == Some(mac),
            ValueRef::Json(value) => value.as_str() == Some(&self.text),
            _ => false,
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
