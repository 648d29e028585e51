//! Tasks drawn for a query: families take turns, and every seed belongs to one split and one wording.
//!
//! What a page asks depends on its seed, so the pages themselves are asked, several browsers side by side; the words of
//! other wordings are then put around the page's parameters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use lam_env::{EnvError, TaskQuery};
use lam_types::{Phrasing, Split, Task};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::environment::{APPLICATION, ENVIRONMENT, WebEnvironment};
use crate::family::{self, Family, template};

/// A random stream that depends on the seed and these names alone.
pub fn random(seed: u64, names: &[&str]) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(digest(seed, names))
}

fn digest(seed: u64, names: &[&str]) -> [u8; 32] {
    Sha256::digest(format!("{seed}/{}", names.join("/")).as_bytes()).into()
}

/// 48 bits, which JSON numbers hold without loss.
fn hash(seed: u64, names: &[&str]) -> u64 {
    let bytes = digest(seed, names);
    bytes[..6].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// One task to be drawn.
struct Draw {
    family: &'static Family,
    phrasing: Phrasing,
    seed: u64,
}

/// Browsers that are tried for one draw after the first has died.
const REPLACEMENTS: usize = 2;

/// The tasks of a query. `open` makes an environment; `browsers` of them are asked at once; `drawn` hears how many
/// pages have answered, and says whether to go on.
pub fn draw(
    query: &TaskQuery,
    browsers: usize,
    open: &(dyn Fn() -> WebEnvironment + Sync),
    drawn: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Vec<Task>, EnvError> {
    let families = wanted(&query.families)?;
    if query.split != Split::Test && query.phrasing == Some(Phrasing::Unseen) {
        return Err(EnvError::Usage(format!(
            "the {} set has no unseen phrasings: they are kept for the test set\nhint: ask for split `test`",
            query.split.as_str()
        )));
    }
    let draws: Vec<Draw> = (0..query.count).map(|index| one(query, &families, index)).collect();
    let requests = requests(&draws, query.split, browsers, (open, drawn))?;
    let tasks = draws.iter().zip(requests).map(|(draw, request)| task(draw, query.split, &request));
    Ok(tasks.collect())
}

fn wanted(names: &[String]) -> Result<Vec<&'static Family>, EnvError> {
    if names.is_empty() {
        return Ok(family::all().iter().collect());
    }
    names.iter().map(|name| family::find(name).ok_or_else(|| family::unknown("query", name))).collect()
}

fn one(query: &TaskQuery, families: &[&'static Family], index: usize) -> Draw {
    let (family, round) = (families[index % families.len()], index / families.len());
    let unseen =
        query.phrasing.map_or(query.split == Split::Test && round % 2 == 1, |wanted| wanted == Phrasing::Unseen);
    let phrasing = if unseen { Phrasing::Unseen } else { Phrasing::Seen };
    let names = ["task", family.name, query.split.as_str(), phrasing.as_str(), &round.to_string()];
    Draw { family, phrasing, seed: hash(query.seed, &names) }
}

/// What the pages ask, in the order of the draws. Each browser takes whole families, so that pages stay loaded.
fn requests(
    draws: &[Draw],
    split: Split,
    browsers: usize,
    (open, drawn): (&(dyn Fn() -> WebEnvironment + Sync), &(dyn Fn(usize) -> bool + Sync)),
) -> Result<Vec<String>, EnvError> {
    let mut by_family: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, draw) in draws.iter().enumerate() {
        by_family.entry(draw.family.name).or_default().push(index);
    }
    let families: Vec<Vec<usize>> = by_family.into_values().collect();
    let share = families.len().div_ceil(browsers.max(1)).max(1);
    let answered = AtomicUsize::new(0);
    let ask = |part: &[Vec<usize>]| -> Result<Vec<(usize, String)>, EnvError> {
        let mut environment = open();
        let mut asked = Vec::new();
        for index in part.iter().flatten() {
            let Draw { family, seed, .. } = &draws[*index];
            let mut started = environment.start(family.name, *seed, split);
            // A browser that died is replaced, so that one bad moment does not cost thousands of draws.
            for _ in 0..REPLACEMENTS {
                if started.is_err() {
                    environment = open();
                    started = environment.start(family.name, *seed, split);
                }
            }
            asked.push((*index, started?.0));
            if !drawn(answered.fetch_add(1, Ordering::Relaxed) + 1) {
                return Err(EnvError::Stopped);
            }
        }
        Ok(asked)
    };
    let mut found = vec![String::new(); draws.len()];
    let parts: Vec<Result<_, EnvError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = families.chunks(share).map(|part| scope.spawn(|| ask(part))).collect();
        threads.into_iter().map(|thread| thread.join().expect("asking a page does not panic")).collect()
    });
    for part in parts {
        for (index, request) in part? {
            found[index] = request;
        }
    }
    Ok(found)
}

fn task(draw: &Draw, split: Split, own: &str) -> Task {
    let Draw { family, phrasing, seed } = draw;
    Task {
        task_id: format!("{ENVIRONMENT}-{}-{}-{}-{seed:012x}", family.name, split.as_str(), phrasing.as_str()),
        family: family.name.to_owned(),
        request: reword(family, *phrasing, *seed, own),
        environment: ENVIRONMENT.to_owned(),
        application: APPLICATION.to_owned(),
        seed: *seed,
        phrasing: *phrasing,
        split,
    }
}

/// The page's request in the words that belong to this seed: half of the seen ones are the page's own.
fn reword(family: &Family, phrasing: Phrasing, seed: u64, own: &str) -> String {
    let read = |wording: &'static family::Wording| Some((wording, template::read(wording.own, own)?));
    let readings = family.wordings.iter().filter_map(read);
    let Some((wording, slots)) = readings.max_by_key(|(wording, _)| template::weight(wording.own)) else {
        return own.to_owned();
    };
    let turn = hash(seed, &["wording"]) as usize;
    let text = match phrasing {
        Phrasing::Unseen => wording.unseen[turn % wording.unseen.len()],
        Phrasing::Seen if turn.is_multiple_of(2) => wording.own,
        Phrasing::Seen => wording.seen[turn / 2 % wording.seen.len()],
    };
    template::fill(text, &slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(split: Split, phrasing: Option<Phrasing>, families: &[&str]) -> TaskQuery {
        let families = families.iter().map(|name| (*name).to_owned()).collect();
        TaskQuery { split, phrasing, families, count: 1, seed: 1 }
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_before_a_browser_starts() {
        let open = || unreachable!("no browser is needed");
        let unknown = draw(&query(Split::Train, None, &["click-buton"]), 1, &open, &|_| true).unwrap_err().to_string();
        assert!(
            unknown.contains("unknown family `click-buton`") && unknown.contains("did you mean `click-button`?"),
            "{unknown}"
        );
        let unseen =
            draw(&query(Split::Train, Some(Phrasing::Unseen), &[]), 1, &open, &|_| true).unwrap_err().to_string();
        assert!(unseen.contains("no unseen phrasings"), "{unseen}");
    }

    #[test]
    fn the_page_s_parameters_survive_every_wording() {
        let family = family::find("enter-text").unwrap();
        let own = "Enter \"Zoë x\" into the text field and press Submit.";
        let seen: std::collections::BTreeSet<String> =
            (0..40).map(|seed| reword(family, Phrasing::Seen, seed, own)).collect();
        assert_eq!(seen.len(), 1 + family.wordings[0].seen.len());
        assert!(seen.iter().all(|request| request.contains("\"Zoë x\"")) && seen.contains(own));
        assert!(!seen.contains(&reword(family, Phrasing::Unseen, 1, own)));
        assert_eq!(reword(family, Phrasing::Unseen, 1, "Something else."), "Something else.");
    }
}
