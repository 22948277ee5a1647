//! Dashboards of metrics made of flows: their charts, sorted into dashboards and rows.

use std::collections::BTreeSet;

use super::grafana::{Dashboard, Panel, Row, SPAN_GRAPH, SPAN_HALF, SPAN_STAT, TOP};
use crate::apis::flowmetric::{Chart, ChartType};

/// Name of a dashboard that is given none.
const MAIN: &str = "Main";
/// A top row of more panels than this gets a title, by which it can be closed.
const UNTITLED_PANELS_MAX: usize = 8;
const HEIGHT: &str = "250px";
/// Names of ConfigMaps may have 253 characters; the rest is for the prefix.
const NAME_LENGTH_MAX: usize = 200;

/// One dashboard: the end of its ConfigMap's name, and what it shows.
#[derive(Debug)]
pub struct Named {
    pub name: String,
    pub dashboard: Dashboard,
}

/// A dashboard while charts are added.
struct Draft<'a> {
    name: String,
    title: &'a str,
    rows: Vec<(&'a str, Vec<&'a (String, Chart)>)>,
    /// Titles and units that are there.
    seen: BTreeSet<(&'a str, &'a str)>,
}

/// All dashboards of charts, each with the full name of its metric.
pub fn dashboards(charts: &[(String, Chart)]) -> Vec<Named> {
    let mut drafts: Vec<Draft> = Vec::new();
    for entry in charts {
        let chart = &entry.1;
        let title = Some(chart.dashboard_name.as_str()).filter(|name| !name.is_empty());
        let title = title.unwrap_or(MAIN);
        let name = config_map_name(title);
        let at = drafts.iter().position(|draft| draft.name == name);
        let at = at.unwrap_or_else(|| {
            drafts.push(Draft {
                name,
                title,
                // What is in no row stands on top.
                rows: vec![("", Vec::new())],
                seen: BTreeSet::new(),
            });
            drafts.len() - 1
        });
        drafts[at].add(entry);
    }
    drafts.into_iter().map(Draft::finish).collect()
}

impl<'a> Draft<'a> {
    fn add(&mut self, entry: &'a (String, Chart)) {
        let chart = &entry.1;
        let unit = chart.unit.map_or("", |unit| unit.as_str());
        if !self.seen.insert((&chart.title, unit)) {
            return;
        }
        let title = chart.section_name.as_deref().unwrap_or_default();
        match self.rows.iter_mut().find(|(other, _)| *other == title) {
            Some((_, charts)) => charts.push(entry),
            None => self.rows.push((title, vec![entry])),
        }
    }

    fn finish(self) -> Named {
        let rows = self.rows.into_iter();
        let rows = rows.filter(|(_, charts)| !charts.is_empty());
        Named {
            name: self.name,
            dashboard: Dashboard::new(
                self.title,
                rows.map(|(title, charts)| row(title, &charts)).collect(),
            ),
        }
    }
}

fn row(title: &str, charts: &[&(String, Chart)]) -> Row {
    let of_kind = |is_stat| {
        let charts = charts.iter().copied();
        charts.filter(move |(_, chart)| (chart.kind == ChartType::SingleStat) == is_stat)
    };
    let mut panels: Vec<Panel> = of_kind(true).flat_map(stat).collect();
    let first_graph = panels.len();
    panels.extend(of_kind(false).map(graph));
    let count = panels.len() - first_graph;
    if count > 3 && count % 3 == 1 {
        // Rather two halves than one third alone.
        let last = panels.len() - 2;
        for panel in &mut panels[last..] {
            panel.widen(SPAN_HALF);
        }
    }
    let is_large = panels.len() > UNTITLED_PANELS_MAX;
    let title = if title.is_empty() && is_large {
        "Overview"
    } else {
        title
    };
    Row::new(title, HEIGHT, false, panels)
}

/// A panel for each value.
fn stat((metric, chart): &(String, Chart)) -> Vec<Panel> {
    let queries = chart.queries.iter();
    queries
        .map(|query| {
            let title = if query.legend.is_empty() {
                chart.title.clone()
            } else {
                format!("{}, {}", chart.title, query.legend)
            };
            let expr = query.prom_ql.replace("$METRIC", metric);
            Panel::new(&title, chart.kind, chart.unit, SPAN_STAT).with(&expr, &query.legend)
        })
        .collect()
}

fn graph((metric, chart): &(String, Chart)) -> Panel {
    let panel = Panel::new(&chart.title, chart.kind, chart.unit, SPAN_GRAPH);
    chart.queries.iter().fold(panel, |panel, query| {
        let expr = query.prom_ql.replace("$METRIC", metric);
        let top = usize::try_from(query.top).ok().filter(|top| *top > 0);
        let expr = format!("topk({}, {expr})", top.unwrap_or(TOP));
        panel.with(&expr, &query.legend)
    })
}

/// In lower case, with `-` for what a name cannot hold.
fn config_map_name(dashboard: &str) -> String {
    let name: String = dashboard
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(NAME_LENGTH_MAX)
        .collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        MAIN.to_lowercase()
    } else {
        name.to_owned()
    }
}
