//! Generates the field table of the record from `contracts/fields.json` and the messages of the agent's
//! `flow.proto`, and stamps the version text.

#[path = "build/stamp.rs"]
mod stamp;

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

const FIELDS: &str = "contracts/fields.json";
const FLOW_PROTO: &str = "contracts/vendored/ebpf-agent/flow.proto";

/// Groups whose numbers and addresses nearly every record carries: they get a fixed slot each. The values
/// of the other groups are kept packed, so that a record pays only for those it has.
const HOT_GROUPS: [&str; 7] = [
    "source",
    "destination",
    "transport",
    "volume",
    "time",
    "place",
    "rtt",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={FIELDS}");
    println!("cargo::rerun-if-changed={FLOW_PROTO}");
    let out = env::var("OUT_DIR")?;
    let dictionary: serde_json::Value = serde_json::from_str(&fs::read_to_string(FIELDS)?)?;
    fs::write(Path::new(&out).join("field.rs"), field_table(&dictionary)?)?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .bytes(".")
        .compile_fds(protox::compile(
            [FLOW_PROTO],
            ["contracts/vendored/ebpf-agent"],
        )?)?;
    stamp::stamp();
    Ok(())
}

/// The enum `Field` and its constant tables, in the order of the dictionary.
fn field_table(dictionary: &serde_json::Value) -> Result<String, Box<dyn std::error::Error>> {
    let fields = dictionary["fields"]
        .as_array()
        .ok_or("fields.json has no list \"fields\"")?;
    let text = |index: usize, key: &str| -> Result<String, String> {
        let value = fields[index][key].as_str();
        value
            .map(str::to_owned)
            .ok_or(format!("fields.json: entry {index} has no text \"{key}\""))
    };
    let (mut variants, mut names, mut kinds, mut slots) =
        (String::new(), String::new(), String::new(), String::new());
    let (mut numbers, mut addresses) = (0, 0);
    let mut sorted = Vec::new();
    for index in 0..fields.len() {
        let (name, kind) = (text(index, "name")?, text(index, "type")?);
        let variant = name
            .trim_start_matches('_')
            .split('_')
            .map(capitalised)
            .collect::<String>();
        let hot = HOT_GROUPS.contains(&text(index, "group")?.as_str());
        let (kind, slot) = match kind.as_str() {
            "ip" => (
                "Ip",
                hot.then(|| format!("Slot::Address({})", post_increment(&mut addresses))),
            ),
            "string" => ("Text", None),
            "list_map" => ("Maps", None),
            "bool" => ("Bool", None),
            "list_string" if name == "Interfaces" => ("Names", Some("Slot::Interfaces".to_owned())),
            "list_string" if name == "Udns" => ("Names", Some("Slot::Udns".to_owned())),
            "list_string" => ("Names", None),
            "list_int" if name == "IfDirections" => ("Ints", Some("Slot::Directions".to_owned())),
            number => {
                let kind = match number {
                    "mac" => "Mac",
                    "tcp_flags" | "u16" => "U16",
                    "u8" => "U8",
                    "u32" => "U32",
                    "u64" => "U64",
                    "i32" => "I32",
                    "i64" => "I64",
                    other => {
                        return Err(
                            format!("fields.json: {name} has the unknown type {other}").into()
                        );
                    }
                };
                (
                    kind,
                    hot.then(|| format!("Slot::Number({})", post_increment(&mut numbers))),
                )
            }
        };
        writeln!(variants, "    /// {}\n    {variant},", text(index, "doc")?)?;
        write!(names, "{name:?}, ")?;
        write!(kinds, "Kind::{kind}, ")?;
        write!(slots, "{}, ", slot.as_deref().unwrap_or("Slot::Packed"))?;
        sorted.push((name, variant));
    }
    let list = |fields: &[(String, String)]| {
        let paths: Vec<_> = fields
            .iter()
            .map(|(_, variant)| format!("Field::{variant}"))
            .collect();
        paths.join(", ")
    };
    let all = list(&sorted);
    sorted.sort();
    let sorted = list(&sorted);
    let count = fields.len();
    Ok(format!(
        "/// A field of the dictionary; the value is its place there.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(u8)]\n\
         pub enum Field {{\n{variants}}}\n\
         /// How many fields the dictionary knows.\npub const FIELD_COUNT: usize = {count};\n\
         pub(super) const NUMBER_SLOTS: usize = {numbers};\n\
         pub(super) const ADDRESS_SLOTS: usize = {addresses};\n\
         const NAMES: [&str; FIELD_COUNT] = [{names}];\n\
         const KINDS: [Kind; FIELD_COUNT] = [{kinds}];\n\
         const SLOTS: [Slot; FIELD_COUNT] = [{slots}];\n\
         const ALL: [Field; FIELD_COUNT] = [{all}];\n\
         const SORTED: [Field; FIELD_COUNT] = [{sorted}];\n"
    ))
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn post_increment(counter: &mut usize) -> usize {
    *counter += 1;
    *counter - 1
}
