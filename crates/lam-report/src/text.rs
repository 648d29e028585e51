//! Tables 2, 3 and 4 for a terminal.

use lam_types::Estimate;

use crate::columns::{DECISION_MAKING, Metric, ONLINE, PLANNING, Table, Unit};
use crate::grid::grid;
use crate::tables::{MATCHER, Rows, Tables, models_in_order};

/// The tables that hold a row, with 95 % intervals; means over `repetitions` where there are several. "" where none does.
pub fn text(tables: &Tables, repetitions: usize) -> String {
    let over = if repetitions > 1 { format!(" over {repetitions} seeds") } else { String::new() };
    let each = parts(tables).into_iter().filter(|(_, rows)| !rows.is_empty());
    each.map(|(table, rows)| format!("{}, with 95 % intervals{over}\n{}", table.title, lines(table, rows)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Each table with its rows.
pub fn parts(tables: &Tables) -> [(&'static Table, &Rows); 3] {
    [(&PLANNING, &tables.planning), (&DECISION_MAKING, &tables.decision_making), (&ONLINE, &tables.online)]
}

/// The columns that some row has.
fn measured(table: &'static Table, rows: &Rows) -> Vec<&'static Metric> {
    table.metrics.iter().filter(|metric| rows.values().any(|row| row.all.contains_key(metric.key))).collect()
}

fn lines(table: &'static Table, rows: &Rows) -> String {
    let metrics = measured(table, rows);
    // That a rule compared goes without saying; that a model did is a condition of the figures.
    let is_judged = rows.values().any(|row| row.model_judge().is_some());
    let judge = |of: &str| is_judged.then(|| of.to_owned());
    // So does the constraint to executable answers.
    let is_free = rows.values().any(|row| row.is_free);
    let decoding = |of: &str| is_free.then(|| of.to_owned());
    let head = std::iter::once("model".to_owned())
        .chain(metrics.iter().map(|metric| heading(metric)))
        .chain(judge("compared by"))
        .chain(decoding("decoded"))
        .collect::<Vec<_>>();
    let row = |name: &str| {
        let figures = metrics.iter().map(|metric| figure(metric, rows[name].all.get(metric.key)));
        let judge = judge(rows[name].judge.as_deref().unwrap_or(MATCHER));
        let decoding = decoding(if rows[name].is_free { "freely" } else { "–" });
        std::iter::once(name.to_owned()).chain(figures).chain(judge).chain(decoding).collect::<Vec<_>>()
    };
    let names = models_in_order(rows.keys().map(String::as_str));
    grid(&head, &names.into_iter().map(row).collect::<Vec<_>>(), 1)
}

/// A metric's name with its unit.
pub fn heading(metric: &Metric) -> String {
    let unit = if metric.unit == Unit::Percent { ", %" } else { "" };
    format!("{}{unit}", metric.name)
}

/// A figure with its interval, `–` where there is none; counts have no interval.
pub fn figure(metric: &Metric, figure: Option<&Estimate>) -> String {
    let Some(figure) = figure else { return "–".to_owned() };
    let value = metric.unit.write(figure.value);
    match metric.unit.ends(figure).filter(|_| metric.higher.is_some()) {
        Some(ends) => format!("{value} ({ends})"),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tables::parse_rows;

    #[test]
    fn tables_fit_a_terminal_and_name_their_units() {
        let rate = |value: f64| json!({"value": value, "ci95": [value - 2.0, value + 2.0], "n": 300});
        let row = |value: f64| {
            json!({"object_acc": rate(value), "operation_acc": rate(value), "status_acc": rate(value),
                "argument_acc": rate(value), "text_argument_acc": rate(value), "ssr": rate(value), "tsr": rate(value),
                "tasks": 300, "steps": 1204})
        };
        let rows = parse_rows(&json!({"LAM2": row(76.25), "base": row(2.0), "LAM3 (seeds, lam3)": row(97.0)}));
        let text = text(&Tables { decision_making: rows, ..Tables::default() }, 1);
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.starts_with("Decision making (Table 3), with 95 % intervals\nmodel "), "{text}");
        assert!(
            text.contains("Task success, %") && text.contains("76.2 (74.2–78.2)") && text.contains("1,204"),
            "{text}"
        );
        let models: Vec<&str> =
            text.lines().skip(2).filter_map(|line| line.split_whitespace().next()).take(3).collect();
        assert_eq!(models, ["base", "LAM2", "LAM3"]);
    }

    #[test]
    fn a_model_that_compared_plans_is_named() {
        let row = |judge: &str| json!({"tsr": 81.0, "tasks": 300, "judge": judge});
        let said = |judge: &str| {
            let planning = parse_rows(&json!({"LAM1": row(judge), "base": row("matcher")}));
            text(&Tables { planning, ..Tables::default() }, 1)
        };
        assert!(!said("matcher").contains("matcher"));
        let said = said("gpt-4o");
        let ends = |line: &str, end: &str| said.lines().any(|one| one.starts_with(line) && one.ends_with(end));
        assert!(ends("model", "compared by") && ends("LAM1", "gpt-4o") && ends("base", "matcher"), "{said}");
    }

    #[test]
    fn rows_that_were_decoded_freely_say_so() {
        let mut online = parse_rows(&json!({"LAM4": {"tsr": 81.0}, "expert": {"tsr": 90.0}}));
        assert!(!text(&Tables { online: online.clone(), ..Tables::default() }, 1).contains("decoded"));
        online.get_mut("LAM4").unwrap().is_free = true;
        let said = text(&Tables { online, ..Tables::default() }, 1);
        let ends = |line: &str, end: &str| said.lines().any(|one| one.starts_with(line) && one.ends_with(end));
        assert!(ends("model", "decoded") && ends("LAM4", "freely") && ends("expert", "–"), "{said}");
    }

    #[test]
    fn nothing_is_said_of_what_was_not_measured() {
        assert_eq!(text(&Tables::default(), 1), "");
        let online = parse_rows(&json!({"LAM4": {"tsr": {"value": 79.0, "ci95": [78.0, 80.0], "n": 5}, "tasks": 300}}));
        let said = text(&Tables { online, ..Tables::default() }, 5);
        assert_eq!(
            said,
            "Acting online (Table 4), with 95 % intervals over 5 seeds\n\
             model   Task success, %  Tasks\n\
             LAM4   79.0 (78.0–80.0)    300\n"
        );
    }
}
