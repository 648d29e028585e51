//! How far work is and how fast it goes: as its stage tells it, else from what was seen of it. Clocks come in as arguments.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use lam_pipeline::LiveProgress;
use serde_json::Value;

use crate::gather::curves::Series;

/// How far back the present rate looks.
const WINDOW: Duration = Duration::from_secs(30);
/// Points of the curve of rates; the older half is thinned when there are more.
const MOST_POINTS: usize = 1000;

/// How much is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// So much.
    pub done: f64,
    /// Of so much, where it is known.
    pub total: Option<f64>,
    /// Of what: steps, tokens, epochs, episodes, or the work as its stage calls it.
    pub unit: Cow<'static, str>,
}

impl Progress {
    /// As the stage itself tells it, where it knows how much there is to do.
    pub fn told(told: &LiveProgress) -> Option<Self> {
        let total = Some(told.total.filter(|_| !told.what.is_empty())? as f64);
        Some(Self { done: told.done as f64, total, unit: told.what.clone().into() })
    }

    /// Of a training loop: tokens where the settings count them, else steps, else epochs.
    pub fn of_training(figures: &Series, settings: &Value) -> Option<Self> {
        let arguments = find(settings, &|object| object.get("num_train_epochs").is_some());
        let setting = |key: &str| arguments.and_then(|found| found.get(key)?.as_f64()).filter(|value| *value > 0.0);
        let measures = [
            ("tokens", "num_tokens", setting("max_tokens")),
            ("steps", "global_step", setting("max_steps")),
            ("epochs", "epoch", setting("num_train_epochs")),
        ];
        let measured = |(unit, key, total): (&'static str, &str, Option<f64>)| {
            Some(Self { done: figures.last(key)?, total: Some(total?), unit: unit.into() })
        };
        let steps = || Some(Self { done: figures.last("global_step")?, total: None, unit: "steps".into() });
        measures.into_iter().find_map(measured).or_else(steps)
    }

    /// Of episodes: as many as the settings ask for, where they say so.
    pub fn of_episodes(done: usize, settings: &Value) -> Self {
        let number = |key: &str| find(settings, &|object| object.get(key).is_some()).and_then(|at| at[key].as_f64());
        let asked = number("tasks").or_else(|| Some(number("seen")? + number("unseen")?));
        let done = done as f64;
        Self { done, total: asked.filter(|total| *total >= done), unit: "episodes".into() }
    }

    /// The share that is done, from 0 to 1.
    pub fn share(&self) -> Option<f64> {
        self.total.map(|total| (self.done / total).clamp(0.0, 1.0))
    }
}

/// The first object that fits, at any depth.
fn find<'v>(value: &'v Value, fits: &dyn Fn(&Value) -> bool) -> Option<&'v Value> {
    let object = value.as_object()?;
    if fits(value) { Some(value) } else { object.values().find_map(|inner| find(inner, fits)) }
}

/// What was seen of one piece of work, and when.
#[derive(Debug, Default)]
pub struct Pace {
    first: Option<(Instant, f64)>,
    recent: VecDeque<(Instant, f64)>,
    curve: Vec<(f64, f64)>,
}

impl Pace {
    /// Takes a look: so much was done at that moment.
    pub fn look(&mut self, now: Instant, done: f64) {
        let (begun, _) = *self.first.get_or_insert((now, done));
        if self.recent.back().is_some_and(|(_, before)| *before == done) {
            return;
        }
        self.recent.push_back((now, done));
        while self.recent.len() > 2 && self.recent.front().is_some_and(|(at, _)| now - *at > WINDOW) {
            self.recent.pop_front();
        }
        if let Some(rate) = self.rate() {
            self.curve.push(((now - begun).as_secs_f64() / 60.0, rate));
        }
        if self.curve.len() > MOST_POINTS {
            let mut place = 0;
            self.curve.retain(|_| {
                place += 1;
                place > MOST_POINTS / 2 || place % 2 == 0
            });
        }
    }

    /// Done a second, lately.
    pub fn rate(&self) -> Option<f64> {
        let ((from, before), (to, after)) = (self.recent.front()?, self.recent.back()?);
        let seconds = (*to - *from).as_secs_f64();
        (seconds > 0.0 && after > before).then(|| (after - before) / seconds)
    }

    /// Seconds until so much is done, as fast as it went while it was watched. What was done before took no time of that.
    pub fn left(&self, now: Instant, progress: &Progress) -> Option<f64> {
        let (begun, first) = self.first?;
        let (here, seconds) = (progress.done - first, (now - begun).as_secs_f64());
        let rest = progress.total? - progress.done;
        (here > 0.0 && seconds > 0.0 && rest > 0.0).then(|| rest * seconds / here)
    }

    /// Rates over the minutes since the first look.
    pub fn curve(&self) -> &[(f64, f64)] {
        &self.curve
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_done_before_the_first_look_does_not_count_as_speed() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut pace = Pace::default();
        pace.look(at(0), 900.0);
        assert_eq!((pace.rate(), pace.left(at(0), &progress(900.0))), (None, None));
        pace.look(at(10), 1000.0);
        assert_eq!((pace.rate(), pace.left(at(10), &progress(1000.0))), (Some(10.0), Some(10.0)));
        pace.look(at(12), 1000.0);
        assert_eq!(pace.curve().len(), 1, "nothing new is no point");
        pace.look(at(110), 1100.0);
        assert_eq!(pace.rate(), Some(1.0), "the present rate forgets");
        assert_eq!(pace.left(at(110), &progress(1100.0)), None, "it is done");
    }

    fn progress(done: f64) -> Progress {
        Progress { done, total: Some(1100.0), unit: "steps".into() }
    }

    #[test]
    fn settings_say_how_much_there_is_to_do() {
        let mut figures = Series::default();
        figures.add(r#"{"global_step": 30, "epoch": 0.5, "num_tokens": 4000, "loss": 1.0}"#);
        let of = |settings: Value| {
            let found = Progress::of_training(&figures, &json!({ "train": settings })).unwrap();
            (found.unit, found.done, found.total)
        };
        let epochs = json!({"num_train_epochs": 2.0, "max_steps": 0, "max_tokens": 0});
        assert_eq!(of(epochs), ("epochs".into(), 0.5, Some(2.0)));
        assert_eq!(of(json!({"num_train_epochs": 2.0, "max_steps": 60})), ("steps".into(), 30.0, Some(60.0)));
        assert_eq!(of(json!({"num_train_epochs": 2.0, "max_tokens": 8000})), ("tokens".into(), 4000.0, Some(8000.0)));
        assert_eq!(of(json!({})), ("steps".into(), 30.0, None));
        let episodes = |settings: Value| Progress::of_episodes(7, &settings).total;
        assert_eq!(episodes(json!({"trajectories": {"tasks": 100}})), Some(100.0));
        assert_eq!(episodes(json!({"seen": 200, "unseen": 100})), Some(300.0));
        assert_eq!(episodes(json!({"tasks": 0})), None, "all that there are");
    }

    #[test]
    fn a_long_curve_is_thinned() {
        let (begun, mut pace) = (Instant::now(), Pace::default());
        for second in 0..5000 {
            pace.look(begun + Duration::from_secs(second), 10.0 * second as f64);
        }
        assert!(pace.curve().len() <= MOST_POINTS && pace.curve().len() > MOST_POINTS / 4, "{}", pace.curve().len());
        assert_eq!(pace.rate(), Some(10.0));
    }
}
