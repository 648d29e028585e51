//! Markdown: headings, paragraphs and ordered lists, as CommonMark reads them, with the marks of GitHub, MkDocs and
//! Docusaurus for notes and the title of a front matter.

use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::block::{Block, Step, one_line, single_spaced};
use super::content::Fault;
use super::limits::check_markdown;

/// Lists deeper than this are choices.
const DEEPEST: usize = 16;

/// The blocks of a text.
///
/// # Errors
/// Quotations and lists that are nested too deeply, with their line.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block>, Fault> {
    check_markdown(text)?;
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_GFM
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, options) {
        reader.take(event);
    }
    Ok(reader.blocks)
}

/// What a line of text says, without the marks of Markdown: `Click File` of `Click **File**`.
pub(crate) fn plain(text: &str) -> String {
    // The sign keeps a beginning such as `1.` or `#` from being a list or a heading, and a backslash is one, as in
    // Windows' paths.
    let escaped = format!("¶{}", text.replace('\\', "\\\\"));
    let mut plain = String::new();
    for event in Parser::new(&escaped) {
        match event {
            Event::Text(text) => plain.push_str(&text),
            Event::Code(text) | Event::InlineHtml(text) | Event::Html(text) => {
                plain.push_str(&text.replace("\\\\", "\\"))
            }
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph) => plain.push(' '),
            _ => {}
        }
    }
    single_spaced(plain.trim_start_matches('¶'))
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// The text of the block that is being read.
    text: String,
    /// Open lists, outermost first.
    lists: Vec<List>,
    /// How many tables and images are open around this place; their text is left out.
    hidden: usize,
}

struct List {
    /// Number of the first item of an ordered list.
    first: Option<u64>,
    items: Vec<Step>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.hidden == 0 => self.text.push_str(&text),
            Event::Code(code) if self.hidden == 0 => self.push_code(&code),
            Event::InlineHtml(html) if self.hidden == 0 => self.text.push_str(inline_html(&html)),
            Event::SoftBreak | Event::HardBreak => self.text.push(' '),
            Event::Html(html) => {
                if let Some(family) = family_of(html.trim()) {
                    self.blocks.push(Block::Family(family.to_owned()));
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::Table(_) | Tag::Image { .. } => self.hidden += 1,
            Tag::CodeBlock(CodeBlockKind::Fenced(directive)) if directive.starts_with('{') => {
                self.close_text();
                self.text = format!("!!! {directive} ");
            }
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) => self.close_text(),
            Tag::List(first) => {
                self.close_text();
                self.lists.push(List { first: *first, items: Vec::new() });
            }
            Tag::Item => {
                if let Some(list) = self.lists.last_mut() {
                    list.items.push(Step::default());
                }
            }
            Tag::BlockQuote(Some(kind)) => {
                self.close_text();
                self.text.push_str(name_of(*kind));
                self.text.push_str(": ");
            }
            Tag::Heading { .. } => self.text.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Table | TagEnd::Image => self.hidden -= 1,
            TagEnd::CodeBlock => self.close_code(),
            TagEnd::MetadataBlock(_) => {
                let matter = std::mem::take(&mut self.text);
                self.blocks.extend(title_of(&matter).map(|title| Block::Heading(1, title)));
            }
            TagEnd::Heading(level) => {
                let text = single_spaced(&std::mem::take(&mut self.text));
                self.blocks.push(Block::Heading(number(level), text));
            }
            TagEnd::Paragraph | TagEnd::Item => self.close_text(),
            TagEnd::List(_) => self.close_list(),
            _ => {}
        }
    }

    /// Code within a line; Sphinx marks in front what it is, such as a path through menus.
    fn push_code(&mut self, code: &str) {
        let Some((said, role)) = role_of(&self.text) else { return self.text.push_str(code) };
        let path = if role == "menuselection" { code.replace("-->", ">") } else { code.to_owned() };
        self.text.truncate(said);
        self.text.push_str(&path);
    }

    fn item(&mut self) -> Option<&mut Step> {
        self.lists.last_mut().and_then(|list| list.items.last_mut())
    }

    /// What was read goes to the item that is open, or stands for itself.
    fn close_text(&mut self) {
        let text = without_mark(&single_spaced(&std::mem::take(&mut self.text)));
        if text.is_empty() {
            return;
        }
        match self.item() {
            Some(item) if item.text.is_empty() => item.text = text,
            Some(item) => item.text = format!("{} {text}", item.text),
            None => self.blocks.push(Block::Text(text)),
        }
    }

    /// Code belongs to the item that is open, or stands for itself.
    fn close_code(&mut self) {
        if self.text.starts_with("!!! {") {
            return self.close_text();
        }
        let code = std::mem::take(&mut self.text);
        match self.item() {
            Some(item) => item.take_code(&code),
            None => self.blocks.push(Block::Code(one_line(&code))),
        }
    }

    fn close_list(&mut self) {
        let Some(list) = self.lists.pop() else { return };
        let is_deep = self.lists.len() >= DEEPEST;
        let texts = |items: Vec<Step>| items.into_iter().map(|item| item.text);
        match (self.item(), list.first) {
            (Some(item), Some(_)) if !is_deep => item.steps.extend(list.items),
            (Some(item), _) => item.choices.extend(texts(list.items)),
            (None, Some(first)) => self.blocks.push(Block::Steps(first, list.items)),
            (None, None) => self.blocks.push(Block::Choices(texts(list.items).collect())),
        }
    }
}

fn name_of(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}

/// `Note: …` of `!!! note …` (MkDocs) and of `:::note … :::` (Docusaurus).
fn without_mark(text: &str) -> String {
    let text = text.strip_suffix(":::").unwrap_or(text);
    let marked = ["!!! ", "??? ", ":::"].iter().find_map(|mark| text.strip_prefix(mark));
    let Some((kind, rest)) = marked.map(|rest| rest.trim_start().split_once(' ').unwrap_or((rest, ""))) else {
        return text.trim_end().to_owned();
    };
    let name = crate::english::capitalized(kind.trim_matches(|letter: char| !letter.is_alphanumeric()));
    if name.is_empty() { rest.trim().to_owned() } else { format!("{name}: {}", rest.trim()) }
}

/// Where `{guilabel}` or `:guilabel:` begins at the end of a text, and the word in it.
fn role_of(text: &str) -> Option<(usize, &str)> {
    let (open, inner) = match text.strip_suffix('}') {
        Some(inner) => ('{', inner),
        None => (':', text.strip_suffix(':')?),
    };
    let start = inner.rfind(open)?;
    let role = &inner[start + 1..];
    let is_word = role.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    (is_word && !role.is_empty()).then_some((start, role))
}

/// Tags of HTML are no text, a word in angle brackets is.
fn inline_html(html: &str) -> &str {
    const TAGS: &[&str] = &[
        "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "details", "dfn", "div", "em", "font", "i",
        "img", "ins", "kbd", "mark", "p", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "summary",
        "sup", "tt", "u", "var", "wbr",
    ];
    let bare = html.trim_start_matches(['<', '/']);
    let name = bare[..bare.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(bare.len())].to_lowercase();
    match name.as_str() {
        "br" => " ",
        "" => "",
        name if TAGS.contains(&name) => "",
        _ => html,
    }
}

/// The title of a page's front matter.
fn title_of(matter: &str) -> Option<String> {
    let line = matter.lines().find_map(|line| line.strip_prefix("title"))?;
    let title = line.trim_start().strip_prefix([':', '='])?.trim().trim_matches(['"', '\'']);
    (!title.is_empty()).then(|| title.to_owned())
}

fn number(level: HeadingLevel) -> usize {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// `bold` of `<!-- family: bold -->`.
fn family_of(html: &str) -> Option<&str> {
    Some(html.strip_prefix("<!--")?.strip_suffix("-->")?.trim().strip_prefix("family:")?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_nest_and_code_is_no_text() {
        let text = "# Title\n\nSome *text*\nhere.\n\n1. Open **File**.\n   - one\n   - two\n2. Do:\n\n   1. inner\n\n   ```\n   code\n   ```\n\n- bullet\n";
        let first = Step { text: "Open File.".into(), choices: vec!["one".into(), "two".into()], steps: Vec::new() };
        let second = Step { text: "Do:".into(), choices: Vec::new(), steps: vec![Step::of("inner")] };
        let expected = [
            Block::Heading(1, "Title".into()),
            Block::Text("Some text here.".into()),
            Block::Steps(1, vec![first, second]),
            Block::Choices(vec!["bullet".into()]),
        ];
        assert_eq!(blocks(text).unwrap(), expected);
    }

    #[test]
    fn marks_of_makers_become_words_and_code_answers_a_colon() {
        let text = "---\ntitle: \"Install a tool\"\n---\n\n## Steps {#steps}\n\n1. Open <kbd>Ctrl</kbd> of <name>.\n   > [!NOTE]\n   > Skip this.\n\
                    2. Run:\n\n   ```\n   cd x\n   make\n   ```\n\n:::tip\nSlow.\n:::\n\n3. Close.\n";
        let expected = [
            Block::Heading(1, "Install a tool".into()),
            Block::Heading(2, "Steps".into()),
            Block::Steps(1, vec![Step::of("Open Ctrl of <name>. Note: Skip this."), Step::of("Run: cd x; make")]),
            Block::Text("Tip: Slow.".into()),
            Block::Steps(3, vec![Step::of("Close.")]),
        ];
        assert_eq!(blocks(text).unwrap(), expected);
        let sphinx = "1. Choose {menuselection}`File --> Save`.\n2. [ ] Press :kbd:`Enter`[^1].\n\n   ```{warning}\n   Slow: wait.\n   ```\n\n[^1]: A key.\n";
        let steps = vec![Step::of("Choose File > Save."), Step::of("Press Enter. Warning: Slow: wait.")];
        assert_eq!(blocks(sphinx).unwrap()[0], Block::Steps(1, steps));
        assert_eq!(without_mark("!!! warning \"Mind\" the step"), "Warning: \"Mind\" the step");
    }

    #[test]
    fn marks_go_and_everything_else_stays() {
        for (text, said) in [
            ("Click the **File** tab.", "Click the File tab."),
            ("__Bold__, _leaning_ and `code`", "Bold, leaning and code"),
            ("Open [the page](https://x.y) now", "Open the page now"),
            ("Enter 5 * 3 * 2 in C:\\*.doc and C:\\_x", "Enter 5 * 3 * 2 in C:\\*.doc and C:\\_x"),
            ("Type <name> and snake_case_name", "Type <name> and snake_case_name"),
            ("# 1. not a list", "# 1. not a list"),
            ("*.docx or *.pdf", "*.docx or *.pdf"),
            ("`C:\\x` *one* line\n\n- and more", "C:\\x one line and more"),
        ] {
            assert_eq!(plain(text), said);
        }
    }

    #[test]
    fn towers_are_refused_with_their_line() {
        let fault = blocks(&format!("# A\n{}1. x", "> ".repeat(20_000))).unwrap_err();
        assert_eq!(fault.line, 2);
    }
}
