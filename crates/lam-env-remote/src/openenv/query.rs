//! The query of `/tasks`: `split`, `phrasing`, `family` (several), `count` and `seed`. Knows no request around it.

use std::str::FromStr;

use lam_env::TaskQuery;
use lam_types::{Phrasing, Split};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use super::messages::{Code, Refusal};

/// Tasks that one request may draw.
const MOST_TASKS: usize = 100_000;

/// Which tasks a query asks for. A token may stand in it, which is looked at before.
///
/// # Errors
/// Unknown keys, values of another kind, and more tasks than may be drawn.
pub fn task_query(query: &str) -> Result<TaskQuery, Refusal> {
    let known = ["split", "phrasing", "family", "count", "seed", "token"];
    let invalid = |message: String| Refusal::new(Code::ValidationError, message);
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    if let Some((unknown, _)) = pairs.iter().find(|(key, _)| !known.contains(&key.as_ref())) {
        return Err(invalid(format!("unknown key `{unknown}`, known are split, phrasing, family, count and seed")));
    }
    let values = |name: &'static str| pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_ref());
    let first = |name| (name, values(name).next());
    let query = TaskQuery {
        split: word(first("split"))?.unwrap_or(Split::Test),
        phrasing: word::<Phrasing>(first("phrasing"))?,
        families: values("family").map(str::to_owned).collect(),
        count: number(first("count"))?.unwrap_or(1),
        seed: number(first("seed"))?.unwrap_or(0),
    };
    if query.count > MOST_TASKS {
        return Err(invalid(format!("`count` = {}: at most {MOST_TASKS} tasks are drawn at once", query.count)));
    }
    Ok(query)
}

/// One word of an enumeration.
fn word<T: DeserializeOwned>((key, text): (&str, Option<&str>)) -> Result<Option<T>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let value = T::deserialize(Value::from(text));
    value.map(Some).map_err(|error| Refusal::new(Code::ValidationError, format!("`{key}`: {error}")))
}

fn number<T: FromStr>((key, text): (&str, Option<&str>)) -> Result<Option<T>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let invalid = || Refusal::new(Code::ValidationError, format!("`{key}` = {text}: not a number of this kind"));
    text.parse().map(Some).map_err(|_| invalid())
}
