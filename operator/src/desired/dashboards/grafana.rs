//! Dashboards as the OpenShift console reads them: Grafana's older model, with rows.

use serde::Serialize;
use serde_with::skip_serializing_none;

use crate::apis::flowmetric::{ChartType, ChartUnit};

/// Version of the model.
const SCHEMA_VERSION: u32 = 16;
/// Highest series that a graph draws, unless told otherwise.
pub const TOP: usize = 7;
/// Width of a dashboard is 12: so wide is a single value, and a graph.
pub const SPAN_STAT: u32 = 3;
pub const SPAN_GRAPH: u32 = 4;
/// A wide graph.
pub const SPAN_HALF: u32 = 6;

/// A dashboard.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dashboard {
    title: String,
    rows: Vec<Row>,
    editable: bool,
    tags: [&'static str; 1],
    style: &'static str,
    timezone: &'static str,
    timepicker: TimePicker,
    time: TimeRange,
    schema_version: u32,
    version: u32,
}

#[derive(Debug, Serialize)]
struct TimePicker {
    refresh_intervals: [&'static str; 10],
}

#[derive(Debug, Serialize)]
struct TimeRange {
    from: &'static str,
    to: &'static str,
}

/// One row of panels.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    title: String,
    show_title: bool,
    collapse: bool,
    height: &'static str,
    panels: Vec<Panel>,
}

/// One chart.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    id: u32,
    title: String,
    #[serde(rename = "type")]
    kind: &'static str,
    datasource: &'static str,
    renderer: &'static str,
    span: u32,
    fill: u32,
    linewidth: u32,
    stack: bool,
    /// Of a single value.
    format: Option<&'static str>,
    yaxes: [Axis; 2],
    targets: Vec<Target>,
}

#[derive(Debug, Clone, Serialize)]
struct Axis {
    format: &'static str,
    show: bool,
}

/// One query of a chart.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    expr: String,
    format: &'static str,
    interval_factor: u32,
    legend_format: String,
    ref_id: String,
}

impl Dashboard {
    pub fn new(name: &str, rows: Vec<Row>) -> Self {
        let mut dashboard = Self {
            title: format!("NetObserv / {name}"),
            rows,
            editable: false,
            tags: ["networking-mixin"],
            style: "dark",
            timezone: "browser",
            timepicker: TimePicker {
                refresh_intervals: [
                    "5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d",
                ],
            },
            time: TimeRange {
                from: "now-1h",
                to: "now",
            },
            schema_version: SCHEMA_VERSION,
            version: 0,
        };
        let panels = dashboard.rows.iter_mut().flat_map(|row| &mut row.panels);
        for (id, panel) in (1..).zip(panels) {
            panel.id = id;
        }
        dashboard
    }
}

impl Row {
    /// A row of that height in pixels.
    pub fn new(title: &str, height: &'static str, collapse: bool, panels: Vec<Panel>) -> Self {
        Self {
            title: title.to_owned(),
            show_title: !title.is_empty(),
            collapse,
            height,
            panels,
        }
    }
}

impl Panel {
    /// A panel without queries.
    pub fn new(title: &str, kind: ChartType, unit: Option<ChartUnit>, span: u32) -> Self {
        let unit = unit.map_or("", ChartUnit::as_str);
        let is_stat = kind == ChartType::SingleStat;
        let stat_format = match unit {
            "percent" => "percentunit",
            "seconds" => "s",
            "" => "short",
            unit => unit,
        };
        let axis_format = match unit {
            "percent" | "" => "short",
            unit => unit,
        };
        let axis = |show| Axis {
            format: axis_format,
            show,
        };
        Self {
            // Set when the dashboard is put together.
            id: 0,
            title: title.to_owned(),
            kind: if is_stat { "singlestat" } else { "graph" },
            datasource: "prometheus",
            renderer: "flot",
            span,
            fill: 1,
            linewidth: 1,
            stack: kind == ChartType::StackArea,
            format: is_stat.then_some(stat_format),
            yaxes: [axis(true), axis(false)],
            targets: Vec::new(),
        }
    }

    /// Adds a query.
    #[must_use]
    pub fn with(mut self, expr: &str, legend: &str) -> Self {
        // The console takes a query on one line only.
        let expr = expr.replace(['\t', '\n', '\r'], " ").trim().to_owned();
        self.targets.push(Target {
            expr,
            format: "time_series",
            interval_factor: 2,
            legend_format: legend.to_owned(),
            ref_id: reference(self.targets.len()),
        });
        self
    }

    /// Changes the width.
    pub fn widen(&mut self, span: u32) {
        self.span = span;
    }
}

/// `A` to `Z`, then `A26` and so on.
fn reference(at: usize) -> String {
    match u8::try_from(at) {
        Ok(at @ 0..26) => char::from(b'A' + at).to_string(),
        _ => format!("A{at}"),
    }
}
