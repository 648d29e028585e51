//! How long a run still takes, by what its stages took when they were last made. Says which of them nobody has timed, and
//! guesses nothing about those. Knows no file.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::format_seconds;

/// What is left of the run that is under way, in seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Remaining {
    /// The stage that runs.
    pub stage: String,
    /// Of that stage; `None` where it has no earlier time, or has taken longer by now.
    pub stage_s: Option<f64>,
    /// Of all stages; `None` where one of them is not known.
    pub run_s: Option<f64>,
    /// Of those that are known.
    pub known_s: f64,
    /// The stages that are not known.
    pub unknown: Vec<String>,
}

/// The stage that runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running<'a> {
    pub id: &'a str,
    /// Seconds that it has taken so far, earlier tries included.
    pub elapsed_s: f64,
    /// Seconds that the part of its work still takes which is under way, where that is known.
    pub work_left_s: Option<f64>,
}

/// What is left once `running` runs and `waiting` are still to be made; `earlier_s` is what stages took before, by id.
pub(crate) fn remaining(running: Running<'_>, waiting: &[&str], earlier_s: &BTreeMap<String, f64>) -> Remaining {
    let longer = earlier(running.id, earlier_s).map(|took| took - running.elapsed_s).filter(|left| *left > 0.0);
    let stage_s = longer.map(|left| left.max(running.work_left_s.unwrap_or(0.0)));
    let mut unknown: Vec<String> = stage_s.is_none().then(|| running.id.to_owned()).into_iter().collect();
    let mut known_s = stage_s.or(running.work_left_s).unwrap_or(0.0);
    for &id in waiting {
        match earlier(id, earlier_s) {
            Some(took) => known_s += took,
            None => unknown.push(id.to_owned()),
        }
    }
    let run_s = unknown.is_empty().then_some(known_s);
    Remaining { stage: running.id.to_owned(), stage_s, run_s, known_s, unknown }
}

/// Seconds until `total` units are done at the speed of this process, which found `before` of them done and has worked for
/// `here_s` seconds since; `None` where that is not known.
pub(crate) fn work_left_s((before, here_s): (u64, f64), done: u64, total: u64) -> Option<f64> {
    // What was done before a stop took no time of this process.
    let here = done.checked_sub(before).filter(|here| *here > 0)?;
    let left = total.checked_sub(done)?;
    Some(here_s.max(0.0) * left as f64 / here as f64)
}

/// What a stage took before: it itself, else the same stage of other seeds on average.
pub(crate) fn earlier(id: &str, earlier_s: &BTreeMap<String, f64>) -> Option<f64> {
    if let Some(own) = earlier_s.get(id) {
        return Some(*own);
    }
    let (_, name) = id.split_once('/')?;
    let same = |other: &&String| other.split_once('/').is_some_and(|(_, of)| of == name);
    let others: Vec<f64> = earlier_s.iter().filter(|(other, _)| same(other)).map(|(_, took)| *took).collect();
    (!others.is_empty()).then(|| others.iter().sum::<f64>() / others.len() as f64)
}

impl Remaining {
    /// In a line or two.
    pub fn to_text(&self) -> String {
        let of_stage = match self.stage_s {
            Some(seconds) => format!("about {} of {}", format_seconds(seconds), self.stage),
            None => format!("not known of {}", self.stage),
        };
        let of_run = match self.run_s {
            Some(seconds) => format!("about {} of the run", format_seconds(seconds)),
            None if self.known_s > 0.0 => format!("at least {} of the run", format_seconds(self.known_s)),
            None => "not known of the run".to_owned(),
        };
        let why = match self.unknown.as_slice() {
            [] => "as these stages took before".to_owned(),
            stages => format!("no earlier time to go by for {}", stages.join(", ")),
        };
        format!("left: {of_stage}, {of_run} ({why})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(times: &[(&str, f64)]) -> BTreeMap<String, f64> {
        times.iter().map(|(id, took)| ((*id).to_owned(), *took)).collect()
    }

    #[test]
    fn stages_that_were_timed_are_summed() {
        let running = Running { id: "lam2", elapsed_s: 60.0, work_left_s: Some(20.0) };
        let left = remaining(running, &["lam3", "eval"], &times(&[("lam2", 100.0), ("lam3", 200.0), ("eval", 30.0)]));
        assert_eq!((left.stage_s, left.run_s), (Some(40.0), Some(270.0)));
        assert_eq!(
            left.to_text(),
            "left: about 40 s of lam2, about 4 min 30 s of the run (as these stages took before)"
        );
    }

    #[test]
    fn what_nobody_has_timed_is_said() {
        let running = Running { id: "lam2", elapsed_s: 60.0, work_left_s: Some(20.0) };
        let left = remaining(running, &["lam3", "eval"], &times(&[("lam3", 200.0)]));
        assert_eq!((left.stage_s, left.run_s, left.known_s), (None, None, 220.0));
        assert_eq!(
            left.to_text(),
            "left: not known of lam2, at least 3 min 40 s of the run (no earlier time to go by for lam2, eval)"
        );
        let late = remaining(Running { elapsed_s: 150.0, ..running }, &[], &times(&[("lam2", 100.0)]));
        assert_eq!((late.stage_s, late.unknown), (None, vec!["lam2".to_owned()]), "it takes longer than before");
    }

    #[test]
    fn a_seed_takes_what_the_others_took() {
        let before = times(&[("seed-1/lam2", 90.0), ("seed-2/lam2", 110.0), ("seed-1/lam3", 7.0)]);
        assert_eq!((earlier("seed-3/lam2", &before), earlier("seed-1/lam2", &before)), (Some(100.0), Some(90.0)));
        assert_eq!((earlier("seed-3/eval", &before), earlier("lam2", &before)), (None, None));
    }
}
