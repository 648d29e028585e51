//! GNOME's help pages: Mallard, an XML of topics with titles, sections and steps.

use roxmltree::{Document, Node, ParsingOptions};

use super::block::{Block, Step, tidy};
use super::content::Content;
use super::procedure::procedures;

/// Elements deeper than this are not looked into.
const DEEPEST: usize = 100;
/// Most nodes of a page.
const MOST_NODES: u32 = 200_000;

/// The procedures of a page.
pub(super) fn read(text: &str) -> Content {
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let page = match Document::parse_with_options(text, options) {
        Ok(page) => page,
        Err(error) => return Content::fault(error.pos().row as usize, "", error.to_string()),
    };
    let root = page.root_element();
    if root.tag_name().name() != "page" {
        return Content::fault(1, root.tag_name().name(), "the root element of a Mallard page is `page`");
    }
    let mut blocks = Vec::new();
    walk(root, 1, &mut blocks);
    Content::of(procedures(&blocks))
}

fn walk(node: Node<'_, '_>, level: usize, blocks: &mut Vec<Block>) {
    for child in shown(node) {
        match child.tag_name().name() {
            _ if level > DEEPEST => {}
            "title" => blocks.push(Block::Heading(level, inline(child))),
            "p" => blocks.push(Block::Text(inline(child))),
            "section" => walk(child, level + 1, blocks),
            "steps" => {
                let title = shown(child).find(|below| below.tag_name().name() == "title");
                blocks.extend(title.map(|title| Block::Text(colon(inline(title)))));
                blocks.push(Block::Steps(items(child, level)));
            }
            "info" | "note" | "comment" | "media" | "figure" | "table" | "code" | "screen" | "links" | "listing" => {}
            _ => walk(child, level + 1, blocks),
        }
    }
}

/// The title of a list asks, whether it ends so or not.
fn colon(title: String) -> String {
    if title.ends_with(':') { title } else { format!("{title}:") }
}

fn items(list: Node<'_, '_>, level: usize) -> Vec<Step> {
    let items = shown(list).filter(|node| node.tag_name().name() == "item" && level <= DEEPEST);
    items.map(|item| step(item, level + 1)).filter(|step| *step != Step::default()).collect()
}

fn step(item: Node<'_, '_>, level: usize) -> Step {
    let mut step = Step::default();
    let mut text = Vec::new();
    for child in shown(item) {
        match child.tag_name().name() {
            "p" | "title" => text.push(inline(child)),
            "steps" => step.steps.extend(items(child, level)),
            "list" | "terms" => step.choices.extend(items(child, level).into_iter().map(|item| item.text)),
            _ => {}
        }
    }
    step.text = text.join(" ").trim().to_owned();
    step
}

/// Child elements, without those for other platforms.
fn shown<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    let is_conditional = |node: &Node<'_, '_>| {
        let test = node.attributes().find(|attribute| attribute.name() == "test");
        test.is_some_and(|test| test.value().contains("platform:") || test.value().contains("action:"))
    };
    node.children().filter(move |child| child.is_element() && !is_conditional(child))
}

/// The text of an element in one line: keys of a combination with `+`, a path through menus with `>`.
fn inline(node: Node<'_, '_>) -> String {
    let mut text = String::new();
    inline_into(node, DEEPEST, &mut text);
    tidy(&text)
}

fn inline_into(node: Node<'_, '_>, depth: usize, text: &mut String) {
    let between = match node.tag_name().name() {
        "keyseq" => "+",
        "guiseq" => " > ",
        _ => "",
    };
    let mut is_first = true;
    for child in node.children().filter(|_| depth > 0) {
        if child.is_element() {
            if ["comment", "media"].contains(&child.tag_name().name()) {
                continue;
            }
            if !is_first {
                text.push_str(between);
            }
            is_first = false;
            inline_into(child, depth - 1, text);
        } else if between.is_empty() {
            text.push_str(child.text().filter(|_| child.is_text()).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_ask_steps_answer_and_notes_are_left_out() {
        let page = r#"<page xmlns="http://projectmallard.org/1.0/" xmlns:if="http://projectmallard.org/if/1.0/" id="x">
            <info><desc>About.</desc></info><title>Keep a window on top</title><p>Windows hide windows.</p>
            <section><title>By mouse</title><steps><title>To raise it again</title>
            <item><p>Open <guiseq><gui>View</gui><gui>Windows</gui></guiseq> or press <keyseq><key>Ctrl</key> <key>W</key></keyseq>.</p>
            <note><p>A hint.</p></note><media type="image"><p>picture</p></media></item>
            <item if:test="platform:other"><p>Not here.</p></item>
            <item><p>Choose one:</p><list><item><p>Left</p></item><item><p>Right</p></item></list></item></steps></section></page>"#;
        let content = read(page);
        assert_eq!(content.procedures.len(), 1, "{content:?}");
        assert_eq!(content.procedures[0].plan, ["Open View > Windows or press Ctrl+W.", "Choose one: Left; Right"]);
        assert_eq!(content.procedures[0].task.as_deref(), Some("Keep a window on top: by mouse"));
    }

    #[test]
    fn a_page_that_is_none_is_kept_aside_with_its_line() {
        let content = read("<page>\n<title>x</page>");
        assert_eq!((content.faults.len(), content.faults[0].line), (1, 2), "{content:?}");
        assert!(read("<html/>").faults[0].reason.contains("`page`"));
    }
}
