//! What must never be published by mistake: files by their names, and texts that hold keys. Knows shapes, no key's
//! value but the token that sends.

/// Names of files that hold keys, in small letters.
const NAMES: [&str; 21] = [
    ".env",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".npmrc",
    ".pypirc",
    ".htpasswd",
    "credentials",
    "credentials.json",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "kubeconfig",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "stored_tokens",
    "token",
    "token.txt",
];
/// Folders that hold keys.
const FOLDERS: [&str; 5] = [".aws", ".docker", ".gnupg", ".kube", ".ssh"];
/// What the names of files with keys end with.
const ENDINGS: [&str; 7] = [".key", ".keystore", ".kdbx", ".p12", ".pem", ".pfx", ".ppk"];
/// What the names of harmless examples end with.
const EXAMPLES: [&str; 3] = [".example", ".sample", ".template"];

/// Why a file of this name is not sent, if so; `name` is the way to it, with `/` between its parts.
pub(super) fn of_name(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    let (folders, file) = name.rsplit_once('/').unwrap_or(("", &name));
    let is_environment = file.starts_with(".env.") && !EXAMPLES.iter().any(|end| file.ends_with(end));
    if folders.split('/').any(|folder| FOLDERS.contains(&folder)) {
        Some("a folder of this name holds keys")
    } else if is_environment || NAMES.contains(&file) || ENDINGS.iter().any(|end| file.ends_with(end)) {
        Some("a file of this name holds keys")
    } else {
        None
    }
}

/// A key by how it is written.
struct Shape {
    /// What it begins with.
    start: &'static str,
    /// How many characters follow at least.
    least: usize,
    /// Which characters may follow.
    follows: fn(u8) -> bool,
    /// What it looks like, for a message.
    what: &'static str,
}

const fn shape(start: &'static str, least: usize, follows: fn(u8) -> bool, what: &'static str) -> Shape {
    Shape { start, least, follows, what }
}

const SHAPES: [Shape; 12] = [
    shape("hf_", 30, is_plain, "a token of Hugging Face"),
    shape("api_org_", 30, is_plain, "a token of Hugging Face"),
    shape("sk-", 32, is_wide, "a key of OpenAI or one like it"),
    shape("ghp_", 36, is_plain, "a token of GitHub"),
    shape("gho_", 36, is_plain, "a token of GitHub"),
    shape("ghs_", 36, is_plain, "a token of GitHub"),
    shape("github_pat_", 40, is_wide, "a token of GitHub"),
    shape("glpat-", 20, is_wide, "a token of GitLab"),
    shape("xoxb-", 20, is_wide, "a token of Slack"),
    shape("AKIA", 16, is_capital, "a key of Amazon"),
    shape("AIza", 35, is_wide, "a key of Google"),
    shape("-----BEGIN ", 15, is_key_heading, "a private key"),
];

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_wide(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

fn is_capital(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_key_heading(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte == b' ' || byte == b'-'
}

impl Shape {
    /// Whether such a key stands at `at`, not in the middle of a word.
    fn stands_at(&self, text: &[u8], at: usize) -> bool {
        let Some(rest) = text[at..].strip_prefix(self.start.as_bytes()) else { return false };
        let before = &text[..at];
        let in_word = before.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        let inside = in_word && !ends_with_escape(before);
        let length = rest.iter().take_while(|byte| (self.follows)(**byte)).count();
        let is_heading = self.start.starts_with('-');
        let is_whole = !is_heading || rest[..length].windows(15).any(|part| part == b"PRIVATE KEY----");
        (is_heading || !inside) && length >= self.least && is_whole
    }
}

/// Whether a text ends with an escape, such as JSON's `\n` and `\u000a`: its letters belong to no word.
fn ends_with_escape(text: &[u8]) -> bool {
    match text {
        [.., b'\\', letter] => letter.is_ascii_alphabetic(),
        [.., b'\\', b'u', a, b, c, d] => [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()),
        _ => false,
    }
}

/// The longest key that is looked for across two pieces.
const REACH: usize = 512;
/// How much before a key decides whether it stands in the middle of a word: an escape.
const BEFORE: usize = 6;
/// Where it shows whether a file is text. What is none is looked through for the sender's token alone.
const HEADER: usize = 1 << 20;

/// Looks through a file's bytes as they come, piece by piece.
pub(super) struct Search {
    /// The token that sends.
    token: Option<Vec<u8>>,
    /// The end of the last piece, of which what follows is not known yet; before it, what was looked at and decides
    /// whether a word goes on.
    tail: Vec<u8>,
    /// How much of that was looked at.
    looked: usize,
    line: usize,
    seen: usize,
    is_text: bool,
    found: Option<(usize, &'static str)>,
}

impl Search {
    /// From the beginning of a file.
    pub(super) fn new(token: Option<&str>) -> Self {
        let token = token.map(|token| token.as_bytes().to_vec());
        Self { token, tail: Vec::new(), looked: 0, line: 1, seen: 0, is_text: true, found: None }
    }

    /// Looks at the next piece.
    pub(super) fn take(&mut self, piece: &[u8]) {
        self.is_text &= self.seen >= HEADER || !piece.iter().take(HEADER).any(|byte| *byte == 0);
        self.seen += piece.len();
        if self.found.is_some() || (!self.is_text && self.token.is_none()) {
            return;
        }
        let text = [std::mem::take(&mut self.tail).as_slice(), piece].concat();
        let end = text.len().saturating_sub(REACH);
        self.look(&text, end);
        let kept = text.len().saturating_sub(REACH + BEFORE);
        self.looked = end - kept;
        if self.is_text {
            self.line += text[..kept].iter().filter(|byte| **byte == b'\n').count();
        }
        self.tail = text[kept..].to_vec();
    }

    /// The line of the first key, and what it looks like; of what is no text, the line means nothing and is 0.
    pub(super) fn end(mut self) -> Option<(usize, &'static str)> {
        let text = std::mem::take(&mut self.tail);
        self.look(&text, text.len());
        self.found.map(|(line, what)| (if self.is_text { line } else { 0 }, what))
    }

    /// Looks for what begins before `end` and was not looked at yet.
    fn look(&mut self, text: &[u8], end: usize) {
        if self.found.is_some() {
            return;
        }
        let is_token = |at: usize| self.token.as_ref().is_some_and(|token| text[at..].starts_with(token));
        let at = |at: usize| match SHAPES.iter().find(|shape| self.is_text && shape.stands_at(text, at)) {
            _ if is_token(at) => Some("the token that is used to send it"),
            shape => shape.map(|shape| shape.what),
        };
        let first = self.token.as_ref().and_then(|token| token.first()).copied();
        let may_begin = |byte: u8| (self.is_text && b"hasgx-A".contains(&byte)) || Some(byte) == first;
        let found =
            (self.looked..end).filter(|place| may_begin(text[*place])).find_map(|place| Some((place, at(place)?)));
        self.found = found.map(|(place, what)| {
            let lines = text[..place].iter().filter(|byte| **byte == b'\n').count();
            (self.line + lines, what)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8], piece: usize) -> Option<(usize, &'static str)> {
        let mut search = Search::new(Some("own-token-of-this-test"));
        text.chunks(piece).for_each(|piece| search.take(piece));
        search.end()
    }

    #[test]
    fn files_with_keys_are_known_by_name() {
        for name in [".env", "a/.env.local", "x/ID_RSA", "server.pem", ".ssh/config", "token", "a/.aws/config"] {
            assert!(of_name(name).is_some(), "{name}");
        }
        for name in ["README.md", "tokenizer.json", ".env.example", "tokens.json", "keys/x.json", ".gitattributes"] {
            assert!(of_name(name).is_none(), "{name}");
        }
    }

    #[test]
    fn keys_are_found_in_texts_wherever_pieces_end() {
        let letters = "a1B2c3D4e5".repeat(4);
        let line = "one\ntwo words of text, long enough to be cut anywhere\n";
        for (key, what) in [
            (format!("hf_{letters}"), "Hugging Face"),
            (format!("sk-{letters}"), "OpenAI"),
            (format!("ghp_{letters}"), "GitHub"),
            ("AKIAABCDEFGHIJ234567".to_owned(), "Amazon"),
            ("-----BEGIN RSA PRIVATE KEY-----".to_owned(), "a private key"),
            ("own-token-of-this-test".to_owned(), "used to send"),
        ] {
            for piece in [1, 7, 64, 1 << 20] {
                let (number, said) = found(format!("{line}key = \"{key}\"\n{line}").as_bytes(), piece).unwrap();
                assert!(number == 3 && said.contains(what), "{key} in pieces of {piece}: line {number}, {said}");
            }
            let far = format!("{}{key}", "words of a long line\n".repeat(3000));
            assert_eq!(found(far.as_bytes(), 1000).map(|(line, _)| line), Some(3001), "{key}");
        }
    }

    #[test]
    fn keys_behind_escapes_are_found_wherever_pieces_end() {
        let key = format!("hf_{}", "a1B2c3D4e5".repeat(4));
        for escape in [r"\n", r"\t", r"\\n", r"\u000a", r"\u0022"] {
            for words in [1, 90, 700] {
                let text = format!("{{\"text\": \"{}{escape}{key}\"}}\n", "word ".repeat(words));
                for piece in [1, 7, 64] {
                    assert!(found(text.as_bytes(), piece).is_some(), "{escape}, {words} words, pieces of {piece}");
                }
            }
        }
        for text in [format!("au000a{key}"), format!("n{key}")] {
            assert_eq!(found(text.as_bytes(), 7), None, "{text}");
        }
    }

    #[test]
    fn words_that_only_resemble_keys_are_left_alone() {
        let letters = "a1B2c3D4e5".repeat(4);
        for text in [
            format!("shelf_{letters}"),
            format!("task-{letters}"),
            "hf_token".to_owned(),
            "AKIAshort".to_owned(),
            "-----BEGIN CERTIFICATE-----".to_owned(),
        ] {
            assert_eq!(found(text.as_bytes(), 1 << 20), None, "{text}");
        }
        let mut weights = vec![0; 64];
        weights.extend(format!("hf_{letters}").as_bytes());
        assert_eq!(found(&weights, 1 << 20), None, "numbers may look like anything");
        weights.extend(b"own-token-of-this-test");
        assert!(found(&weights, 1 << 20).is_some(), "but not like the token itself");
        let mut large = vec![0; HEADER + 1000];
        large.extend(b"own-token-of-this-test");
        large.extend([0; 1000]);
        for piece in [4096, 1 << 20] {
            assert_eq!(found(&large, piece), Some((0, "the token that is used to send it")), "pieces of {piece}");
        }
    }
}
