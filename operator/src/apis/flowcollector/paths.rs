//! Values at paths such as `exporters[].kafka.sasl.type` of a JSON tree.

use serde_json::{Map, Value};

/// The value at a path without lists.
pub fn get<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(tree, |node, key| node.get(key))
}

/// Takes the value at a path without lists out of its object.
pub fn take(tree: &mut Value, path: &str) -> Option<Value> {
    let (parent, key) = match path.rsplit_once('.') {
        Some((parent, key)) => (
            parent
                .split('.')
                .try_fold(tree, |node, key| node.get_mut(key))?,
            key,
        ),
        None => (tree, path),
    };
    parent.as_object_mut()?.remove(key)
}

/// Puts a value at a path without lists; objects on the way are made.
pub fn set(tree: &mut Value, path: &str, value: Value) {
    let mut node = tree;
    for key in path.split('.') {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        node = &mut node[key];
    }
    *node = value;
}

/// Calls `change` on each value at a path; `[]` behind a key means every item of its list.
pub fn each(tree: &mut Value, path: &str, change: &mut dyn FnMut(&mut Value)) {
    let (head, rest) = match path.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (path, None),
    };
    let key = head.trim_end_matches("[]");
    let Some(child) = tree.get_mut(key) else {
        return;
    };
    let mut descend = |child: &mut Value| match rest {
        Some(rest) => each(child, rest, change),
        None => change(child),
    };
    match child {
        Value::Array(items) if head.ends_with("[]") => items.iter_mut().for_each(descend),
        child => descend(child),
    }
}

/// Takes out whatever is at a path; `[]` behind a key means every item of its list.
pub fn remove_each(tree: &mut Value, path: &str) {
    match path.rsplit_once('.') {
        Some((parent, key)) => each(tree, parent, &mut |node| {
            if let Some(object) = node.as_object_mut() {
                object.remove(key);
            }
        }),
        None => {
            take(tree, path);
        }
    }
}
