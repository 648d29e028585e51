//! Markdown: headings, paragraphs and ordered lists, as CommonMark reads them.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::block::{Block, Step, single_spaced};

/// Lists deeper than this stay text.
const DEEPEST: usize = 16;

/// The blocks of a text.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        reader.take(event);
    }
    reader.blocks
}

#[derive(Default)]
struct Reader {
    blocks: Vec<Block>,
    /// The text of the block that is being read.
    text: String,
    /// Open lists, outermost first.
    lists: Vec<List>,
    /// How many code blocks, tables and images are open around this place; their text is left out.
    hidden: usize,
}

struct List {
    ordered: bool,
    items: Vec<Step>,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) if self.hidden == 0 => self.text.push_str(&text),
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
            Tag::CodeBlock(_) | Tag::Table(_) | Tag::Image { .. } => self.hidden += 1,
            Tag::List(first) => {
                self.close_text();
                self.lists.push(List { ordered: first.is_some(), items: Vec::new() });
            }
            Tag::Item => {
                if let Some(list) = self.lists.last_mut() {
                    list.items.push(Step::default());
                }
            }
            Tag::Heading { .. } => self.text.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::CodeBlock | TagEnd::Table | TagEnd::Image => self.hidden -= 1,
            TagEnd::Heading(level) => {
                let text = single_spaced(&std::mem::take(&mut self.text));
                self.blocks.push(Block::Heading(number(level), text));
            }
            TagEnd::Paragraph | TagEnd::Item => self.close_text(),
            TagEnd::List(_) => self.close_list(),
            _ => {}
        }
    }

    /// What was read goes to the item that is open, or stands for itself.
    fn close_text(&mut self) {
        let text = single_spaced(&std::mem::take(&mut self.text));
        if text.is_empty() {
            return;
        }
        match self.lists.last_mut().and_then(|list| list.items.last_mut()) {
            Some(item) if item.text.is_empty() => item.text = text,
            Some(item) => item.text = format!("{} {text}", item.text),
            None => self.blocks.push(Block::Text(text)),
        }
    }

    fn close_list(&mut self) {
        let Some(list) = self.lists.pop() else { return };
        let is_deep = self.lists.len() >= DEEPEST;
        match self.lists.last_mut().and_then(|outer| outer.items.last_mut()) {
            Some(item) if list.ordered && !is_deep => item.steps.extend(list.items),
            Some(item) => item.choices.extend(list.items.into_iter().map(|item| item.text)),
            None if list.ordered => self.blocks.push(Block::Steps(list.items)),
            None => self.blocks.extend(list.items.into_iter().map(|item| Block::Text(item.text))),
        }
    }
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
            Block::Steps(vec![first, second]),
            Block::Text("bullet".into()),
        ];
        assert_eq!(blocks(text), expected);
    }
}
