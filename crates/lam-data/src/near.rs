//! Finds texts that are nearly the same: shared words over all words (Jaccard), with an index of words.

use std::collections::{BTreeSet, HashMap};

/// The words of a text: lower case, without punctuation.
pub fn normalize(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Texts that can be asked for near-duplicates.
#[derive(Debug, Default)]
pub struct NearIndex {
    words: HashMap<String, u32>,
    /// For each word, the texts in which it stands.
    postings: Vec<Vec<u32>>,
    /// For each text, its words, ascending.
    texts: Vec<Vec<u32>>,
}

impl NearIndex {
    /// Adds a text; returns its number.
    pub fn insert(&mut self, text: &str) -> usize {
        let number = u32::try_from(self.texts.len()).expect("fewer than 4 billion texts");
        let mut ids = Vec::new();
        for word in normalize(text).split(' ').collect::<BTreeSet<_>>() {
            let next = u32::try_from(self.postings.len()).expect("fewer than 4 billion words");
            let id = *self.words.entry(word.to_owned()).or_insert(next);
            if id == next {
                self.postings.push(Vec::new());
            }
            self.postings[id as usize].push(number);
            ids.push(id);
        }
        ids.sort_unstable();
        self.texts.push(ids);
        self.texts.len() - 1
    }

    /// The most similar text, if at least `threshold` of all words are shared; the first of equals.
    ///
    /// Only the rarest words need to be looked up: a text that shares none of them shares too few.
    pub fn nearest(&self, text: &str, threshold: f64) -> Option<(usize, f64)> {
        let normal = normalize(text);
        let words: BTreeSet<&str> = normal.split(' ').collect();
        let mut known: Vec<u32> = words.iter().filter_map(|word| self.words.get(*word).copied()).collect();
        let must_share = (threshold * words.len() as f64).ceil() as usize;
        if known.len() < must_share.max(1) {
            return None;
        }
        known.sort_unstable_by_key(|id| (self.postings[*id as usize].len(), *id));
        let probes = &known[..=known.len() - must_share.max(1)];
        let candidates: BTreeSet<u32> = probes.iter().flat_map(|id| &self.postings[*id as usize]).copied().collect();
        known.sort_unstable();
        let mut best: Option<(usize, f64)> = None;
        for candidate in candidates {
            let other = &self.texts[candidate as usize];
            let shared = known.iter().filter(|id| other.binary_search(id).is_ok()).count();
            let similarity = shared as f64 / (words.len() + other.len() - shared) as f64;
            if similarity >= threshold && best.is_none_or(|(_, found)| similarity > found) {
                best = Some((candidate as usize, similarity));
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_and_nothing_else() {
        assert_eq!(normalize("Make  'Alpha' bold!"), "make alpha bold");
        let mut index = NearIndex::default();
        index.insert("turn on the ruler");
        index.insert("insert a table with 3 rows and 4 columns");
        assert_eq!(index.nearest("Turn on the ruler.", 1.0), Some((0, 1.0)));
        assert_eq!(index.nearest("insert a table with 3 rows and 5 columns", 0.75), Some((1, 0.8)));
        assert_eq!(index.nearest("insert a table with 3 rows and 5 columns", 0.85), None);
        assert_eq!(index.nearest("entirely other words", 0.5), None);
    }

    #[test]
    fn probing_rare_words_finds_what_comparing_all_finds() {
        let word = |n: usize| ["a", "b", "c", "d", "e", "f", "g"][n % 7];
        let texts: Vec<String> =
            (0..200).map(|n| format!("{} {} {} {}", word(n), word(n / 7), word(n / 3), word(n * n))).collect();
        let mut index = NearIndex::default();
        for text in &texts[..100] {
            index.insert(text);
        }
        let set = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        for text in &texts[100..] {
            for threshold in [0.3, 0.6, 1.0] {
                let jaccard = |other: &String| {
                    let (left, right) = (set(text), set(other));
                    left.intersection(&right).count() as f64 / left.union(&right).count() as f64
                };
                let best = texts[..100].iter().map(jaccard).fold(0.0, f64::max);
                let found = index.nearest(text, threshold).map_or(0.0, |(_, similarity)| similarity);
                assert_eq!(found, if best >= threshold { best } else { 0.0 }, "{text} at {threshold}");
            }
        }
    }
}
