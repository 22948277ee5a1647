//! What a filter begins with, and what it comes to.

use super::*;

#[test]
fn what_a_condition_begins_with() {
    let is = Filter::equals;
    let (a, b) = (is("SrcAddr", "a"), is("DstAddr", "b"));
    let team = is("SrcK8S_Namespace", "team");
    let pair = Filter::And(vec![b.clone(), a.clone()]);
    let back = Filter::And(vec![is("SrcAddr", "b"), is("DstAddr", "a")]);
    let either = Filter::Or(vec![a.clone(), b.clone()]);
    let teams = Filter::Or(vec![team.clone(), is("SrcK8S_Namespace", "other")]);
    let port = is("SrcPort", "80");
    let not = Filter::Not(Box::new(a.clone()));
    for (filter, expected) in [
        (a.clone(), Some(vec!["SrcAddr"])),
        (team.clone(), Some(vec!["SrcK8S_Namespace"])),
        (pair.clone(), Some(vec!["SrcAddr"])),
        (either.clone(), Some(vec!["SrcAddr", "DstAddr"])),
        (Filter::Or(vec![pair, back]), Some(vec!["SrcAddr"])),
        (
            Filter::Or(vec![either.clone(); 500]),
            Some(vec!["SrcAddr", "DstAddr"]),
        ),
        (
            Filter::Or(vec![a.clone(), not.clone()]),
            Some(vec!["SrcAddr"]),
        ),
        (
            Filter::And(vec![team.clone(), either.clone()]),
            Some(vec!["SrcAddr", "DstAddr"]),
        ),
        (
            Filter::And(vec![teams.clone(), port.clone()]),
            Some(vec!["SrcK8S_Namespace"]),
        ),
        (Filter::Or(Vec::new()), Some(Vec::new())),
        (teams, None),
        (Filter::Or(vec![either, team]), None),
        (Filter::Or(vec![a, port.clone()]), None),
        (port, None),
        (not, Some(vec!["SrcAddr"])),
        (Filter::TRUE, None),
    ] {
        let condition = Condition::compile(&filter).expect("a filter");
        let names = condition.leads().map(|leads| {
            let names = leads.iter().map(|lead| COLUMNS.all[lead.column].name);
            names.collect::<Vec<_>>()
        });
        assert_eq!(names, expected, "{filter:?}");
    }
}

#[test]
fn what_leaves_nothing_to_be_looked_at_beside_what_it_begins_with() {
    let is = Filter::equals;
    let (a, b) = (is("SrcAddr", "a"), is("DstAddr", "b"));
    let team = is("SrcK8S_Namespace", "team");
    let either = Filter::Or(vec![a.clone(), b.clone()]);
    for (filter, expected) in [
        (a.clone(), true),
        (team.clone(), true),
        (Filter::Not(Box::new(a.clone())), true),
        (Filter::And(vec![either.clone()]), true),
        (Filter::Or(vec![either.clone(), a.clone()]), true),
        (Filter::And(vec![a.clone(), b]), false),
        (Filter::And(vec![either.clone(), team.clone()]), false),
        (Filter::Or(vec![either, is("SrcPort", "80")]), false),
        (
            Filter::Or(vec![Filter::And(vec![a.clone(), team]), a]),
            false,
        ),
    ] {
        let condition = Condition::compile(&filter).expect("a filter");
        assert_eq!(condition.is_its_leads(), expected, "{filter:?}");
    }
}
