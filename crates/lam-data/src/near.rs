//! Finds texts that are nearly the same: shared words over all words (Jaccard), with an index of words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The words of a text: lower case, without punctuation.
pub fn normalize(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// Texts by how many words they have and by the place of one of them.
type Posting = BTreeMap<(usize, usize), Vec<u32>>;

/// Texts that can be asked for near-duplicates of a threshold.
///
/// Words are ordered by how late they were first seen, which puts rare ones first. Two texts that are alike share one of
/// the first words of both, at places after which enough words are left: only texts kept under such a place are
/// compared (prefix and position filters of Xiao et al., Efficient Similarity Joins, 2008).
#[derive(Debug)]
pub struct NearIndex {
    threshold: f64,
    words: HashMap<String, u32>,
    /// For each of the first words of texts, within a group: the texts by their length and the word's place.
    postings: HashMap<(u32, u32), Posting>,
    /// For each text, its words, latest first.
    texts: Vec<Vec<u32>>,
    /// The first text of a group with these words.
    same: HashMap<(u32, Vec<u32>), u32>,
}

impl NearIndex {
    /// For texts of which at least `threshold` of all words are shared.
    pub fn new(threshold: f64) -> Self {
        Self { threshold, words: HashMap::new(), postings: HashMap::new(), texts: Vec::new(), same: HashMap::new() }
    }

    /// Adds a text; returns its number.
    pub fn insert(&mut self, text: &str) -> usize {
        self.insert_among(0, text)
    }

    /// The most similar text; the first of equals.
    pub fn nearest(&self, text: &str) -> Option<(usize, f64)> {
        self.nearest_among(0, text)
    }

    /// Adds a text to a group of those that are compared with each other alone; returns its number.
    pub fn insert_among(&mut self, group: u32, text: &str) -> usize {
        let number = u32::try_from(self.texts.len()).expect("fewer than 4 billion texts");
        let mut ids = Vec::new();
        for word in normalize(text).split(' ').collect::<BTreeSet<_>>() {
            let next = u32::try_from(self.words.len()).expect("fewer than 4 billion words");
            ids.push(*self.words.entry(word.to_owned()).or_insert(next));
        }
        ids.sort_unstable_by(|left, right| right.cmp(left));
        for (place, id) in ids[..self.first_words(ids.len())].iter().enumerate() {
            let posting = self.postings.entry((group, *id)).or_default();
            posting.entry((ids.len(), place)).or_default().push(number);
        }
        self.same.entry((group, ids.clone())).or_insert(number);
        self.texts.push(ids);
        self.texts.len() - 1
    }

    /// The most similar text of a group; the first of equals.
    pub fn nearest_among(&self, group: u32, text: &str) -> Option<(usize, f64)> {
        let normal = normalize(text);
        let words: BTreeSet<&str> = normal.split(' ').collect();
        let mut known: Vec<u32> = words.iter().filter_map(|word| self.words.get(*word).copied()).collect();
        known.sort_unstable_by(|left, right| right.cmp(left));
        if known.len() == words.len()
            && let Some(number) = self.same.get(&(group, known.clone()))
        {
            return Some((*number as usize, 1.0));
        }
        let asked = Asked { length: words.len(), known };
        let (shortest, longest) = self.lengths(asked.length);
        if shortest == longest && self.must_share(shortest, longest) == longest {
            // Too few words for one to differ.
            return None;
        }
        let unknown = asked.length - asked.known.len();
        let mut best = None;
        for place in unknown..self.first_words(asked.length) {
            let Some(posting) = self.postings.get(&(group, asked.known[place - unknown])) else { continue };
            for (&(length, other_place), texts) in posting.range((shortest, 0)..=(longest, usize::MAX)) {
                // The word itself, and what may be shared after it.
                let reach = (asked.length - place).min(length - other_place);
                if reach >= self.must_share(asked.length, length) {
                    self.compare(&asked, length, texts, &mut best);
                }
            }
        }
        best
    }

    /// Compares with texts of one length, in their order, until none can be better any more.
    fn compare(&self, asked: &Asked, length: usize, texts: &[u32], best: &mut Option<(usize, f64)>) {
        let highest = asked.similarity(length, asked.known.len().min(length));
        let must_share = self.must_share(asked.length, length);
        for &number in texts {
            let number = number as usize;
            if best.is_some_and(|(first, found)| found > highest || found == highest && first < number) {
                return;
            }
            let similarity = asked.similarity(length, shared(&asked.known, &self.texts[number], must_share));
            let is_better = |(first, found)| similarity > found || similarity == found && number < first;
            if similarity >= self.threshold && best.is_none_or(is_better) {
                *best = Some((number, similarity));
            }
        }
    }

    /// How many of the first words of a text one that is alike may share none but the last of.
    fn first_words(&self, length: usize) -> usize {
        length + 1 - self.lengths(length).0
    }

    /// Lengths of texts that may be alike; the shortest is also how many words must be shared.
    fn lengths(&self, length: usize) -> (usize, usize) {
        let shortest = (self.threshold * length as f64 - ROUNDING).ceil() as usize;
        (shortest.clamp(1, length), (length as f64 / self.threshold + ROUNDING) as usize)
    }

    /// How many words two texts of these lengths share at least, if they are alike.
    fn must_share(&self, left: usize, right: usize) -> usize {
        (self.threshold / (1.0 + self.threshold) * (left + right) as f64 - ROUNDING).ceil() as usize
    }
}

/// Limits are taken so much wider than they are computed.
const ROUNDING: f64 = 1e-6;

/// A text that is asked for.
struct Asked {
    /// How many words it has.
    length: usize,
    /// Those that the index knows, latest first; unknown ones would stand before them.
    known: Vec<u32>,
}

impl Asked {
    /// Shared words over all words.
    fn similarity(&self, length: usize, shared: usize) -> f64 {
        shared as f64 / (self.length + length - shared) as f64
    }
}

/// How many words both have, of two descending lists; fewer where it turns out to be less than `at_least`.
fn shared(left: &[u32], right: &[u32], at_least: usize) -> usize {
    let (mut at, mut count) = (0, 0);
    for (index, word) in left.iter().enumerate() {
        if count + (left.len() - index).min(right.len() - at) < at_least {
            break;
        }
        at += right[at..].iter().take_while(|other| *other > word).count();
        count += usize::from(right.get(at) == Some(word));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(threshold: f64, texts: &[String]) -> NearIndex {
        let mut index = NearIndex::new(threshold);
        for text in texts {
            index.insert(text);
        }
        index
    }

    #[test]
    fn words_count_and_nothing_else() {
        assert_eq!(normalize("Make  'Alpha' bold!"), "make alpha bold");
        let texts = ["turn on the ruler", "insert a table with 3 rows and 4 columns"].map(str::to_owned);
        let asked = "insert a table with 3 rows and 5 columns";
        assert_eq!(index(1.0, &texts).nearest("Turn on the ruler."), Some((0, 1.0)));
        assert_eq!(index(0.75, &texts).nearest(asked), Some((1, 0.8)));
        assert_eq!(index(0.8, &texts).nearest(asked), Some((1, 0.8)), "the threshold itself is alike");
        assert_eq!(index(0.85, &texts).nearest(asked), None);
        assert_eq!(index(0.5, &texts).nearest("entirely other words"), None);
        assert_eq!(index(0.5, &[String::new()]).nearest("!"), Some((0, 1.0)));
    }

    #[test]
    fn probing_first_words_finds_what_comparing_all_finds() {
        let word = |n: usize| ["a", "b", "c", "d", "e", "f", "g"][n % 7];
        let text = |n: usize| format!("{} {} {} {} {}", word(n), word(n / 7), word(n / 3), word(n * n), n % 13);
        let texts: Vec<String> = (0..200).map(text).collect();
        let set = |text: &str| text.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
        for threshold in [0.3, 0.6, 0.8, 1.0] {
            let index = index(threshold, &texts[..100]);
            for text in &texts[100..] {
                let jaccard = |other: &String| {
                    let (left, right) = (set(text), set(other));
                    left.intersection(&right).count() as f64 / left.union(&right).count() as f64
                };
                let best = texts[..100].iter().map(jaccard).fold(0.0, f64::max);
                let first = texts[..100].iter().position(|other| jaccard(other) == best);
                let expected = first.filter(|_| best >= threshold).map(|first| (first, best));
                assert_eq!(index.nearest(text), expected, "{text} at {threshold}");
            }
        }
    }

    #[test]
    fn groups_are_apart() {
        let mut index = NearIndex::new(0.9);
        index.insert_among(1, "print it");
        assert_eq!((index.nearest_among(2, "print it"), index.nearest_among(1, "Print it")), (None, Some((0, 1.0))));
    }

    #[test]
    fn texts_of_one_pattern_take_linear_time() {
        let started = std::time::Instant::now();
        for (threshold, before) in [(0.9, "open the file number"), (0.8, "please open the big old file number")] {
            let mut index = NearIndex::new(threshold);
            for number in 0..100_000 {
                let text = format!("{before} {number} in the large window of an application now");
                index.nearest(&text);
                index.insert(&text);
            }
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
