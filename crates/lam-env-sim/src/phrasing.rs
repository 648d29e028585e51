//! Requests from templates: the same parameters in one of a family's wordings.

use lam_env::random::pick;
use lam_types::Phrasing;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::family::{Family, Wording};
use crate::procedure::Parameters;

/// The templates of a wording.
pub fn templates(wording: &Wording, phrasing: Phrasing) -> &'static [&'static str] {
    match phrasing {
        Phrasing::Seen => wording.seen,
        Phrasing::Unseen => wording.unseen,
    }
}

/// A template with its slots filled.
pub fn fill(template: &str, word: &str, parameters: &Parameters) -> String {
    let [first, second] = parameters.numbers;
    template
        .replace("{s}", word)
        .replace("{o}", parameters.option)
        .replace("{a}", &first.to_string())
        .replace("{b}", &second.to_string())
        .replace("{x}", &parameters.text)
        .replace("{y}", &parameters.new_text)
}

/// One wording of a family's request. Half of them carry some of the words of `asides`, which mean nothing to the
/// task; with no such words, none do.
pub fn phrase(
    family: &Family,
    parameters: &Parameters,
    phrasing: Phrasing,
    asides: &[&'static str],
    random: &mut ChaCha8Rng,
) -> String {
    let template = pick(random, templates(family.wording, phrasing));
    let template = if !asides.is_empty() && random.random_bool(0.5) {
        with_asides(template, asides, random)
    } else {
        template.to_owned()
    };
    fill(&template, pick(random, family.words), parameters)
}

/// A template with words put in between its own: people name whom they ask and what it is for, and a reader has to
/// learn which words to leave out.
fn with_asides(template: &str, asides: &[&'static str], random: &mut ChaCha8Rng) -> String {
    let mut words: Vec<&str> = template.split(' ').collect();
    for _ in 0..random.random_range(1..=2) {
        let place = match random.random_range(0..4) {
            0 => 0,
            1 => words.len(),
            _ => random.random_range(0..=words.len()),
        };
        let count = random.random_range(1..=2);
        let drawn: Vec<&str> = (0..count).map(|_| pick(random, asides)).collect();
        words.splice(place..place, drawn);
    }
    words.join(" ")
}

/// Every wording of a family's request, in order.
pub fn all_phrasings(family: &Family, parameters: &Parameters, phrasing: Phrasing) -> Vec<String> {
    let templates = templates(family.wording, phrasing);
    let of = |word: &'static str| templates.iter().map(move |template| fill(template, word, parameters));
    family.words.iter().flat_map(|word| of(word)).collect()
}
