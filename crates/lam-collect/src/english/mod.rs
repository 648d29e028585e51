//! Titles as requests: `Adding a Border` and `To add a border:` both ask to `Add a border`.
//!
//! Knows enough English to find verbs in titles, and nothing of documents.

mod verbs;

pub(crate) use verbs::is_verb;

/// Beginnings after which a request follows, whatever its verb.
const QUESTIONS: &[&str] = &["how to ", "how do i ", "how do you ", "how can i ", "how would i ", "how do we "];

/// Beginnings after which one follows if there is a verb.
const BEGINNINGS: &[&str] = &["steps to ", "steps for ", "procedure to ", "procedure for ", "to "];

/// Words with which a sentence points at something outside itself.
const VAGUE: &[&str] = &["this", "these", "it", "following", "follows", "below", "above", "so", "that", "one", "you"];

/// The request that a title, question or sentence makes, if it makes one.
pub(crate) fn request_of(title: &str) -> Option<String> {
    let title = title.trim().trim_end_matches([':', '.', '?', '!', ' ']).trim_start();
    let asked = QUESTIONS.iter().find_map(|beginning| without(title, beginning));
    let named = || BEGINNINGS.iter().find_map(|beginning| without(title, beginning)).unwrap_or(title);
    let (first, rest) = asked.unwrap_or_else(named).split_once(' ')?;
    let verb = base_form(first).or_else(|| asked.map(|_| first.to_lowercase()))?;
    Some(format!("{} {}", capitalized(&verb), further_verbs(&sentence_case(rest), first.ends_with(','))))
}

/// Whether the words point at nothing outside themselves.
pub(crate) fn stands_alone(text: &str) -> bool {
    let words = text.split(|character: char| !character.is_alphanumeric());
    !words.map(str::to_lowercase).any(|word| VAGUE.contains(&word.as_str()))
}

fn without<'a>(title: &'a str, beginning: &str) -> Option<&'a str> {
    let start = title.get(..beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then(|| title[beginning.len()..].trim_start())
}

/// `insert` of `Inserting` and of `insert`.
fn base_form(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
    if is_verb(bare) {
        return Some(word);
    }
    let stem = bare.strip_suffix("ing")?;
    let single =
        stem.get(..stem.len().saturating_sub(1)).filter(|short| stem.ends_with(short.chars().last().unwrap_or('?')));
    let candidates = [Some(stem.to_owned()), Some(format!("{stem}e")), single.map(str::to_owned)];
    let verb = candidates.into_iter().flatten().find(|candidate| is_verb(candidate))?;
    Some(word.replacen(bare, &verb, 1))
}

/// `and delete rows` of `and Deleting rows`; `listed`: the word before it was one of several verbs.
fn further_verbs(rest: &str, listed: bool) -> String {
    let mut words: Vec<String> = rest.split(' ').map(str::to_owned).collect();
    let mut is_verb_next = listed;
    for word in &mut words {
        if ["and", "or", "&"].contains(&word.as_str()) {
            is_verb_next = true;
            continue;
        }
        let Some(verb) = base_form(word).filter(|_| is_verb_next) else { break };
        is_verb_next = word.ends_with(',');
        *word = verb;
    }
    words.join(" ")
}

/// Names of applications and the like, which keep their capital.
const NAMES: &[&str] = &[
    "Writer",
    "Calc",
    "Impress",
    "Draw",
    "Math",
    "Base",
    "Basic",
    "Java",
    "Python",
    "Windows",
    "Linux",
    "Microsoft",
    "Office",
    "Excel",
    "Word",
    "English",
    "Greek",
    "Asian",
    "Internet",
    "Bluetooth",
    "Unicode",
    "Google",
    "Mozilla",
];

/// Words that are small in titles too.
const SMALL: &[&str] = &["from", "with", "into", "onto", "over", "when", "your", "than", "that", "and", "for", "the"];

/// Title Case as a sentence has it: names, abbreviations, words with inner capitals and single letters stay.
fn sentence_case(text: &str) -> String {
    let words: Vec<&str> = text.split(' ').collect();
    let telling = || words.iter().filter(|word| word.len() > 3 && !NAMES.contains(*word) && !SMALL.contains(*word));
    let capital = telling().filter(|word| is_capitalized(word)).count();
    let all = capital + telling().filter(|word| word.chars().all(|character| !character.is_uppercase())).count();
    if all == 0 || capital * 5 < all * 3 {
        return text.to_owned();
    }
    let lower = |word: &&str| {
        if is_capitalized(word) && !NAMES.contains(word) { word.to_lowercase() } else { (*word).to_owned() }
    };
    words.iter().map(lower).collect::<Vec<_>>().join(" ")
}

/// Whether a word has one capital, its first letter, and more letters.
fn is_capitalized(word: &str) -> bool {
    let mut letters = word.chars().filter(|character| character.is_alphabetic());
    letters.next().is_some_and(char::is_uppercase) && word.len() > 1 && letters.all(char::is_lowercase)
}

/// The text with a capital first.
pub(crate) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_requests() {
        let cases = [
            ("Defining Borders for Pages", "Define borders for pages"),
            ("To Set a Predefined Border Style", "Set a predefined border style"),
            ("To rename a file or folder:", "Rename a file or folder"),
            ("How do I print an envelope?", "Print an envelope"),
            ("Cutting, Copying and Pasting Text", "Cut, copy and paste text"),
            ("Using AutoText", "Use AutoText"),
            ("Adding Bullets and Numbering", "Add bullets and numbering"),
            ("Inserting and Editing Index Entries", "Insert and edit index entries"),
            ("How to Paint a Wall", "Paint a wall"),
            ("Exporting PDF Files from LibreOffice", "Export PDF files from LibreOffice"),
        ];
        for (title, request) in cases {
            assert_eq!(request_of(title).as_deref(), Some(request), "{title}");
        }
        for title in ["Page Styles", "Tips", "Why is the printer slow?", "To", "Printing", "Something nice"] {
            assert_eq!(request_of(title), None, "{title}");
        }
    }
}
