//! What a conversion loses, kept beside the converted object, and put back on the way home.
//!
//! Both sides of a lost difference are kept: what the way home would give (`from`) and what it should give (`to`).
//! So an edit made in between is seen, as neither, and wins.

use serde_json::{Map, Value};

/// What differs between two trees, without what is equal in both.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub from: Value,
    pub to: Value,
}

impl Difference {
    /// None if the trees are equal.
    pub fn between(mut from: Value, mut to: Value) -> Option<Self> {
        if from == to {
            return None;
        }
        prune(&mut from, &mut to);
        Some(Self { from, to })
    }

    /// Makes of a tree like `from` one like `to`; what was edited since stays as it is.
    pub fn apply(&self, current: Value) -> Value {
        merge(Some(current), Some(&self.from), Some(&self.to)).unwrap_or_default()
    }
}

fn prune(from: &mut Value, to: &mut Value) {
    if let (Value::Object(from), Value::Object(to)) = (from, to) {
        from.retain(|key, value| {
            let is_equal = to.get(key) == Some(value);
            if is_equal {
                to.remove(key);
            }
            !is_equal
        });
        for (key, value) in from {
            if let Some(other) = to.get_mut(key) {
                prune(value, other);
            }
        }
    }
}

/// Objects that hold fields which the other version has elsewhere: one of them is missing where all it would hold is
/// at its default, which does not mean that it was removed.
const HOLDERS: [&str; 2] = ["advanced", "debug"];

fn merge(current: Option<Value>, from: Option<&Value>, to: Option<&Value>) -> Option<Value> {
    if from == to {
        return current;
    }
    match (current, from, to) {
        (Some(Value::Object(current)), Some(Value::Object(from)), Some(Value::Object(to))) => {
            Some(Value::Object(merge_objects(current, from, to)))
        }
        // Made by an edit; the rest of what was lost still belongs to it.
        (Some(Value::Object(current)), None, Some(Value::Object(to))) => {
            Some(Value::Object(merge_objects(current, &Map::new(), to)))
        }
        (Some(Value::Array(current)), Some(Value::Array(from)), Some(Value::Array(to)))
            if from.len() == to.len() =>
        {
            Some(Value::Array(merge_lists(current, from, to)))
        }
        (current, from, to) if current.as_ref() == from => to.cloned(),
        (current, _, _) => current,
    }
}

fn merge_objects(
    mut current: Map<String, Value>,
    from: &Map<String, Value>,
    to: &Map<String, Value>,
) -> Map<String, Value> {
    let only_in_to = to.keys().filter(|key| !from.contains_key(*key));
    for key in from.keys().chain(only_in_to) {
        let mut value = current.remove(key);
        let (from, to) = (from.get(key), to.get(key));
        let is_missing_holder = HOLDERS.contains(&key.as_str())
            && value.is_none()
            && from.is_some_and(Value::is_object)
            && to.is_some_and(Value::is_object);
        if is_missing_holder {
            value = Some(Value::Object(Map::new()));
        }
        let merged = merge(value, from, to)
            .filter(|merged| !is_missing_holder || *merged != Value::Object(Map::new()));
        if let Some(merged) = merged {
            current.insert(key.clone(), merged);
        }
    }
    current
}

/// Items keep their place, or, where some came or went, are known again by being unchanged.
fn merge_lists(current: Vec<Value>, from: &[Value], to: &[Value]) -> Vec<Value> {
    if current.len() == from.len() {
        return current
            .into_iter()
            .zip(from.iter().zip(to))
            .filter_map(|(item, (from, to))| merge(Some(item), Some(from), Some(to)))
            .collect();
    }
    let mut is_used = vec![false; from.len()];
    current
        .into_iter()
        .map(|item| {
            let at = (0..from.len()).find(|at| !is_used[*at] && from[*at] == item);
            match at {
                Some(at) => {
                    is_used[at] = true;
                    to[at].clone()
                }
                None => item,
            }
        })
        .collect()
}
