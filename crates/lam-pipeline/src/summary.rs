//! What a run did.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;

/// What became of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran.
    Ran,
    /// Its result was there.
    Cached,
    /// Its result was taken from another run.
    Reused,
    /// `--from` or `--until` left it out.
    LeftOut,
}

impl Outcome {
    pub(crate) fn event(self) -> &'static str {
        match self {
            Outcome::Ran => "finished",
            Outcome::Cached => "cached",
            Outcome::Reused => "reused",
            Outcome::LeftOut => "left_out",
        }
    }
}

/// One stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageOutcome {
    /// The stage.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why.
    pub why: String,
    /// How long its result took to make, whenever and by whatever run that was, in seconds.
    pub duration_s: f64,
    /// Run and stage that made its result, `pipeline/stage`, where it was taken from there, now or earlier.
    pub reused_from: Option<String>,
    /// The figures that it reported.
    pub metrics: serde_json::Value,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The pipeline.
    pub pipeline: String,
    /// Where its results are.
    pub run_dir: PathBuf,
    /// Its stages, in order.
    pub stages: Vec<StageOutcome>,
}

impl RunSummary {
    /// How many stages had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.stages.iter().filter(|stage| stage.outcome == outcome).count()
    }

    /// The run in lines.
    pub fn to_text(&self) -> String {
        let took = |counts: &dyn Fn(&StageOutcome) -> bool| {
            let seconds = self.stages.iter().filter(|stage| counts(stage)).map(|stage| stage.duration_s);
            // A sum of nothing is -0.
            format_seconds(seconds.sum::<f64>() + 0.0)
        };
        let mut text = format!("{}: {} ran, ", self.pipeline, self.count(Outcome::Ran));
        let reused = self.count(Outcome::Reused);
        if reused > 0 {
            let took = took(&|stage| stage.outcome == Outcome::Reused);
            text.push_str(&format!("{reused} reused (other runs took {took} for them), "));
        }
        let took = took(&|stage| stage.reused_from.is_none());
        text.push_str(&format!("{} cached; its results took {took}\n", self.count(Outcome::Cached)));
        writeln!(text, "results in {}", self.run_dir.display()).expect("writing to a string cannot fail");
        text
    }
}

/// A duration as people read it: `0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`.
pub fn format_seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_read_well() {
        let text = [0.04, 9.94, 12.4, 185.0, 3720.0].map(super::format_seconds);
        assert_eq!(text, ["0.0 s", "9.9 s", "12 s", "3 min 05 s", "1 h 02 min"]);
    }
}
