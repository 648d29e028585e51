//! Tasks drawn for a query: every seed belongs to one family, one set and one wording.
//!
//! What a page asks depends on its seed, so the pages themselves are asked, several browsers side by side; the words of
//! other wordings are then put around the page's parameters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use lam_env::{EnvError, TaskQuery};
use lam_tasks::template::{fill, weight};
use lam_types::{Phrasing, Split, Task};

use crate::environment::WebEnvironment;
use crate::family::{Asking, CATALOG, Family, read};
use crate::random::hash;

type Turn = lam_tasks::Turn<Family>;

/// One task to be drawn.
struct Draw {
    turn: Turn,
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
    let draws = draws(query)?;
    let requests = requests(&draws, query.split, browsers, (open, drawn))?;
    let task = |(Draw { turn, seed }, own): (&Draw, String)| CATALOG.task(turn, *seed, reword(turn, *seed, &own));
    Ok(draws.iter().zip(requests).map(task).collect())
}

/// The turns of a query with their seeds, which no other set has.
fn draws(query: &TaskQuery) -> Result<Vec<Draw>, EnvError> {
    let seed = |turn: &Turn| {
        let [family, split, phrasing, round] = turn.names();
        hash(query.seed, &["task", &family, &split, &phrasing, &round])
    };
    Ok(CATALOG.turns(query)?.into_iter().map(|turn| Draw { seed: seed(&turn), turn }).collect())
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
        by_family.entry(draw.turn.family.name).or_default().push(index);
    }
    let families: Vec<Vec<usize>> = by_family.into_values().collect();
    let share = families.len().div_ceil(browsers.max(1)).max(1);
    let answered = AtomicUsize::new(0);
    let ask = |part: &[Vec<usize>]| -> Result<Vec<(usize, String)>, EnvError> {
        let mut environment = open();
        let mut asked = Vec::new();
        for index in part.iter().flatten() {
            let Draw { turn: Turn { family, .. }, seed } = &draws[*index];
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

/// The page's request in the words that belong to this seed: half of the seen ones are the page's own.
fn reword(turn: &Turn, seed: u64, own: &str) -> String {
    let reading = |asking: &'static Asking| Some((&asking.wording, read(asking.wording.train[0], own)?));
    let readings = turn.family.askings.iter().filter_map(reading);
    let Some((wording, slots)) = readings.max_by_key(|(wording, _)| weight(wording.train[0])) else {
        return own.to_owned();
    };
    let drawn = hash(seed, &["wording"]) as usize;
    let sentences = wording.of(turn.split, turn.phrasing);
    let place = match turn.phrasing {
        Phrasing::Unseen => drawn % sentences.len(),
        Phrasing::Seen if drawn.is_multiple_of(2) => 0,
        Phrasing::Seen => 1 + drawn / 2 % (sentences.len() - 1),
    };
    fill(sentences[place], &slots)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
    fn no_page_is_drawn_for_two_sets() {
        let mut seen = BTreeSet::new();
        for split in [Split::Train, Split::Validation, Split::Test] {
            for phrasing in [Phrasing::Seen, Phrasing::Unseen].into_iter().filter(|_| split != Split::Train) {
                let query = TaskQuery { count: 500, ..query(split, Some(phrasing), &[]) };
                assert!(draws(&query).unwrap().iter().all(|draw| seen.insert((draw.turn.family.name, draw.seed))));
            }
        }
        let training = draws(&TaskQuery { count: 2000, ..query(Split::Train, None, &[]) }).unwrap();
        assert!(training.iter().all(|draw| seen.insert((draw.turn.family.name, draw.seed))));
    }

    #[test]
    fn the_page_s_parameters_survive_every_wording() {
        let family = CATALOG.find("enter-text").unwrap();
        let own = "Enter \"Zoë x\" into the text field and press Submit.";
        let said = |split, phrasing, own: &str| -> BTreeSet<String> {
            let turn = Turn { family, split, phrasing, round: 0 };
            (0..40).map(|seed| reword(&turn, seed, own)).collect()
        };
        let [seen, dev, test] = [
            said(Split::Train, Phrasing::Seen, own),
            said(Split::Validation, Phrasing::Unseen, own),
            said(Split::Test, Phrasing::Unseen, own),
        ];
        let wording = &family.askings[0].wording;
        assert_eq!(
            [&seen, &dev, &test].map(BTreeSet::len),
            [wording.train.len(), wording.dev.len(), wording.test.len()]
        );
        assert!(
            seen.iter().chain(&dev).chain(&test).all(|request| request.contains("\"Zoë x\"")) && seen.contains(own)
        );
        assert!(seen.is_disjoint(&dev) && seen.is_disjoint(&test) && dev.is_disjoint(&test));
        assert_eq!(said(Split::Test, Phrasing::Unseen, "Something else."), ["Something else.".to_owned()].into());
    }
}
