//! The metrics of Tables 2, 3 and 4: what they are called, in which unit they are written, which direction is better. Knows
//! no page and no terminal.

use lam_types::Estimate;

use crate::format;
use crate::paper::{self, PaperRow};
use crate::tables::Rows;

/// How a metric is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Percent,
    Seconds,
    Count,
}

impl Unit {
    /// A value in this unit.
    pub fn write(self, value: f64) -> String {
        self.writer()(value)
    }

    /// What writes values in this unit.
    pub fn writer(self) -> fn(f64) -> String {
        match self {
            Unit::Percent => format::percent,
            Unit::Seconds => format::seconds,
            Unit::Count => format::number,
        }
    }

    /// The interval of a figure in this unit, as far as it is possible: Student's interval of a mean over seeds knows of
    /// no limits, and of two seeds it reaches beyond them.
    pub fn ends(self, figure: &Estimate) -> Option<String> {
        let most = if self == Unit::Percent { 100.0 } else { f64::INFINITY };
        Some(format::ends(figure.ci95?.map(|end| end.clamp(0.0, most) + 0.0), self.writer()))
    }
}

/// One column.
#[derive(Debug, PartialEq)]
pub struct Metric {
    pub key: &'static str,
    pub name: &'static str,
    pub unit: Unit,
    /// Whether a larger value is better; `None` where neither is.
    pub higher: Option<bool>,
    /// Whether the column is there only where some row was measured by it.
    pub is_extra: bool,
}

/// One table: its words, its columns and the paper's rows.
#[derive(Debug)]
pub struct Table {
    pub title: &'static str,
    pub intro: &'static str,
    pub metrics: &'static [Metric],
    pub paper: &'static [PaperRow],
}

const fn metric(key: &'static str, name: &'static str, unit: Unit, higher: Option<bool>) -> Metric {
    Metric { key, name, unit, higher, is_extra: false }
}

impl Table {
    /// The columns: all but those that are extra and that no row of ours has.
    pub fn columns(&self, rows: &Rows) -> Vec<&'static Metric> {
        let is_measured = |metric: &Metric| rows.values().any(|row| row.all.contains_key(metric.key));
        self.metrics.iter().filter(|metric| !metric.is_extra || is_measured(metric)).collect()
    }
}

/// Table 2.
pub const PLANNING: Table = Table {
    title: "Planning (Table 2)",
    intro: "From the task alone to a plan. Precision and recall are micro-averaged over steps.",
    metrics: &[
        metric("tsr", "Task success", Unit::Percent, Some(true)),
        metric("step_precision", "Step precision", Unit::Percent, Some(true)),
        metric("step_recall", "Step recall", Unit::Percent, Some(true)),
        metric("tasks", "Tasks", Unit::Count, None),
    ],
    paper: paper::PLANNING,
};

/// Table 3.
pub const DECISION_MAKING: Table = Table {
    title: "Decision making (Table 3)",
    intro: "One step at a time, with the reference history. A step counts only if object, operation and status are all right; a task only if every step is.",
    metrics: &[
        metric("object_acc", "Object", Unit::Percent, Some(true)),
        metric("operation_acc", "Operation", Unit::Percent, Some(true)),
        metric("status_acc", "Status", Unit::Percent, Some(true)),
        metric("argument_acc", "Arguments", Unit::Percent, Some(true)),
        metric("text_argument_acc", "Text arguments", Unit::Percent, Some(true)),
        metric("ssr", "Step success", Unit::Percent, Some(true)),
        metric("tsr", "Task success", Unit::Percent, Some(true)),
        metric("tasks", "Tasks", Unit::Count, None),
        metric("steps", "Steps", Unit::Count, None),
    ],
    paper: paper::DECISION_MAKING,
};

/// Table 4.
pub const ONLINE: Table = Table {
    title: "Acting online (Table 4)",
    intro: "The model acts in the application until it says FINISH.",
    metrics: &[
        metric("tsr", "Task success", Unit::Percent, Some(true)),
        Metric { is_extra: true, ..metric("sampled_tsr", "Sampled at temperature 1", Unit::Percent, Some(true)) },
        metric("completion_time_s", "Completion time", Unit::Seconds, Some(false)),
        metric("completion_steps", "Completion steps", Unit::Count, Some(false)),
        metric("step_latency_s", "Step latency", Unit::Seconds, Some(false)),
        metric("invalid_action_rate", "Invalid actions", Unit::Percent, Some(false)),
        metric("environment_errors", "Environment errors", Unit::Count, Some(false)),
        metric("tasks", "Tasks", Unit::Count, None),
    ],
    paper: paper::ONLINE,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tables::parse_rows;

    #[test]
    fn intervals_end_at_what_is_possible() {
        let figure = |low: f64, high: f64| Estimate { value: 1.0, ci95: Some([low, high]), n: Some(2) };
        assert_eq!(Unit::Percent.ends(&figure(-4.0, 103.6)).unwrap(), "0.0–100.0");
        assert_eq!(Unit::Percent.ends(&figure(75.2, 83.0)).unwrap(), "75.2–83.0");
        assert_eq!(Unit::Seconds.ends(&figure(-0.3, 1.5)).unwrap(), "0–1.5 s");
        assert_eq!(Unit::Seconds.ends(&figure(-0.3, 0.551)).unwrap(), "0 s–551 ms");
        assert_eq!(Unit::Count.ends(&figure(-17.4, 23.61)).unwrap(), "0–23.61");
        assert_eq!(Unit::Percent.ends(&Estimate { ci95: None, ..figure(0.0, 0.0) }), None);
    }

    #[test]
    fn a_column_that_is_extra_comes_with_its_first_figure() {
        let keys = |row: serde_json::Value| {
            let rows = parse_rows(&json!({ "LAM4": row }));
            ONLINE.columns(&rows).iter().map(|metric| metric.key).take(2).collect::<Vec<_>>()
        };
        assert_eq!(keys(json!({ "tsr": 80.0 })), ["tsr", "completion_time_s"]);
        assert_eq!(keys(json!({ "tsr": 80.0, "sampled_tsr": 70.0 })), ["tsr", "sampled_tsr"]);
    }
}
