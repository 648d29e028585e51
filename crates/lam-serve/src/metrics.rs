//! What the server counts, in Prometheus' text form. Times are in seconds.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of times.
const BOUNDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0];

/// Times by size.
#[derive(Default)]
pub struct Histogram {
    /// Of times up to each bound, and above the last.
    counts: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

impl Histogram {
    /// Counts `times` of this size.
    pub fn observe(&self, time: Duration, times: u64) {
        let place = BOUNDS.iter().position(|bound| time.as_secs_f64() <= *bound).unwrap_or(BOUNDS.len());
        self.counts[place].fetch_add(times, Ordering::Relaxed);
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds.saturating_mul(times), Ordering::Relaxed);
    }

    /// Mean in seconds, if anything was counted.
    pub fn mean(&self) -> Option<f64> {
        let count: u64 = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        (count > 0).then(|| self.seconds() / count as f64)
    }

    fn seconds(&self) -> f64 {
        self.microseconds.load(Ordering::Relaxed) as f64 / 1e6
    }

    fn write(&self, text: &mut String, name: &str, help: &str) {
        head(text, name, "histogram", help);
        let mut below = 0;
        for (place, count) in self.counts.iter().enumerate() {
            below += count.load(Ordering::Relaxed);
            let bound = BOUNDS.get(place).map_or("+Inf".to_owned(), f64::to_string);
            line(text, &format!("{name}_bucket{{le=\"{bound}\"}}"), below);
        }
        line(text, &format!("{name}_sum"), self.seconds());
        line(text, &format!("{name}_count"), below);
    }
}

/// Everything that is counted.
#[derive(Default)]
pub struct Metrics {
    /// Answers in the making, waiting ones apart.
    pub running: AtomicI64,
    /// Answers that wait for a slot.
    pub waiting: AtomicI64,
    /// Tokens of prompts that were taken in.
    pub prompt_tokens: AtomicU64,
    /// Tokens of answers.
    pub answer_tokens: AtomicU64,
    /// Answers that were scored by reward models.
    pub scored: AtomicU64,
    /// Answers that nobody waited for any more.
    pub abandoned: AtomicU64,
    /// From a request's arrival to its first token.
    pub first_token: Histogram,
    /// Between two tokens of an answer.
    pub between_tokens: Histogram,
    /// From a request's arrival to its end.
    pub request: Histogram,
    /// Requests by path and status.
    statuses: Mutex<BTreeMap<(&'static str, u16), u64>>,
}

/// What one engine has in the making. The gauges tell the sum over all engines; its part is gone with it.
pub struct Share {
    metrics: Arc<Metrics>,
    /// Answers in the making and waiting ones that it has told.
    told: [i64; 2],
}

impl Share {
    /// Nothing yet.
    pub fn of(metrics: Arc<Metrics>) -> Self {
        Self { metrics, told: [0, 0] }
    }

    /// Tells how many answers are in the making and how many wait.
    pub fn tell(&mut self, running: usize, waiting: usize) {
        let now = [running, waiting].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let gauges = [&self.metrics.running, &self.metrics.waiting];
        for ((gauge, now), told) in gauges.into_iter().zip(now).zip(&mut self.told) {
            gauge.fetch_add(now - *told, Ordering::Relaxed);
            *told = now;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.tell(0, 0);
    }
}

impl Metrics {
    /// Counts a request.
    pub fn answered(&self, path: &'static str, status: u16) {
        *self.statuses.lock().unwrap_or_else(PoisonError::into_inner).entry((path, status)).or_default() += 1;
    }

    /// Everything, as Prometheus reads it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let gauges = [
            ("lam_serve_requests_running", &self.running, "Answers in the making."),
            ("lam_serve_requests_waiting", &self.waiting, "Answers that wait for a slot."),
        ];
        for (name, value, help) in gauges {
            head(&mut text, name, "gauge", help);
            line(&mut text, name, value.load(Ordering::Relaxed));
        }
        let counters = [
            ("lam_serve_prompt_tokens_total", &self.prompt_tokens, "Tokens of prompts."),
            ("lam_serve_generation_tokens_total", &self.answer_tokens, "Tokens of answers."),
            ("lam_serve_scored_answers_total", &self.scored, "Answers scored by reward models."),
            ("lam_serve_abandoned_total", &self.abandoned, "Answers that nobody waited for any more."),
        ];
        for (name, value, help) in counters {
            head(&mut text, name, "counter", help);
            line(&mut text, name, value.load(Ordering::Relaxed));
        }
        head(&mut text, "lam_serve_http_requests_total", "counter", "Requests by path and status.");
        for ((path, status), count) in self.statuses.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            line(&mut text, &format!("lam_serve_http_requests_total{{path=\"{path}\",status=\"{status}\"}}"), count);
        }
        let first = "Seconds from a request's arrival to its first token.";
        self.first_token.write(&mut text, "lam_serve_time_to_first_token_seconds", first);
        self.between_tokens.write(
            &mut text,
            "lam_serve_inter_token_seconds",
            "Seconds between two tokens of an answer.",
        );
        self.request.write(&mut text, "lam_serve_request_seconds", "Seconds from a request's arrival to its end.");
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes any text");
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    writeln!(text, "{name} {value}").expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_tell_the_sum_over_the_engines_that_there_are() {
        let metrics = Arc::new(Metrics::default());
        let (mut first, mut second) = (Share::of(Arc::clone(&metrics)), Share::of(Arc::clone(&metrics)));
        let told = || [&metrics.running, &metrics.waiting].map(|gauge| gauge.load(Ordering::Relaxed));
        first.tell(3, 5);
        second.tell(1, 0);
        assert_eq!(told(), [4, 5]);
        second.tell(0, 2);
        first.tell(2, 4);
        assert_eq!(told(), [2, 6]);
        drop(first);
        assert_eq!(told(), [0, 2]);
    }

    #[test]
    fn buckets_hold_all_that_is_no_larger() {
        let metrics = Metrics::default();
        metrics.first_token.observe(Duration::from_millis(3), 2);
        metrics.first_token.observe(Duration::from_secs(100), 1);
        metrics.answered("/v1/models", 200);
        let text = metrics.text();
        for line in [
            "lam_serve_time_to_first_token_seconds_bucket{le=\"0.002\"} 0",
            "lam_serve_time_to_first_token_seconds_bucket{le=\"0.005\"} 2",
            "lam_serve_time_to_first_token_seconds_bucket{le=\"60\"} 2",
            "lam_serve_time_to_first_token_seconds_bucket{le=\"+Inf\"} 3",
            "lam_serve_time_to_first_token_seconds_sum 100.006",
            "lam_serve_time_to_first_token_seconds_count 3",
            "lam_serve_http_requests_total{path=\"/v1/models\",status=\"200\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert_eq!((metrics.request.mean(), metrics.first_token.mean().map(f64::round)), (None, Some(33.0)));
    }
}
