//! The figures of the paper's Tables 2, 3 and 4 by model. Knows how evaluations are written in JSON, not where.

use std::collections::BTreeMap;

use lam_types::Estimate;
use serde_json::{Map, Value};

use crate::seeds::mean_over_seeds;

/// Figures of one model by metric key.
pub type Figures = BTreeMap<String, Estimate>;

/// One model's row in one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The row as the table shows it.
    pub all: Figures,
    /// The same metrics on parts of the tasks or under other conditions: `seen`, `unseen`, `unconstrained`, ….
    pub slices: BTreeMap<String, Figures>,
    /// Who compared its plans, in Table 2: `matcher`, or a model's name.
    pub judge: Option<String>,
    /// Whether its answers were decoded without the constraint to executable ones, in Table 4.
    pub is_free: bool,
}

/// What the judge that is no model is called.
pub const MATCHER: &str = "matcher";

/// Rows by model name.
pub type Rows = BTreeMap<String, Row>;

/// The three evaluation tables of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Table 2.
    pub planning: Rows,
    /// Table 3.
    pub decision_making: Rows,
    /// Table 4.
    pub online: Rows,
}

/// What Table 4 is called in files.
pub const ONLINE: &str = "online";
/// What Tables 2, 3 and 4 are called in files.
pub const NAMES: [&str; 3] = ["planning", "decision_making", ONLINE];

/// Keys that count things; `report.json` holds them as bare numbers.
const COUNTS: [&str; 4] = ["tasks", "steps", "environment_errors", "episodes"];

impl Tables {
    /// The rows of the table of this name.
    pub fn rows(&self, table: &str) -> &Rows {
        match table {
            "planning" => &self.planning,
            "decision_making" => &self.decision_making,
            _ => &self.online,
        }
    }

    /// The same, to be changed.
    pub fn rows_mut(&mut self, table: &str) -> &mut Rows {
        match table {
            "planning" => &mut self.planning,
            "decision_making" => &mut self.decision_making,
            _ => &mut self.online,
        }
    }

    /// The tables with the rows of others.
    pub fn and(mut self, others: &Self) -> Self {
        for table in NAMES {
            let rows = others.rows(table).iter().map(|(name, row)| (name.clone(), row.clone()));
            self.rows_mut(table).extend(rows);
        }
        self
    }

    /// The tables without a directory among the places by which rows are told apart, such as `seed-1` in
    /// `LAM3 (seed-1, lam3)`: in another seed the same model bears the same name.
    pub fn without_place(self, place: &str) -> Self {
        let renamed =
            |rows: Rows| -> Rows { rows.into_iter().map(|(row, it)| (without_place(&row, place), it)).collect() };
        Self {
            planning: renamed(self.planning),
            decision_making: renamed(self.decision_making),
            online: renamed(self.online),
        }
    }
}

/// A row's name without a directory among the places by which rows are told apart.
pub fn without_place(name: &str, place: &str) -> String {
    name.replace(&format!("({place}, "), "(").replace(&format!(", {place}, "), ", ")
}

impl Row {
    /// Reads a row: figures and the judge are kept, nested objects become slices: `unseen`, and `unconstrained.unseen`
    /// inside another.
    pub fn parse(json: &Map<String, Value>) -> Self {
        let judge = json.get("judge").and_then(Value::as_str).map(str::to_owned);
        let mut row = Self { judge, ..Self::default() };
        for (key, value) in json {
            match (Estimate::parse(value), value) {
                (Some(figure), _) => drop(row.all.insert(key.clone(), figure)),
                (None, Value::Object(inner)) => row.add_slices(key, inner),
                _ => {}
            }
        }
        row
    }

    fn add_slices(&mut self, name: &str, json: &Map<String, Value>) {
        let (name, inner) = (slice_name(name), Self::parse(json));
        if inner.all.is_empty() {
            self.slices.extend(inner.slices);
            return;
        }
        self.slices.entry(name.to_owned()).or_default().extend(inner.all);
        self.slices.extend(inner.slices.into_iter().map(|(part, figures)| (format!("{name}.{part}"), figures)));
    }

    /// The model that compared its plans, if one did.
    pub fn model_judge(&self) -> Option<&str> {
        self.judge.as_deref().filter(|judge| *judge != MATCHER)
    }

    fn json(&self) -> Value {
        let mut json = figures_json(&self.all);
        if let Some(judge) = &self.judge {
            json.insert("judge".to_owned(), judge.as_str().into());
        }
        if self.is_free {
            json.insert("constrained".to_owned(), false.into());
        }
        if !self.slices.is_empty() {
            let slices = self.slices.iter().map(|(name, figures)| (name.clone(), figures_json(figures).into()));
            json.insert("slices".to_owned(), Value::Object(slices.collect()));
        }
        Value::Object(json)
    }
}

/// One name for each way to say it.
fn slice_name(key: &str) -> &str {
    match key {
        "unseen_phrasing" => "unseen",
        "seen_phrasing" => "seen",
        "without_constraint" | "free" => "unconstrained",
        "with_constraint" => "constrained",
        other => other,
    }
}

fn figures_json(figures: &Figures) -> Map<String, Value> {
    let value = |key: &str, figure: &Estimate| {
        if COUNTS.contains(&key) {
            count_json(figure.value)
        } else {
            serde_json::to_value(figure).expect("an estimate is plain numbers")
        }
    };
    figures.iter().map(|(key, figure)| (key.clone(), value(key, figure))).collect()
}

fn count_json(count: f64) -> Value {
    if count.fract() == 0.0 { Value::from(count as i64) } else { Value::from(count) }
}

/// Rows of one evaluation file: a map of models, alone or under `models` or `rows`.
pub fn parse_rows(json: &Value) -> Rows {
    let models = ["models", "rows"].iter().find_map(|key| json.get(key)).unwrap_or(json);
    let Some(models) = models.as_object() else { return Rows::new() };
    let rows = models.iter().filter_map(|(name, row)| Some((name.clone(), Row::parse(row.as_object()?))));
    rows.filter(|(_, row)| !row.all.is_empty() || !row.slices.is_empty()).collect()
}

/// JSON of a table, models in the order of [`models_in_order`].
pub fn rows_json(rows: &Rows) -> Value {
    let models = models_in_order(rows.keys().map(String::as_str));
    Value::Object(models.into_iter().map(|name| (name.to_owned(), rows[name].json())).collect())
}

/// What a run trains, each from the one before it.
pub const CHAIN: [&str; 5] = ["base", "LAM1", "LAM2", "LAM3", "LAM4"];

/// A row's name without what stands behind the model's own: a place in parentheses, or a set of tasks.
fn plain(name: &str) -> &str {
    name.split([',', '(']).next().unwrap_or(name).trim_end()
}

/// Whether a row is of a model of this name, whatever stands behind it.
pub fn is_of(row: &str, model: &str) -> bool {
    plain(row) == model
}

/// `base`, the four LAMs, the expert, then every endpoint by name; several rows of one model stand together.
pub fn models_in_order<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let place = |name: &str| CHAIN.iter().chain(&["expert"]).position(|known| is_of(name, known)).unwrap_or(usize::MAX);
    let mut names: Vec<&str> = names.collect();
    names.sort_by_key(|name| (place(name), *name));
    names.dedup();
    names
}

/// Means and intervals over seeds; the tables of one seed stay as they are.
pub fn over_seeds(seeds: &[Tables]) -> Tables {
    let [first, _, ..] = seeds else { return seeds.first().cloned().unwrap_or_default() };
    let _ = first;
    let mean = |pick: fn(&Tables) -> &Rows| mean_rows(&seeds.iter().map(pick).collect::<Vec<_>>());
    Tables {
        planning: mean(|t| &t.planning),
        decision_making: mean(|t| &t.decision_making),
        online: mean(|t| &t.online),
    }
}

fn mean_rows(seeds: &[&Rows]) -> Rows {
    let mut models: Vec<&String> = seeds.iter().flat_map(|rows| rows.keys()).collect();
    models.sort();
    models.dedup();
    let rows = |name: &String| seeds.iter().filter_map(|rows| rows.get(name)).collect::<Vec<_>>();
    models.into_iter().map(|name| (name.clone(), mean_row(&rows(name)))).collect()
}

fn mean_row(rows: &[&Row]) -> Row {
    let slice_names: std::collections::BTreeSet<&String> = rows.iter().flat_map(|row| row.slices.keys()).collect();
    let slice = |name: &String| rows.iter().filter_map(|row| row.slices.get(name)).collect::<Vec<_>>();
    let judges: std::collections::BTreeSet<&str> = rows.iter().filter_map(|row| row.judge.as_deref()).collect();
    Row {
        is_free: rows.iter().any(|row| row.is_free),
        judge: (!judges.is_empty()).then(|| judges.into_iter().collect::<Vec<_>>().join(" and ")),
        all: mean_figures(&rows.iter().map(|row| &row.all).collect::<Vec<_>>()),
        slices: slice_names.into_iter().map(|name| (name.clone(), mean_figures(&slice(name)))).collect(),
    }
}

fn mean_figures(seeds: &[&Figures]) -> Figures {
    let mut values: BTreeMap<&String, Vec<f64>> = BTreeMap::new();
    for (key, figure) in seeds.iter().flat_map(|figures| figures.iter()) {
        values.entry(key).or_default().push(figure.value);
    }
    values.into_iter().filter_map(|(key, values)| Some((key.clone(), mean_over_seeds(&values)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_objects_become_slices() {
        let rows = parse_rows(&json!({"LAM2": {"tsr": {"value": 60.0, "ci95": [55.0, 65.0], "n": 300}, "tasks": 300,
            "phrasing": {"seen": {"tsr": {"value": 70.0}}, "unseen": {"tsr": {"value": 40.0}}},
            "unconstrained": {"tsr": {"value": 50.0}, "unseen": {"tsr": {"value": 30.0}}}}}));
        let row = &rows["LAM2"];
        assert_eq!(row.all["tsr"].ci95, Some([55.0, 65.0]));
        assert_eq!(row.slices["unseen"]["tsr"].value, 40.0);
        assert_eq!(row.slices["unconstrained"]["tsr"].value, 50.0);
        assert_eq!(row.slices["unconstrained.unseen"]["tsr"].value, 30.0);
        let json = rows_json(&rows);
        assert_eq!(json["LAM2"]["tasks"], 300);
        assert_eq!(json["LAM2"]["slices"]["seen"]["tsr"]["value"], 70.0);
    }

    #[test]
    fn models_stand_in_the_papers_order() {
        let names = ["gpt-4o", "expert", "LAM4", "base", "LAM1"];
        assert_eq!(models_in_order(names.into_iter()), ["base", "LAM1", "LAM4", "expert", "gpt-4o"]);
        let placed = ["expert", "LAM4", "LAM4 (lam4)", "LAM2 (a, lam2)", "LAM1", "LAM3, on the training set", "Lambda"];
        assert_eq!(
            models_in_order(placed.into_iter()),
            ["LAM1", "LAM2 (a, lam2)", "LAM3, on the training set", "LAM4", "LAM4 (lam4)", "expert", "Lambda"]
        );
    }

    #[test]
    fn a_model_has_one_name_in_every_seed() {
        let names = |place: &str| {
            let rows = json!({ format!("LAM3 ({place}, lam3)"): {"tsr": 70.0}, "LAM1": {"tsr": 1.0} });
            let tables = Tables { online: parse_rows(&rows), ..Tables::default() }.without_place(place);
            tables.online.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(names("seed-1"), ["LAM1", "LAM3 (lam3)"]);
        assert_eq!(names("seed-1"), names("seed-2"));
    }

    #[test]
    fn seeds_are_averaged_by_model_and_metric() {
        let tables =
            |tsr: f64| Tables { online: parse_rows(&json!({"LAM3": {"tsr": {"value": tsr}}})), ..Tables::default() };
        let mean = over_seeds(&[tables(70.0), tables(80.0), tables(90.0)]);
        let figure = mean.online["LAM3"].all["tsr"];
        assert_eq!((figure.value, figure.n), (80.0, Some(3)));
        assert!(figure.ci95.is_some());
    }
}
