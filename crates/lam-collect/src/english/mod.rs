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
const VAGUE: &[&str] = &["this", "these", "it", "follows", "so", "you"];

/// Words that do so unless a noun stands where they point: `a letter that is kept`, `above the line`, `one page`.
const POINTING: &[&str] = &["that", "one", "following", "below", "above"];

/// Words after which `that` has no noun before it.
const BEFORE_NOUNS: &[&str] =
    &["after", "and", "as", "at", "before", "by", "for", "from", "in", "like", "of", "on", "or", "than", "to", "with"];

/// Marks beside a heading that link to itself.
const PERMALINKS: &[char] = &['¶', '\u{f0c1}', '\u{200b}', '🔗', '#'];

/// Words before a heading's number.
const PARTS: &[&str] =
    &["chapter", "section", "part", "step", "appendix", "lesson", "exercise", "task", "module", "lab"];

/// The request that a title, question or sentence makes, if it makes one.
pub(crate) fn request_of(title: &str) -> Option<String> {
    let title = bare_title(title).trim_end_matches([':', '.', '?', '!', ' ']).trim_start();
    let asked = QUESTIONS.iter().find_map(|beginning| without(title, beginning));
    let named = || BEGINNINGS.iter().find_map(|beginning| without(title, beginning)).unwrap_or(title);
    let (first, rest) = asked.unwrap_or_else(named).split_once(' ')?;
    let verb = base_form(first).or_else(|| asked.map(|_| first.to_lowercase()))?;
    Some(format!("{} {}", capitalized(&verb), further_verbs(&sentence_case(rest), first.ends_with(','))))
}

/// A title without the mark that links to it and without its number: `9.2.`, `Chapter 3:`, `A.1`, `IV.`, or a bare `3`
/// before a verb.
pub(crate) fn bare_title(title: &str) -> &str {
    let title = title.trim().trim_end_matches(PERMALINKS).trim_end();
    let part = title.split_once(' ').filter(|(word, _)| PARTS.contains(&word.to_lowercase().as_str()));
    let numbered = part.map_or(title, |(_, rest)| rest);
    let Some((number, rest)) = numbered.split_once(char::is_whitespace) else { return title };
    let rest = rest.trim_start_matches(['-', '–', '—', ':', ' ', '\u{a0}']);
    if is_number(number, rest, part.is_some()) && !rest.is_empty() { rest } else { title }
}

/// Whether the first word of a heading is its number; `is_part`: after `Chapter` and the like.
fn is_number(word: &str, rest: &str, is_part: bool) -> bool {
    let word = word.trim_start_matches(['§', '(']);
    let bare = word.trim_end_matches(['.', ')', ':']);
    let is_marked = bare.len() < word.len() || is_part;
    let is_digits = |piece: &str| (1..4).contains(&piece.len()) && piece.bytes().all(|byte| byte.is_ascii_digit());
    let is_letter = |piece: &str| piece.len() == 1 && piece.bytes().all(|byte| byte.is_ascii_uppercase());
    let mut pieces = bare.split('.');
    if !pieces.next().is_some_and(|first| is_digits(first) || is_letter(first)) || !pieces.all(is_digits) {
        return is_marked && !bare.is_empty() && bare.bytes().all(|byte| b"IVX".contains(&byte));
    }
    let before_capital = bare.contains('.') && rest.starts_with(char::is_uppercase);
    let before_verb = is_digits(bare) && rest.split(' ').next().is_some_and(|next| base_form(next).is_some());
    is_marked || before_capital || before_verb
}

/// Whether the words point at nothing outside themselves.
pub(crate) fn stands_alone(text: &str) -> bool {
    let bare = |word: &str| word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
    let words: Vec<String> = text.split(|letter: char| letter.is_whitespace() || letter == '-').map(bare).collect();
    (0..words.len()).all(|index| {
        let word = |at: Option<usize>| at.and_then(|at| words.get(at)).map_or("", String::as_str);
        let (before, here, after) = (word(index.checked_sub(1)), word(Some(index)), word(Some(index + 1)));
        !(VAGUE.contains(&here) || POINTING.contains(&here) && points(before, here, after))
    })
}

/// Whether a word of [`POINTING`] has no noun where it points.
fn points(before: &str, word: &str, after: &str) -> bool {
    after.is_empty()
        || match word {
            // A relative pronoun has its noun before it.
            "that" => before.is_empty() || is_verb(before) || BEFORE_NOUNS.contains(&before),
            "one" => after == "of" || ["this", "the", "that"].contains(&before),
            _ => ["the", "as", "see"].contains(&before),
        }
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
    let tied = stem.strip_suffix('y').map(|short| format!("{short}ie"));
    let candidates = [Some(stem.to_owned()), Some(format!("{stem}e")), single.map(str::to_owned), tied];
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

/// The words of a text, lower case, without punctuation.
pub(crate) fn words(text: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_matches(|character: char| !character.is_alphanumeric()).to_lowercase();
    text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
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
        for (title, request) in [
            ("9.2. Making a stamp from a picture", "Make a stamp from a picture"),
            ("9.2 Making a stamp", "Make a stamp"),
            ("Chapter 3: Printing a letter", "Print a letter"),
            ("A.1 Adding a Border¶", "Add a border"),
            ("IV. Print a letter", "Print a letter"),
            ("(2) Sorting names #", "Sort names"),
            ("3 Sorting names", "Sort names"),
            ("Step 4 - Save the file", "Save the file"),
            ("Tying words together", "Tie words together"),
        ] {
            assert_eq!(request_of(title).as_deref(), Some(request), "{title}");
        }
        for title in ["3D views", "2 columns", "2024 in words", "3.5 mm jacks", "Part of it", "A letter"] {
            assert_eq!(bare_title(title), title);
        }
        for title in ["Page Styles", "Tips", "Why is the printer slow?", "To", "Printing", "Something nice"] {
            assert_eq!(request_of(title), None, "{title}");
        }
    }

    #[test]
    fn words_point_outside_a_sentence_only_without_a_noun() {
        for text in [
            "Print a letter that is kept on a stick",
            "Raising Letters Above the Line",
            "Print one page",
            "Following a link",
            "Add a note below a picture",
        ] {
            assert!(stands_alone(text), "{text}");
        }
        for text in [
            "To do that:",
            "Change that style",
            "After that, print",
            "To do this:",
            "Do one of the following:",
            "Choose this one",
            "Use the steps above",
            "Use the above table",
            "Enter as follows:",
            "The text you want",
        ] {
            assert!(!stands_alone(text), "{text}");
        }
    }
}
