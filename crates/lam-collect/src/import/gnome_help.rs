//! GNOME's help pages: Mallard, an XML of topics with titles, sections and steps.

use roxmltree::{Document, Node, ParsingOptions};

use super::block::{Block, Step, one_line, tidy};
use super::content::{Content, Fault};
use super::limits::check_xml;
use super::procedure::procedures;

/// Most nodes of a page.
const MOST_NODES: u32 = 200_000;

/// The procedures of a page.
pub(super) fn read(text: &str) -> Content {
    if let Err(fault) = check_xml(text) {
        return fault.into();
    }
    let options = ParsingOptions { allow_dtd: true, nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let page = match Document::parse_with_options(text, options) {
        Ok(page) => page,
        Err(error) => return Fault::at(error.pos().row as usize, error.to_string()).into(),
    };
    let root = page.root_element();
    if root.tag_name().name() != "page" {
        let reason = format!("the root element of a Mallard page is `page`, not `{}`", root.tag_name().name());
        return Fault::at(1, reason).into();
    }
    let mut blocks = Vec::new();
    walk(root, 1, &mut blocks);
    Content::of(procedures(&blocks))
}

fn walk(node: Node<'_, '_>, level: usize, blocks: &mut Vec<Block>) {
    for child in shown(node) {
        match child.tag_name().name() {
            "title" => blocks.push(Block::Heading(level, inline(child))),
            "p" => blocks.push(Block::Text(inline(child))),
            "section" => walk(child, level + 1, blocks),
            "steps" => {
                let title = shown(child).find(|below| below.tag_name().name() == "title");
                blocks.extend(title.map(|title| Block::Text(colon(inline(title)))));
                blocks.push(Block::Steps(1, items(child)));
            }
            "code" | "screen" | "listing" => blocks.push(Block::Code(code(child))),
            "info" | "note" | "comment" | "media" | "figure" | "table" | "links" => {}
            _ => walk(child, level + 1, blocks),
        }
    }
}

/// The title of a list asks, whether it ends so or not.
fn colon(title: String) -> String {
    if title.ends_with(':') { title } else { format!("{title}:") }
}

fn items(list: Node<'_, '_>) -> Vec<Step> {
    let items = shown(list).filter(|node| node.tag_name().name() == "item");
    items.map(step).filter(|step| *step != Step::default()).collect()
}

fn step(item: Node<'_, '_>) -> Step {
    let mut step = Step::default();
    for child in shown(item) {
        match child.tag_name().name() {
            "p" | "title" => step.text = format!("{} {}", step.text, inline(child)).trim().to_owned(),
            "steps" => step.steps.extend(items(child)),
            "list" | "terms" => step.choices.extend(items(child).into_iter().map(|item| item.text)),
            "code" | "screen" | "listing" => step.take_code(&code(child)),
            _ => {}
        }
    }
    step
}

/// Code in one line, without the title of its listing.
fn code(node: Node<'_, '_>) -> String {
    if node.tag_name().name() == "listing" {
        let parts = shown(node).filter(|child| ["code", "screen"].contains(&child.tag_name().name()));
        return parts.map(code).collect::<Vec<_>>().join("; ");
    }
    one_line(&node.descendants().filter_map(|below| below.text().filter(|_| below.is_text())).collect::<String>())
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
    inline_into(node, &mut text);
    tidy(&text)
}

fn inline_into(node: Node<'_, '_>, text: &mut String) {
    let between = match node.tag_name().name() {
        "keyseq" => "+",
        "guiseq" => " > ",
        _ => "",
    };
    let mut is_first = true;
    for child in node.children() {
        if child.is_element() {
            if ["comment", "media"].contains(&child.tag_name().name()) {
                continue;
            }
            if !is_first {
                text.push_str(between);
            }
            is_first = false;
            inline_into(child, text);
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
        assert!(read("<html/>").faults[0].reason.contains("`page`, not `html`"));
    }

    #[test]
    fn towers_attributes_and_entities_are_refused_before_they_cost_time() {
        let page = "<page xmlns=\"http://projectmallard.org/1.0/\"><section>";
        let attributes = (0..200_000).map(|number| format!("a{number}=\"1\" ")).collect::<String>();
        let mut bomb = "<!DOCTYPE page [<!ENTITY a0 \"xxxxxxxxxx\">".to_owned();
        for number in 1..12 {
            bomb += &format!("<!ENTITY a{number} \"{}\">", format!("&a{};", number - 1).repeat(20));
        }
        for (text, words) in [
            (format!("{page}{}", "<list>".repeat(40_000)), "deeper than 512"),
            (format!("{page}{0}{1}</section></page>", "<p>".repeat(40_000), "</p>".repeat(40_000)), "deeper than 512"),
            (format!("{page}<p {attributes}/></section></page>"), "200000 attributes"),
            (format!("{bomb}]><page><p>&a11;</p></page>"), "entity reference"),
        ] {
            let content = read(&text);
            assert!(content.faults.len() == 1 && content.faults[0].reason.contains(words), "{content:?}");
        }
    }

    #[test]
    fn what_a_step_asks_to_enter_is_part_of_it() {
        let page = "<page><title>Install a tool</title><steps><item><p>Enter this command:</p><screen><cmd>get\n  tool</cmd></screen></item>\
                    <item><p>Wait.</p><code>no</code></item><item><p>Write this:</p><listing><title>a</title><code>b</code></listing></item></steps></page>";
        let plan = ["Enter this command: get; tool", "Wait.", "Write this: b"];
        assert_eq!(read(page).procedures[0].plan, plan);
    }
}
