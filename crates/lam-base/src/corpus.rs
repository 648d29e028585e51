//! The words of an application: what the tokenizer is trained on, what synthetic examples draw from,
//! what is read.

use std::collections::BTreeSet;

use lam_env::Application;

/// Texts and words of an application.
pub struct Corpus {
    /// Documentation and example texts.
    pub texts: Vec<String>,
    /// Every word in them that is plain letters or digits, once, in order.
    pub lexicon: Vec<String>,
}

impl Corpus {
    /// The application's vocabulary and documentation.
    pub fn of(app: &dyn Application, documentation_entries: usize, seed: u64) -> Self {
        let mut texts = app.vocabulary();
        texts.extend(app.documents(documentation_entries, seed).into_iter().map(|document| document.text));
        let lexicon = words(texts.iter().map(String::as_str));
        Self { texts, lexicon }
    }

    /// Words that should be single tokens: the lexicon and the names of functions and arguments.
    pub fn single_tokens(&self, app: &dyn Application) -> Vec<String> {
        let mut names: Vec<String> = self.lexicon.clone();
        for function in app.functions() {
            names.push(function.name.clone());
            names.extend(function.args.iter().map(|arg| arg.name.clone()));
        }
        names.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The texts as one-line windows of at most `words` words, comments left out.
    pub fn windows(&self, words: usize) -> Vec<String> {
        let lines = self.texts.iter().flat_map(|text| text.lines()).map(str::trim);
        let mut windows = Vec::new();
        let mut window: Vec<&str> = Vec::new();
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with("<!--")) {
            window.extend(line.split_whitespace());
            while window.len() >= words {
                let rest = window.split_off(words);
                windows.push(window.join(" "));
                window = rest;
            }
        }
        if !window.is_empty() {
            windows.push(window.join(" "));
        }
        windows
    }
}

fn words<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let plain = |word: &&str| !word.is_empty() && word.chars().all(char::is_alphanumeric) && word.len() <= 24;
    let found: BTreeSet<&str> =
        texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).filter(plain).collect();
    found.into_iter().map(str::to_owned).collect()
}
