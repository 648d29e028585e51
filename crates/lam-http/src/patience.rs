//! How long a busy server asks to wait, and whether we do.

use std::time::{Duration, SystemTime};

use lam_signal::Monitor;
use ureq::http::HeaderMap;

/// A wait that a server asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How long.
    pub time: Duration,
    /// The header that says so.
    pub header: &'static str,
}

/// Longer waits are for good: a century.
const LONGEST: Duration = Duration::from_secs(36_525 * 86_400);

/// Headers that say when to come again, the plainest first. Of `ratelimit`, only limits that are used up count.
const HEADERS: [&str; 9] = [
    "retry-after-ms",
    "retry-after",
    "ratelimit",
    "ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
];

/// The wait that an answer's headers ask for: `Retry-After` in seconds or as a date (RFC 9110), `RateLimit` in its
/// drafts (draft-ietf-httpapi-ratelimit-headers), and what OpenAI, Azure and others send.
pub fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Wait> {
    let now = said_now(headers).unwrap_or(now);
    let wait = |header: &'static str| {
        let text = headers.get(header)?.to_str().ok()?.trim();
        let time = match header {
            "retry-after-ms" => seconds(text.parse::<f64>().ok()? / 1000.0)?,
            "ratelimit" => used_up(text)?,
            _ => time(text, now)?,
        };
        is_used_up(headers, header).then_some(Wait { time, header })
    };
    HEADERS.into_iter().find_map(wait)
}

/// The server's own clock, so that ours need not be right.
fn said_now(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get("date")?.to_str().ok()?).ok()
}

/// Whether the limit that a reset belongs to has nothing left, where a header says how much is.
fn is_used_up(headers: &HeaderMap, reset: &str) -> bool {
    let remaining = headers.get(reset.replace("reset", "remaining"));
    !reset.contains("reset")
        || remaining.and_then(|left| left.to_str().ok()?.trim().parse::<f64>().ok()).is_none_or(|left| left <= 0.0)
}

/// `20`, `1.5`, `1m30s`, `250ms`, a date, or seconds since 1970.
fn time(text: &str, now: SystemTime) -> Option<Duration> {
    /// As many seconds from now would be 31 years; since 1970 they are a date.
    const EPOCH: f64 = 1e9;
    if let Ok(number) = text.parse::<f64>() {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let number = if number >= 1000.0 * EPOCH { number / 1000.0 } else { number };
        return seconds(if number >= EPOCH { (number - since_1970).max(0.0) } else { number });
    }
    if let Ok(date) = httpdate::parse_http_date(text) {
        return Some(date.duration_since(now).unwrap_or_default());
    }
    units(text)
}

/// `6m0s`, `1h2m3.5s`, `20ms`
fn units(text: &str) -> Option<Duration> {
    let (mut rest, mut all) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|character: char| character.is_ascii_alphabetic())?;
        let (number, unit) = rest.split_at(end);
        let end = unit.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(unit.len());
        let scale = match &unit[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        all += number.trim().parse::<f64>().ok()? * scale;
        rest = unit[end..].trim_start();
    }
    seconds(all)
}

/// `"api";r=0;t=20`, several behind commas, or `limit=100, remaining=0, reset=20`: the longest of those used up.
fn used_up(text: &str) -> Option<Duration> {
    let number = |part: &str, names: [&str; 2]| {
        let mut pairs = part.split([';', ',']).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| names.contains(&name.trim()))?.1.trim().parse::<f64>().ok()
    };
    let of = |part: &str| {
        let left = number(part, ["r", "remaining"]);
        left.is_none_or(|left| left <= 0.0).then(|| seconds(number(part, ["t", "reset"])?))?
    };
    if text.contains("remaining") { of(text) } else { text.split(',').filter_map(of).max() }
}

/// A number of seconds; one that is too large for a time is for good.
fn seconds(number: f64) -> Option<Duration> {
    let is_time = number.is_finite() && number >= 0.0;
    is_time.then(|| Duration::try_from_secs_f64(number).unwrap_or(Duration::MAX))
}

/// Why it is not waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Impatience {
    /// Somebody asked to stop.
    Cancelled,
    /// The server asks for more than there is; in words.
    TooLong(String),
}

/// The time that may be spent waiting for a busy server.
#[derive(Clone, Debug)]
pub struct Patience {
    left: Duration,
    budget: Duration,
}

impl Patience {
    /// Of so much in all.
    pub fn new(budget: Duration) -> Self {
        Self { left: budget, budget }
    }

    /// Waits as `who` asks, and says so.
    ///
    /// # Errors
    /// More is asked for than is left, or somebody asks to stop.
    pub fn wait(&mut self, who: &str, wait: &Wait, monitor: Monitor<'_>) -> Result<(), Impatience> {
        let until = SystemTime::now().checked_add(wait.time).filter(|_| wait.time < LONGEST);
        let until = until.map(|until| format!("until {}", httpdate::fmt_http_date(until)));
        let asked = format!(
            "{who} asks to wait {} ({}), {}",
            told(wait.time),
            wait.header,
            until.unwrap_or_else(|| "for good".into())
        );
        if wait.time > self.left {
            let budget = told(self.budget);
            let waited = match self.budget - self.left {
                Duration::ZERO => String::new(),
                waited => format!(", of which {} are spent", told(waited)),
            };
            return Err(Impatience::TooLong(format!("{asked}; {budget} are waited at most{waited}")));
        }
        self.left -= wait.time;
        monitor.progress.note(&format!("{asked}; waiting"));
        if monitor.cancel.wait(wait.time) { Err(Impatience::Cancelled) } else { Ok(()) }
    }
}

/// A time in words.
fn told(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if time >= LONGEST => "more than a century".into(),
        60.0.. if seconds >= 7200.0 => format!("{seconds:.0} s ({:.1} h)", seconds / 3600.0),
        10.0.. => format!("{seconds:.0} s"),
        _ => format!("{} s", (seconds * 10.0).ceil() / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use lam_signal::{Cancel, NoProgress};
    use ureq::http::{HeaderName, HeaderValue};

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT
    const NOW: u64 = 784_111_777;

    fn waited(headers: &[(&str, &str)]) -> Option<f64> {
        let pair =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        let headers: HeaderMap = headers.iter().map(pair).collect();
        let wait = asked_wait(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        wait.map(|wait| wait.time.as_secs_f64())
    }

    #[test]
    fn every_way_to_ask_for_a_wait_is_understood() {
        for (headers, seconds) in [
            (&[("Retry-After", "20")][..], 20.0),
            (&[("RETRY-AFTER", " 1.5 ")], 1.5),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:41 GMT")], 4.0),
            (&[("retry-after", "Sunday, 06-Nov-94 08:49:41 GMT")], 4.0),
            (&[("retry-after", "Sun Nov  6 08:49:41 1994")], 4.0),
            (&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")], 0.0),
            (&[("retry-after", "Sun, 06 Nov 1994 10:00:20 GMT"), ("date", "Sun, 06 Nov 1994 10:00:00 GMT")], 20.0),
            (&[("retry-after-ms", "250"), ("retry-after", "1")], 0.25),
            (&[("RateLimit", r#""api";r=0;t=20"#)], 20.0),
            (&[("ratelimit", r#""a";r=5;t=900, "b";r=0;t=20, "c";r=0;t=3"#)], 20.0),
            (&[("ratelimit", "limit=100, remaining=0, reset=20")], 20.0),
            (&[("RateLimit-Reset", "20"), ("RateLimit-Remaining", "0")], 20.0),
            (&[("x-ratelimit-reset-requests", "1m30s"), ("x-ratelimit-remaining-requests", "0")], 90.0),
            (
                &[
                    ("x-ratelimit-reset-requests", "1h"),
                    ("x-ratelimit-remaining-requests", "7"),
                    ("x-ratelimit-reset-tokens", "250ms"),
                ],
                0.25,
            ),
            (&[("x-rate-limit-reset", "20")], 20.0),
        ] {
            assert_eq!(waited(headers), Some(seconds), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("retry-after", "soon")],
            &[("retry-after", "-5")],
            &[("retry-after", "NaN")],
            &[("retry-after", "inf")],
            &[("retry-after", "-1e300")],
            &[("ratelimit", r#""api";r=7;t=20"#)],
            &[("ratelimit", "limit=100, remaining=7, reset=20")],
            &[("ratelimit", "???")],
            &[("x-ratelimit-reset-tokens", "6 moons")],
        ] {
            assert_eq!(waited(headers), None, "{headers:?}");
        }
    }

    #[test]
    fn a_wait_that_no_clock_can_tell_is_for_good() {
        for number in ["1e300", "99999999999999999999999", "18446744073709551616"] {
            assert!(waited(&[("retry-after", number)]).is_some_and(|wait| wait > LONGEST.as_secs_f64()), "{number}");
        }
        let cancel = Cancel::default();
        let wait = Wait { time: Duration::MAX, header: "retry-after" };
        let monitor = Monitor { progress: &NoProgress, cancel: &cancel };
        let refused = Patience::new(Duration::from_secs(60)).wait("it", &wait, monitor);
        let Err(Impatience::TooLong(reason)) = refused else { panic!("{refused:?}") };
        assert!(reason.contains("it asks to wait more than a century (retry-after), for good"), "{reason}");
    }

    #[test]
    fn seconds_since_1970_are_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_000_000);
        assert_eq!(time("1764000020", now), Some(Duration::from_secs(20)));
        assert_eq!(time("1764000020000", now), Some(Duration::from_secs(20)));
        assert_eq!(time("1763000000", now), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_asked_beyond_the_budget_is_refused_with_the_time() {
        let cancel = Cancel::default();
        let monitor = Monitor { progress: &NoProgress, cancel: &cancel };
        let wait = |seconds: f64| Wait { time: Duration::from_secs_f64(seconds), header: "retry-after" };
        let mut patience = Patience::new(Duration::from_secs(60));
        assert_eq!(patience.wait("the hub", &wait(0.001), monitor), Ok(()));
        let Err(Impatience::TooLong(reason)) = patience.wait("the hub", &wait(86400.0), monitor) else { panic!() };
        for part in ["the hub asks to wait 86400 s (24.0 h) (retry-after), until ", "60 s are waited at most"] {
            assert!(reason.contains(part), "{reason}");
        }
        let Err(Impatience::TooLong(reason)) = patience.wait("it", &wait(1e15), monitor) else { panic!() };
        assert!(reason.contains("for good"), "{reason}");
        cancel.cancel();
        assert_eq!(patience.wait("the hub", &wait(50.0), monitor), Err(Impatience::Cancelled));
    }
}
