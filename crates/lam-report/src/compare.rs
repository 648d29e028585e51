//! Runs beside each other, each held against the first: which settings differ, which figures do, and on which families of
//! tasks. Knows no file and no page.

use std::collections::{BTreeMap, BTreeSet};

use lam_types::Estimate;
use serde::Serialize;
use serde_json::Value;

use crate::columns::{Metric, Unit};
use crate::difference::{Difference, Outcomes};
use crate::tables::{NAMES, ONLINE, Rows, Tables, models_in_order};
use crate::text::parts;

/// A run that is compared.
#[derive(Clone, Debug, Default)]
pub struct ComparedRun {
    /// What it is called: its directory.
    pub name: String,
    /// Its stages, those of the first repetition, with all that they were told.
    pub stages: Vec<ComparedStage>,
    /// Its tables, means over its repetitions.
    pub tables: Tables,
    /// The tables of each repetition, by seed.
    pub by_seed: BTreeMap<u64, Tables>,
    /// Tasks and their families by table and model, where it was not repeated.
    pub outcomes: BTreeMap<(String, String), FamilyOutcomes>,
}

/// A stage with what made its result.
#[derive(Clone, Debug, Default)]
pub struct ComparedStage {
    /// Its name.
    pub name: String,
    /// Its settings and whatever else its result depends on, by dotted key.
    pub settings: BTreeMap<String, String>,
}

/// Whether each task was solved, and its family.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FamilyOutcomes(pub BTreeMap<String, (String, bool)>);

impl FamilyOutcomes {
    fn solved(&self, of_family: Option<&str>) -> Outcomes {
        let wanted = self.0.iter().filter(|(_, (family, _))| of_family.is_none_or(|wanted| wanted == family));
        wanted.map(|(task, (_, solved))| (task.clone(), *solved)).collect()
    }
}

/// Runs beside each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// What the runs are called; the others are held against the first.
    pub runs: Vec<String>,
    /// What differs in what their stages were told.
    pub settings: Vec<SettingRow>,
    /// Their figures.
    pub tables: Vec<ComparedTable>,
    /// Online task success by family, where it differs.
    pub families: Vec<FamilyRow>,
}

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingRow {
    /// The stage.
    pub stage: String,
    /// The dotted key; "" where a run has no such stage.
    pub key: String,
    /// Its value in each run; `None` where there is none.
    pub values: Vec<Option<String>>,
}

/// One of Tables 2, 3 and 4.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedTable {
    /// What it is called.
    pub title: &'static str,
    /// A row for each model and metric.
    pub rows: Vec<FigureRow>,
}

/// A figure of one model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureRow {
    /// The model.
    pub model: String,
    /// The metric.
    #[serde(serialize_with = "metric_key")]
    pub metric: &'static Metric,
    /// The figure in each run.
    pub figures: Vec<Option<Estimate>>,
    /// What each run after the first differs by from it.
    pub differences: Vec<Option<Difference>>,
}

fn metric_key<S: serde::Serializer>(metric: &&'static Metric, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(metric.key)
}

/// A model at the tasks of one family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FamilyRow {
    /// The model.
    pub model: String,
    /// The family.
    pub family: String,
    /// Tasks solved and attempted, in each run.
    pub solved: Vec<Option<(u64, u64)>>,
    /// What each run after the first differs by from it, in points of percent.
    pub differences: Vec<Option<Difference>>,
}

/// The runs beside each other.
pub fn compare(runs: &[ComparedRun]) -> Comparison {
    Comparison {
        runs: runs.iter().map(|run| run.name.clone()).collect(),
        settings: settings(runs),
        tables: tables(runs),
        families: families(runs),
    }
}

fn settings(runs: &[ComparedRun]) -> Vec<SettingRow> {
    let mut names: Vec<&str> = Vec::new();
    for stage in runs.iter().flat_map(|run| &run.stages) {
        if !names.contains(&stage.name.as_str()) {
            names.push(&stage.name);
        }
    }
    let mut rows = Vec::new();
    for name in names {
        let of_run =
            |run: &ComparedRun| run.stages.iter().find(|stage| stage.name == name).map(|one| one.settings.clone());
        let each: Vec<Option<BTreeMap<String, String>>> = runs.iter().map(of_run).collect();
        if each.iter().any(Option::is_none) {
            let there = |stage: &Option<_>| stage.as_ref().map(|_| "there".to_owned());
            rows.push(SettingRow {
                stage: name.to_owned(),
                key: String::new(),
                values: each.iter().map(there).collect(),
            });
        }
        let keys: BTreeSet<&String> = each.iter().flatten().flat_map(BTreeMap::keys).collect();
        let values = |key: &String| -> Vec<Option<String>> {
            each.iter().map(|stage| stage.as_ref()?.get(key).cloned()).collect()
        };
        // What a run without the stage says of it is said in a line of its own.
        let differs = |values: &[Option<String>]| {
            let mut told = values.iter().zip(&each).filter(|(_, stage)| stage.is_some()).map(|(value, _)| value);
            let first = told.next();
            told.any(|value| Some(value) != first)
        };
        let own = keys.into_iter().map(|key| (key, values(key))).filter(|(_, values)| differs(values));
        rows.extend(own.map(|(key, values)| SettingRow { stage: name.to_owned(), key: key.clone(), values }));
    }
    rows
}

fn tables(runs: &[ComparedRun]) -> Vec<ComparedTable> {
    let each: Vec<_> = runs.iter().map(|run| parts(&run.tables)).collect();
    let compared = NAMES.into_iter().enumerate().map(|(index, name)| {
        let table = each.first().map_or(&crate::columns::ONLINE, |parts| parts[index].0);
        let rows: Vec<&Rows> = each.iter().map(|parts| parts[index].1).collect();
        let mut figures = Vec::new();
        for model in models_in_order(rows.iter().flat_map(|rows| rows.keys()).map(String::as_str)) {
            for metric in table.metrics {
                figures.extend(figure(runs, &rows, (index, name), model, metric));
            }
        }
        ComparedTable { title: table.title, rows: figures }
    });
    compared.filter(|table| !table.rows.is_empty()).collect()
}

fn figure(
    runs: &[ComparedRun],
    rows: &[&Rows],
    (index, table): (usize, &str),
    model: &str,
    metric: &'static Metric,
) -> Option<FigureRow> {
    let figures: Vec<Option<Estimate>> =
        rows.iter().map(|rows| rows.get(model)?.all.get(metric.key).copied()).collect();
    figures.iter().any(Option::is_some).then_some(())?;
    let first = runs.first()?;
    let difference = |other: usize| -> Option<Difference> {
        let (run, own, of_first) = (&runs[other], figures[other]?, figures[0]?);
        metric.higher?;
        let seeds = |run: &ComparedRun| -> BTreeMap<u64, f64> {
            let of = |tables: &Tables| Some(parts(tables)[index].1.get(model)?.all.get(metric.key)?.value);
            run.by_seed.iter().filter_map(|(seed, tables)| Some((*seed, of(tables)?))).collect()
        };
        let key = (table.to_owned(), model.to_owned());
        let outcomes =
            |run: &ComparedRun| run.outcomes.get(&key).map(|outcomes| outcomes.solved(None)).unwrap_or_default();
        let by_task =
            || (metric.key == "tsr").then(|| Difference::of_tasks(&outcomes(run), &outcomes(first))).flatten();
        let by_seed = Difference::of_seeds(&seeds(run), &seeds(first));
        Some(by_seed.or_else(by_task).unwrap_or_else(|| Difference::apart(&own, &of_first)))
    };
    let differences = (1..runs.len()).map(difference).collect();
    Some(FigureRow { model: model.to_owned(), metric, figures, differences })
}

/// The families at which some run differs from the first, those with the largest difference first.
fn families(runs: &[ComparedRun]) -> Vec<FamilyRow> {
    let of_model = |run: &'_ ComparedRun, model: &str| -> FamilyOutcomes {
        run.outcomes.get(&(ONLINE.to_owned(), model.to_owned())).cloned().unwrap_or_default()
    };
    let models = runs.iter().flat_map(|run| run.outcomes.keys()).filter(|(table, _)| table == ONLINE);
    let models = models_in_order(models.map(|(_, model)| model.as_str()));
    let mut rows = Vec::new();
    for model in models {
        let each: Vec<FamilyOutcomes> = runs.iter().map(|run| of_model(run, model)).collect();
        let names: BTreeSet<&str> =
            each.iter().flat_map(|one| one.0.values()).map(|(family, _)| family.as_str()).collect();
        let mut own: Vec<FamilyRow> = names.into_iter().map(|family| family_row(model, family, &each)).collect();
        own.retain(|row| row.differences.iter().flatten().any(|difference| difference.size.value != 0.0));
        let largest = |row: &FamilyRow| {
            row.differences.iter().flatten().map(|difference| difference.size.value.abs()).fold(0.0, f64::max)
        };
        own.sort_by(|one, other| largest(other).total_cmp(&largest(one)).then_with(|| one.family.cmp(&other.family)));
        rows.extend(own);
    }
    rows
}

fn family_row(model: &str, family: &str, runs: &[FamilyOutcomes]) -> FamilyRow {
    let outcomes: Vec<Outcomes> = runs.iter().map(|run| run.solved(Some(family))).collect();
    let solved = |outcomes: &Outcomes| {
        let count = outcomes.values().filter(|solved| **solved).count() as u64;
        (!outcomes.is_empty()).then_some((count, outcomes.len() as u64))
    };
    let differences = outcomes.iter().skip(1).map(|other| Difference::of_tasks(other, &outcomes[0])).collect();
    FamilyRow {
        model: model.to_owned(),
        family: family.to_owned(),
        solved: outcomes.iter().map(solved).collect(),
        differences,
    }
}

/// A difference as people read it: `−8.3 (−13.1 to −3.5)`; `(+2 −27 tasks)` behind one that was taken task by task.
pub fn written(difference: &Difference, unit: Unit) -> String {
    use crate::difference::Pairing;
    use crate::format::{signed, signed_ends};
    let Difference { size, pairing } = difference;
    let mut text = match unit {
        Unit::Percent => signed(size.value),
        Unit::Seconds | Unit::Count => signed_in(unit, size.value),
    };
    let ends = match unit {
        Unit::Percent => signed_ends(size),
        _ => size
            .ci95
            .map_or_else(String::new, |[low, high]| format!("{} to {}", signed_in(unit, low), signed_in(unit, high))),
    };
    if !ends.is_empty() {
        text.push_str(&format!(" ({ends})"));
    }
    if let Pairing::Tasks { won, lost } = pairing {
        text.push_str(&format!(" [+{won} −{lost}]"));
    }
    text
}

fn signed_in(unit: Unit, value: f64) -> String {
    format!("{}{}", if value < 0.0 { "−" } else { "+" }, unit.write(value.abs()))
}

/// A setting's value as it is compared and shown.
pub fn setting_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
