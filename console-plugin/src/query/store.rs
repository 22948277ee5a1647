//! A plan in the words of the built-in store.
//!
//! Where LogQL, written for lines of text, says less than what is meant, this says what is meant:
//! several groups are one "or" (no flow counts twice), lists compare element by element, numbers as
//! numbers, and a negated list of values is "none of them".
//! **Invariant:** pure; values become parsed tests, never text of a query.

mod pattern;

use std::net::IpAddr;

use ipnet::IpNet;

use self::pattern::pattern;
use super::filter::{Condition, Group, Operator, Value};
use super::plan::{Measure, MetricsPlan, RecordsPlan, Selection, ValuesPlan};
use super::request::{Function, PacketLoss, RecordType};
use super::{BadRequest, excerpt};
use crate::fields::{Dictionary, Field, Kind};
use crate::store::query as store;
use crate::store::query::{Filter, Test};

/// The newest rows.
pub fn records(
    dictionary: &Dictionary,
    plan: &RecordsPlan,
    limit_max: usize,
) -> Result<store::RecordsQuery, BadRequest> {
    Ok(store::RecordsQuery {
        range: range(&plan.selection),
        filter: all(selection(dictionary, &plan.selection, false)?),
        limit: plan.limit.unwrap_or(limit_max).min(limit_max),
    })
}

/// Series over time.
pub fn metrics(
    dictionary: &Dictionary,
    plan: &MetricsPlan,
) -> Result<store::AggregateQuery, BadRequest> {
    let mut filters = selection(dictionary, &plan.selection, plan.counts_once)?;
    filters.extend(plan.required_field.as_deref().map(Filter::present));
    let value_field = match &plan.measure {
        Measure::Flows => None,
        Measure::DnsFlows => {
            filters.push(any(vec![
                Filter::present("DnsId"),
                Filter::present("DnsErrno"),
            ]));
            None
        }
        Measure::Field(field) => {
            if field == "DnsLatencyMs" {
                filters.push(Filter::equals(field, "0").negate());
            }
            filters.push(Filter::present(field));
            Some(field.clone())
        }
    };
    Ok(store::AggregateQuery {
        start_ms: plan.selection.span.start_ms,
        end_ms: plan.selection.span.end_ms,
        step_ms: plan.step_ms,
        range_ms: plan.window_ms,
        filter: all(filters),
        group_by: plan.labels.clone(),
        function: match plan.function {
            Function::Count => store::Function::Count,
            Function::Sum => store::Function::Sum,
            Function::Avg => store::Function::Avg,
            Function::Min => store::Function::Min,
            Function::Max => store::Function::Max,
            Function::P90 => store::Function::P90,
            Function::P99 => store::Function::P99,
            Function::Rate => store::Function::Rate,
        },
        value_field,
        factor: plan.factor,
        top_k: plan.top_k,
    })
}

/// Distinct values.
pub fn values(
    dictionary: &Dictionary,
    plan: &ValuesPlan,
) -> Result<store::ValuesQuery, BadRequest> {
    Ok(store::ValuesQuery {
        field: plan.field.clone(),
        prefix: plan.prefix.clone(),
        range: range(&plan.selection),
        filter: all(selection(dictionary, &plan.selection, false)?),
        limit: plan.limit,
    })
}

fn range(selection: &Selection) -> store::TimeRange {
    store::TimeRange {
        start_ms: selection.span.start_ms,
        end_ms: selection.span.end_ms,
    }
}

fn selection(
    dictionary: &Dictionary,
    plan: &Selection,
    counts_once: bool,
) -> Result<Vec<Filter>, BadRequest> {
    let mut filters = vec![record_type(plan.record_type)];
    filters.extend(packet_loss(plan.packet_loss));
    filters.extend(plan.namespace.as_deref().map(|namespace| {
        any(["SrcK8S_Namespace", "DstK8S_Namespace"]
            .map(|side| Filter::equals(side, namespace))
            .into())
    }));
    let groups: Vec<Filter> = plan
        .groups
        .iter()
        .map(|conditions| group(dictionary, conditions, counts_once))
        .collect::<Result<_, _>>()?;
    pattern::check_number(&groups)?;
    filters.push(any(groups));
    filters.retain(|filter| *filter != Filter::TRUE);
    Ok(filters)
}

fn group(
    dictionary: &Dictionary,
    conditions: &Group,
    counts_once: bool,
) -> Result<Filter, BadRequest> {
    let mut filters: Vec<Filter> = conditions
        .iter()
        .map(|each| condition(dictionary, each))
        .collect::<Result<_, _>>()?;
    if counts_once
        && conditions
            .iter()
            .all(|condition| condition.key != "FlowDirection")
    {
        filters.push(counted_once());
    }
    Ok(all(filters))
}

/// Ingress and inner reports, and egress reports of what has no ingress reporter. A row without a
/// direction comes from one host, whose agent has merged its interfaces already.
fn counted_once() -> Filter {
    let direction = |value| Filter::equals("FlowDirection", value);
    any(vec![
        Filter::empty_or_missing("FlowDirection"),
        direction("0"),
        direction("2"),
        all(vec![
            direction("1"),
            any(vec![
                Filter::empty_or_missing("DstK8S_Type"),
                Filter::equals("DstK8S_Type", "Service"),
            ]),
        ]),
    ])
}

/// A row without a type is a plain flow: without conversation tracking nothing writes the field.
fn record_type(record_type: RecordType) -> Filter {
    let is = |value| Filter::equals("_RecordType", value);
    match record_type {
        RecordType::FlowLog => any(vec![Filter::empty_or_missing("_RecordType"), is("flowLog")]),
        RecordType::NewConnection => is("newConnection"),
        RecordType::Heartbeat => is("heartbeat"),
        RecordType::EndConnection => is("endConnection"),
        RecordType::AllConnections => any(vec![
            is("newConnection"),
            is("heartbeat"),
            is("endConnection"),
        ]),
        RecordType::Any => Filter::TRUE,
    }
}

fn packet_loss(packet_loss: PacketLoss) -> Vec<Filter> {
    let some = |field| Filter::matches(field, Test::AtLeast(1));
    match packet_loss {
        PacketLoss::All => vec![],
        PacketLoss::Dropped => vec![some("Packets").negate(), some("PktDropPackets")],
        PacketLoss::HasDrops => vec![some("PktDropPackets")],
        PacketLoss::Sent => vec![some("PktDropPackets").negate()],
    }
}

fn condition(dictionary: &Dictionary, condition: &Condition) -> Result<Filter, BadRequest> {
    let fields = dictionary.resolve(&condition.key);
    let mut matches = Vec::new();
    for field in &fields {
        for value in &condition.values {
            matches.push(test(field, condition.operator, value)?);
        }
    }
    if !matches!(condition.operator, Operator::NotEqual | Operator::NotMatch) {
        return Ok(any(matches));
    }
    let none = any(matches).negate();
    // A line filter asks for the key to be there; labels and addresses are also unequal when missing.
    let is_lenient = fields
        .iter()
        .any(|field| field.is_label || field.kind == Kind::Address)
        || condition.values.iter().any(Value::is_missing);
    if is_lenient {
        return Ok(none);
    }
    let presence = any(fields
        .iter()
        .map(|field| Filter::present(&field.name))
        .collect());
    Ok(all(vec![presence, none]))
}

/// One field against one value, as if not negated.
fn test(field: &Field, operator: Operator, value: &Value) -> Result<Filter, BadRequest> {
    if value.is_missing() {
        return Ok(Filter::empty_or_missing(&field.name));
    }
    let is_contained = matches!(operator, Operator::Match | Operator::NotMatch) && !value.is_exact;
    let text = value.text.as_str();
    let test = match field.kind {
        Kind::Address => address_test(field, text)?,
        Kind::Number | Kind::NumberList if operator == Operator::AtLeast => {
            Test::AtLeast(number(field, text)?)
        }
        Kind::Number | Kind::NumberList if text.contains('*') => pattern(&field.name, text, false)?,
        Kind::Number | Kind::NumberList => Test::Equals(number(field, text)?.to_string()),
        Kind::Text | Kind::Boolean | Kind::Mac | Kind::List if is_contained => {
            pattern(&field.name, &format!("*{text}*"), true)?
        }
        Kind::Mac | Kind::List => pattern(&field.name, text, true)?,
        Kind::Text | Kind::Boolean if text.contains('*') => pattern(&field.name, text, false)?,
        Kind::Text | Kind::Boolean => Test::Equals(text.to_owned()),
    };
    Ok(Filter::matches(&field.name, test))
}

fn number(field: &Field, text: &str) -> Result<i64, BadRequest> {
    text.parse().map_err(|_| {
        let shown = excerpt(text);
        BadRequest::new(format!(
            "filter {}: \"{shown}\" is not a number",
            field.name
        ))
    })
}

fn address_test(field: &Field, text: &str) -> Result<Test, BadRequest> {
    let invalid = || {
        BadRequest::new(format!(
            "filter {}: \"{}\" is not an address, a network such as 10.0.0.0/8 or a range such as 10.0.0.1-10.0.0.9",
            field.name,
            excerpt(text)
        ))
    };
    if let Some((first, last)) = text.split_once('-') {
        let first: IpAddr = first.parse().map_err(|_| invalid())?;
        let last: IpAddr = last.parse().map_err(|_| invalid())?;
        let is_range = first.is_ipv4() == last.is_ipv4() && first <= last;
        return if is_range {
            Ok(Test::InAddresses(first, last))
        } else {
            Err(invalid())
        };
    }
    if text.contains('/') {
        return text
            .parse::<IpNet>()
            .map(|network| Test::InNetwork(network.trunc()))
            .map_err(|_| invalid());
    }
    // The text of the dictionary: one way to write each address.
    text.parse::<IpAddr>()
        .map(|address| Test::Equals(address.to_string()))
        .map_err(|_| invalid())
}

fn any(mut filters: Vec<Filter>) -> Filter {
    if filters.contains(&Filter::TRUE) {
        return Filter::TRUE;
    }
    if filters.len() == 1 {
        filters.remove(0)
    } else {
        Filter::Or(filters)
    }
}

fn all(mut filters: Vec<Filter>) -> Filter {
    filters.retain(|filter| *filter != Filter::TRUE);
    if filters.len() == 1 {
        filters.remove(0)
    } else {
        Filter::And(filters)
    }
}

#[cfg(test)]
mod tests;
