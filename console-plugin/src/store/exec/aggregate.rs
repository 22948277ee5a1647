//! Aggregations: group, step, function, the top groups of each step.
//!
//! **Invariant:** means what LogQL's range aggregations mean: a sample at step `t` covers `(t - range, t]`, exists only
//! if a row counts for it, and of each step the top groups are kept.

use std::cmp::Ordering;

use arrow::array::Array as _;
use hashbrown::HashMap;

use super::filter::Mask;
use super::group::{Grouper, Pairs, Values, each_row, unpack};
use super::scan::Scanned;
use super::top::keep_best;
use super::{Executor, Task};
use crate::store::error::StoreError;
use crate::store::fields::{COLUMNS, FieldId, Kind};
use crate::store::query::{AggregateAnswer, AggregateQuery, Control, Function, Series, TimeRange};

/// Steps of one query, as Loki limits its points.
const STEPS: i64 = 11_000;

/// Samples that are added to between two looks at the query's memory and deadline; one row may add as many as there
/// are steps.
const CHECKED_SAMPLES: usize = 16_384;

/// What the rows of one group and step add up to.
#[derive(Debug, Clone, Copy)]
struct Cell {
    count: u64,
    /// Sum, minimum or maximum.
    value: i64,
}

/// What one thread found.
struct Table {
    grouper: Grouper,
    /// Group and step; with one step a group is its own cell.
    steps: Pairs,
    cells: Vec<Cell>,
    /// Cell and value of each row, for quantiles.
    samples: Vec<(u32, i64)>,
    charged: usize,
}

/// The query, resolved.
struct Plan<'q> {
    query: &'q AggregateQuery,
    value: Option<FieldId>,
    steps: i64,
    fields: Vec<Values>,
}

impl Executor {
    pub fn aggregate(
        &self,
        query: &AggregateQuery,
        control: &Control,
    ) -> Result<AggregateAnswer, StoreError> {
        let plan = Plan::new(query)?;
        let last_ms = query.start_ms + (plan.steps - 1) * query.step_ms;
        // Half open on the other side than a sample's range.
        let range = TimeRange {
            start_ms: query
                .start_ms
                .saturating_sub(query.range_ms)
                .saturating_add(1),
            end_ms: last_ms.saturating_add(1),
        };
        let task = self.task(&query.filter, range, control)?;
        let (units, stats) = task.units()?;
        let columns = plan.columns();
        let tables = task.run(
            &units,
            || Table::new(&plan, &task),
            |table, _, unit| match task.scan(unit, &columns)? {
                Some(scanned) => table.add(&plan, &task, &scanned),
                None => Ok(()),
            },
        )?;
        let table = merge(&plan, &task, tables)?;
        let series = plan.series(table, &task)?;
        Ok(AggregateAnswer {
            series,
            stats: task.finish(stats),
        })
    }
}

impl<'q> Plan<'q> {
    fn new(query: &'q AggregateQuery) -> Result<Self, StoreError> {
        let invalid = |reason: String| Err(StoreError::InvalidQuery(reason));
        if query.step_ms <= 0 || query.range_ms <= 0 || query.end_ms < query.start_ms {
            return invalid(
                "step and range must be positive, and the end not before the start".to_owned(),
            );
        }
        let steps = query.end_ms.saturating_sub(query.start_ms) / query.step_ms + 1;
        if steps > STEPS {
            return invalid(format!(
                "the query has {steps} steps, at most {STEPS} are possible: use a longer step"
            ));
        }
        let value = match &query.value_field {
            // Rows are counted whatever their value is.
            None if matches!(query.function, Function::Rate | Function::Count) => None,
            None => return invalid("the function needs a field to work on".to_owned()),
            Some(field) => match COLUMNS
                .field(field)
                .filter(|id| COLUMNS.all[*id].kind == Kind::Int)
            {
                None => return invalid(format!("the field {field} is not a number")),
                id => id,
            },
        };
        Ok(Self {
            query,
            value,
            steps,
            fields: query
                .group_by
                .iter()
                .map(|field| Values::new(field))
                .collect(),
        })
    }

    /// Columns needed beside those of the filter.
    fn columns(&self) -> Vec<FieldId> {
        let mut columns: Vec<FieldId> = self
            .fields
            .iter()
            .flat_map(|values| values.subject.columns())
            .collect();
        columns.extend(self.value);
        if self.steps > 1 {
            columns.push(COLUMNS.time);
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Steps whose range holds the time.
    fn steps_of(&self, time_ms: i64) -> std::ops::Range<i64> {
        let since = time_ms - self.query.start_ms;
        let first = ceil_div(since, self.query.step_ms);
        if self.query.range_ms == self.query.step_ms {
            return first.max(0)..(first + 1).min(self.steps);
        }
        let first = first.max(0);
        let end = ceil_div(
            since.saturating_add(self.query.range_ms),
            self.query.step_ms,
        )
        .min(self.steps);
        first..end
    }

    fn series(self, table: Table, task: &Task<'_>) -> Result<Vec<Series>, StoreError> {
        super::check(task.control)?;
        // What is laid beside the table: a place of each cell in its step, and the values of quantiles.
        task.charge(
            table.cells.len() * size_of::<(f64, u32)>() + table.samples.len() * size_of::<i64>(),
        )?;
        let quantiles = table.quantiles(self.query.function);
        let mut by_step: Vec<Vec<(f64, u32)>> = vec![Vec::new(); self.steps as usize];
        for (number, cell) in table
            .cells
            .iter()
            .enumerate()
            .filter(|(_, cell)| cell.count > 0)
        {
            let (group, step) = if self.steps > 1 {
                unpack(table.steps.list[number])
            } else {
                (number as u32, 0)
            };
            let value = match &quantiles {
                Some(values) => values[number],
                None => self.value_of(*cell),
            };
            by_step[step as usize].push((value * self.query.factor, group));
        }
        let (query, grouper) = (self.query, table.grouper);
        let texts: Vec<Vec<Box<str>>> = self.fields.into_iter().map(Values::into_texts).collect();
        let text = |at: usize, number: u32| {
            if number == 0 {
                ""
            } else {
                &*texts[at][number as usize - 1]
            }
        };
        let is_lowest = query.function == Function::Min;
        let by_value = |a: &(f64, u32), b: &(f64, u32)| {
            if is_lowest {
                a.0.total_cmp(&b.0)
            } else {
                b.0.total_cmp(&a.0)
            }
        };
        let by_labels = |a: &(f64, u32), b: &(f64, u32)| {
            let (a, b) = (grouper.fields(a.1), grouper.fields(b.1));
            let pairs = a.iter().zip(&b).enumerate();
            pairs
                .map(|(at, (a, b))| text(at, *a).cmp(text(at, *b)))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        let mut samples: HashMap<u32, Vec<(i64, f64)>> = HashMap::new();
        for (step, mut cells) in by_step.into_iter().enumerate() {
            if cells.len() > query.top_k {
                super::check(task.control)?;
                keep_best(&mut cells, query.top_k, by_value, by_labels);
            }
            task.charge(cells.len() * size_of::<(i64, f64)>())?;
            let time_ms = query.start_ms + step as i64 * query.step_ms;
            for (value, group) in cells {
                samples.entry(group).or_default().push((time_ms, value));
            }
        }
        let mut series: Vec<Series> = samples
            .into_iter()
            .map(|(group, samples)| {
                let numbers = grouper
                    .fields(group)
                    .into_iter()
                    .zip(&query.group_by)
                    .enumerate();
                let mut labels: Vec<(String, String)> = numbers
                    .filter(|(_, (number, _))| *number != 0)
                    .map(|(at, (number, field))| (field.clone(), text(at, number).to_owned()))
                    .collect();
                labels.sort_unstable();
                labels.dedup();
                Series { labels, samples }
            })
            .collect();
        series.sort_unstable_by(|a, b| a.labels.cmp(&b.labels));
        Ok(series)
    }

    fn value_of(&self, cell: Cell) -> f64 {
        match self.query.function {
            Function::Count => cell.count as f64,
            Function::Rate => {
                let total = if self.value.is_some() {
                    cell.value as f64
                } else {
                    cell.count as f64
                };
                total / (self.query.range_ms as f64 / 1000.0)
            }
            Function::Avg => cell.value as f64 / cell.count as f64,
            Function::Sum | Function::Min | Function::Max | Function::P90 | Function::P99 => {
                cell.value as f64
            }
        }
    }
}

fn ceil_div(value: i64, divisor: i64) -> i64 {
    value.div_euclid(divisor) + i64::from(value.rem_euclid(divisor) != 0)
}

impl Table {
    fn new(plan: &Plan<'_>, task: &Task<'_>) -> Self {
        // A quarter of the query's memory, for all look-ups of all threads.
        let Executor {
            memory_limit,
            threads,
            ..
        } = task.executor;
        let stages = plan.fields.len().saturating_sub(1) + usize::from(plan.steps > 1);
        let near_bytes = memory_limit / 4 / threads / stages.max(1);
        Self {
            grouper: Grouper::new(plan.fields.len(), near_bytes),
            steps: Pairs::new(near_bytes),
            cells: Vec::new(),
            samples: Vec::new(),
            charged: 0,
        }
    }

    fn add(
        &mut self,
        plan: &Plan<'_>,
        task: &Task<'_>,
        scanned: &Scanned,
    ) -> Result<(), StoreError> {
        let batch = &scanned.batch;
        let values = match plan.value {
            None => None,
            // Rows without the value do not count.
            Some(id) => match batch.ints(id) {
                None => return Ok(()),
                values => values,
            },
        };
        let rows: Option<Vec<u32>> = match (&scanned.mask, values.and_then(|values| values.nulls()))
        {
            (Mask::Nothing, _) => return Ok(()),
            (Mask::Everything, None) => None,
            (Mask::Everything, Some(nulls)) => {
                Some(nulls.valid_indices().map(|row| row as u32).collect())
            }
            (Mask::Some(mask), None) => Some(mask.set_indices().map(|row| row as u32).collect()),
            (Mask::Some(mask), Some(nulls)) => Some(
                (mask & nulls.inner())
                    .set_indices()
                    .map(|row| row as u32)
                    .collect(),
            ),
        };
        let rows = rows.as_deref();
        let mut memory = 0;
        let fields = plan
            .fields
            .iter()
            .map(|values| values.of_rows(batch, rows, &mut memory));
        let groups = self
            .grouper
            .groups(rows.map_or(batch.rows, <[u32]>::len), fields);
        let function = plan.query.function;
        let mut at = 0;
        if plan.steps == 1 {
            let values = values.map(|values| values.values().as_ref());
            each_row(batch.rows, rows, |row| {
                self.add_to(
                    groups[at],
                    values.map_or(0, |values: &[i64]| values[row]),
                    function,
                );
                at += 1;
            });
        } else if let Some(times) = batch.ints(COLUMNS.time) {
            let mut last = (u32::MAX, u32::MAX, 0);
            let mut unchecked = 0;
            for (at, group) in groups.iter().enumerate() {
                let row = rows.map_or(at, |rows| rows[at] as usize);
                let value = values.map_or(0, |values| values.value(row));
                for step in plan.steps_of(times.value(row)) {
                    let key = (*group, step as u32);
                    if key != (last.0, last.1) {
                        last = (key.0, key.1, self.steps.number(key.0, key.1));
                    }
                    self.add_to(last.2, value, function);
                    unchecked += 1;
                }
                if unchecked >= CHECKED_SAMPLES {
                    unchecked = 0;
                    super::check(task.control)?;
                    self.charge(task, 0)?;
                }
            }
        }
        self.charge(task, memory)
    }

    /// Accounts what the table grew by and `memory` beside it.
    fn charge(&mut self, task: &Task<'_>, memory: usize) -> Result<(), StoreError> {
        let held = self.grouper.memory()
            + self.steps.memory()
            + self.cells.capacity() * size_of::<Cell>()
            + self.samples.capacity() * size_of::<(u32, i64)>();
        let more = held.saturating_sub(self.charged);
        self.charged = self.charged.max(held);
        task.charge(more + memory)
    }

    fn add_to(&mut self, cell: u32, value: i64, function: Function) {
        let at = cell as usize;
        if at >= self.cells.len() {
            self.cells.resize(at + 1, Cell { count: 0, value: 0 });
        }
        if matches!(function, Function::P90 | Function::P99) {
            self.samples.push((cell, value));
        }
        self.cells[at].take(Cell { count: 1, value }, function);
    }

    /// The quantile of each cell.
    fn quantiles(&self, function: Function) -> Option<Vec<f64>> {
        let quantile = match function {
            Function::P90 => 0.9,
            Function::P99 => 0.99,
            _ => return None,
        };
        let mut ends: Vec<usize> = self.cells.iter().map(|cell| cell.count as usize).collect();
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        // Values side by side per cell: `ends` begins as the start of each cell and is moved on to its end.
        let mut values = vec![0i64; self.samples.len()];
        for (cell, value) in &self.samples {
            let end = &mut ends[*cell as usize];
            values[*end] = *value;
            *end += 1;
        }
        let mut start = 0;
        let of_cell = ends.iter().map(|end| {
            let values = &mut values[start..*end];
            start = *end;
            if values.is_empty() {
                0.0
            } else {
                interpolate(values, quantile)
            }
        });
        Some(of_cell.collect())
    }
}

fn interpolate(values: &mut [i64], quantile: f64) -> f64 {
    let rank = quantile * (values.len() - 1) as f64;
    let lower = rank as usize;
    let (_, low, above) = values.select_nth_unstable(lower);
    let low = *low as f64;
    let weight = rank - lower as f64;
    match above.iter().min() {
        Some(high) if weight > 0.0 => low * (1.0 - weight) + *high as f64 * weight,
        _ => low,
    }
}

impl Cell {
    fn take(&mut self, other: Self, function: Function) {
        self.value = match function {
            Function::Min if self.count > 0 => self.value.min(other.value),
            Function::Max if self.count > 0 => self.value.max(other.value),
            Function::Min | Function::Max => other.value,
            _ => self.value.saturating_add(other.value),
        };
        self.count += other.count;
    }
}

/// Takes the tables of all threads into the largest.
fn merge(plan: &Plan<'_>, task: &Task<'_>, mut tables: Vec<Table>) -> Result<Table, StoreError> {
    tables.sort_by_key(|table| std::cmp::Reverse(table.cells.len()));
    let mut tables = tables.into_iter();
    let Some(mut all) = tables.next() else {
        return Ok(Table::new(plan, task));
    };
    for table in tables {
        super::check(task.control)?;
        let groups = all.grouper.merge(&table.grouper);
        let group = |number: u32| {
            groups
                .as_ref()
                .map_or(number, |groups| groups[number as usize])
        };
        let numbers: Vec<u32> = if plan.steps > 1 {
            let pairs = table.steps.list.iter().map(|pair| unpack(*pair));
            pairs
                .map(|(number, step)| all.steps.number(group(number), step))
                .collect()
        } else {
            (0..table.cells.len() as u32).map(group).collect()
        };
        for (number, cell) in numbers
            .iter()
            .zip(&table.cells)
            .filter(|(_, cell)| cell.count > 0)
        {
            let at = *number as usize;
            if at >= all.cells.len() {
                all.cells.resize(at + 1, Cell { count: 0, value: 0 });
            }
            all.cells[at].take(*cell, plan.query.function);
        }
        all.samples.extend(
            table
                .samples
                .iter()
                .map(|(cell, value)| (numbers[*cell as usize], *value)),
        );
        let translated = groups.map_or(0, |groups| groups.len()) + numbers.len();
        all.charge(task, translated * size_of::<u32>())?;
    }
    Ok(all)
}
