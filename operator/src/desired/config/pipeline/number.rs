//! How NetObserv writes numbers and lists that may be empty.

use serde::Serialize;
use serde::ser::Serializer;

/// A number, written without a fraction where it has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number(pub f64);

/// Whole numbers up to this one have a double each.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// As NetObserv writes a list that is not there.
pub fn null_if_empty<S: Serializer>(list: &Vec<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let list = Some(list).filter(|list| !list.is_empty());
    list.serialize(serializer)
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.fract() == 0.0 && self.0.abs() <= WHOLE_MAX {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}
