//! Requests from templates: the same parameters in one of a family's wordings.

use lam_types::Phrasing;
use rand_chacha::ChaCha8Rng;

use crate::family::{Family, Wording};
use crate::procedure::Parameters;
use crate::random::pick;

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

/// One wording of a family's request.
pub fn phrase(
    family: &Family,
    parameters: &Parameters,
    phrasing: Phrasing,
    random: &mut ChaCha8Rng,
) -> String {
    let template = pick(random, templates(family.wording, phrasing));
    fill(template, pick(random, family.words), parameters)
}

/// Every wording of a family's request, in order.
pub fn all_phrasings(family: &Family, parameters: &Parameters, phrasing: Phrasing) -> Vec<String> {
    let templates = templates(family.wording, phrasing);
    let of = |word: &'static str| {
        templates
            .iter()
            .map(move |template| fill(template, word, parameters))
    };
    family.words.iter().flat_map(|word| of(word)).collect()
}
