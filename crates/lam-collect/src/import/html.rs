//! HTML: headings, paragraphs and ordered lists, whatever they are wrapped in. Parsed as browsers parse.

use ego_tree::NodeRef;
use scraper::{ElementRef, Html, Node, Selector};

use super::block::{Block, Step, tidy};

/// Elements deeper than this are not looked into.
const DEEPEST: usize = 200;

/// Elements whose text does not belong to the page.
const HIDDEN: &[&str] = &[
    "script", "style", "noscript", "template", "head", "nav", "header", "footer", "aside", "form", "button", "svg",
    "pre", "table", "figure", "iframe", "select", "textarea",
];

/// What differs from one maker of pages to another.
#[derive(Default)]
pub(crate) struct Rules {
    /// The element that holds the page's text; the whole page where there is none.
    pub(crate) root: &'static str,
    /// Classes of elements that are left out, such as notes.
    pub(crate) left_out: &'static [&'static str],
    /// Classes of elements of which one child is shown, and the class of the child that is wanted.
    pub(crate) switches: &'static [&'static str],
    /// Classes that a switch's child may be shown for, best first; a child without any class comes last.
    pub(crate) shown: Vec<&'static str>,
    /// Classes of inline elements that spell paths through menus with hyphens.
    pub(crate) paths: &'static [&'static str],
}

/// The blocks of a page.
pub(crate) fn blocks(text: &str, rules: &Rules) -> Vec<Block> {
    let page = Html::parse_document(text);
    let root = Selector::parse(rules.root).ok().and_then(|selector| page.select(&selector).next());
    let mut blocks = Vec::new();
    walk(*root.unwrap_or_else(|| page.root_element()), rules, DEEPEST, &mut blocks);
    blocks
}

fn walk(node: NodeRef<'_, Node>, rules: &Rules, depth: usize, blocks: &mut Vec<Block>) {
    let mut loose = String::new();
    for child in children(node, rules) {
        match element(child) {
            _ if depth == 0 => {}
            None => push_text(child, &mut loose),
            Some(element) => match element.value().name() {
                name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                    close(&mut loose, blocks);
                    let level = name[1..].parse().unwrap_or(6);
                    blocks.push(Block::Heading(level, inline(child, rules, depth)));
                }
                "ol" => {
                    close(&mut loose, blocks);
                    blocks.push(Block::Steps(items(child, rules, depth - 1)));
                }
                "p" | "dt" | "dd" | "li" | "blockquote" if !has_list(element) => {
                    close(&mut loose, blocks);
                    let text = inline(child, rules, depth);
                    if !text.is_empty() {
                        blocks.push(Block::Text(text));
                    }
                }
                name if is_inline(name) && !has_list(element) => loose += &format!(" {}", inline(child, rules, depth)),
                _ => {
                    close(&mut loose, blocks);
                    walk(child, rules, depth - 1, blocks);
                }
            },
        }
    }
    close(&mut loose, blocks);
}

/// Ends a run of text that no paragraph holds.
fn close(loose: &mut String, blocks: &mut Vec<Block>) {
    let text = tidy(&std::mem::take(loose));
    if !text.is_empty() {
        blocks.push(Block::Text(text));
    }
}

fn items(list: NodeRef<'_, Node>, rules: &Rules, depth: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for child in children(list, rules) {
        match element(child).map(|element| element.value().name()) {
            _ if depth == 0 => {}
            Some("li") => steps.push(item(child, rules, depth)),
            // Written without an item around it, by mistake.
            Some("ol") => steps.extend(items(child, rules, depth - 1)),
            _ => {}
        }
    }
    steps.retain(|step| *step != Step::default());
    steps
}

fn item(node: NodeRef<'_, Node>, rules: &Rules, depth: usize) -> Step {
    let mut step = Step::default();
    let mut parts = String::new();
    gather(node, rules, depth, &mut step, &mut parts);
    step.text = tidy(&parts);
    step
}

/// An item's own text, and the lists below it, through whatever they are wrapped in.
fn gather(node: NodeRef<'_, Node>, rules: &Rules, depth: usize, step: &mut Step, parts: &mut String) {
    for child in children(node, rules) {
        match element(child) {
            _ if depth == 0 => {}
            None => push_text(child, parts),
            Some(element) => match element.value().name() {
                "ol" => step.steps.extend(items(child, rules, depth - 1)),
                "ul" => step.choices.extend(items(child, rules, depth - 1).into_iter().map(|item| item.text)),
                name if is_inline(name) => *parts += &spelled(child, element, rules, depth),
                _ => {
                    parts.push(' ');
                    gather(child, rules, depth - 1, step, parts);
                }
            },
        }
    }
}

/// The text of an element, in one line.
fn inline(node: NodeRef<'_, Node>, rules: &Rules, depth: usize) -> String {
    let mut text = String::new();
    inline_into(node, rules, depth, &mut text);
    tidy(&text)
}

fn inline_into(node: NodeRef<'_, Node>, rules: &Rules, depth: usize, text: &mut String) {
    for child in children(node, rules) {
        match element(child) {
            _ if depth == 0 => {}
            None => push_text(child, text),
            Some(element) if is_inline(element.value().name()) => *text += &spelled(child, element, rules, depth),
            Some(_) => {
                text.push(' ');
                inline_into(child, rules, depth - 1, text);
            }
        }
    }
}

/// An inline element's text; paths through menus with `>` between their parts.
fn spelled(node: NodeRef<'_, Node>, element: ElementRef<'_>, rules: &Rules, depth: usize) -> String {
    let mut text = String::new();
    inline_into(node, rules, depth.saturating_sub(1), &mut text);
    if has_class(element, rules.paths) { text.replace(" - ", " > ").replace(" – ", " > ") } else { text }
}

/// The children that are shown.
fn children<'a>(node: NodeRef<'a, Node>, rules: &Rules) -> Vec<NodeRef<'a, Node>> {
    let is_shown = |child: &NodeRef<'a, Node>| match element(*child) {
        None => true,
        Some(element) => !HIDDEN.contains(&element.value().name()) && !has_class(element, rules.left_out),
    };
    let shown = node.children().filter(is_shown);
    if !element(node).is_some_and(|element| has_class(element, rules.switches)) {
        return shown.collect();
    }
    let branches: Vec<_> = shown.filter(|child| element(*child).is_some()).collect();
    let of =
        |class: &&str| branches.iter().find(|child| element(**child).is_some_and(|child| has_class(child, &[*class])));
    let wanted = rules.shown.iter().find_map(of);
    let plain =
        || branches.iter().find(|child| element(**child).is_some_and(|child| child.value().classes().next().is_none()));
    wanted.or_else(plain).or(branches.first()).copied().into_iter().collect()
}

fn element(node: NodeRef<'_, Node>) -> Option<ElementRef<'_>> {
    ElementRef::wrap(node)
}

fn has_class(element: ElementRef<'_>, classes: &[&str]) -> bool {
    element.value().classes().any(|class| classes.contains(&class))
}

fn has_list(element: ElementRef<'_>) -> bool {
    element.descendants().skip(1).filter_map(ElementRef::wrap).any(|below| ["ol", "ul"].contains(&below.value().name()))
}

fn push_text(node: NodeRef<'_, Node>, text: &mut String) {
    if let Node::Text(piece) = node.value() {
        text.push_str(piece);
    }
}

fn is_inline(name: &str) -> bool {
    const INLINE: &[&str] = &[
        "a", "abbr", "b", "bdi", "cite", "code", "data", "dfn", "em", "i", "kbd", "label", "mark", "q", "s", "samp",
        "small", "span", "strong", "sub", "sup", "time", "tt", "u", "var", "font",
    ];
    INLINE.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lists_open_tags_and_scripts_are_seen_through() {
        let page = "<title>x</title><nav><ol><li>menu</ol></nav><div><h1>Print  <em>a page</em></h1><p>Some text\
                    <div><ol><li><p>Open <b>File</b> .<ul><li>one<li>two</ul><li>Do this:<ol><li>inner</ol></ol></div>\
                    <script>alert('1. no')</script><ul><li>bullet</ul>loose <i>text</i></div>";
        let first = Step { text: "Open File.".into(), choices: vec!["one".into(), "two".into()], steps: Vec::new() };
        let second = Step { text: "Do this:".into(), choices: Vec::new(), steps: vec![Step::of("inner")] };
        let expected = [
            Block::Heading(1, "Print a page".into()),
            Block::Text("Some text".into()),
            Block::Steps(vec![first, second]),
            Block::Text("bullet".into()),
            Block::Text("loose text".into()),
        ];
        assert_eq!(blocks(page, &Rules::default()), expected);
    }

    #[test]
    fn a_tower_of_elements_is_no_danger() {
        let page = format!("<h1>Open a door</h1>{}<ol><li>x</ol>", "<div>".repeat(20_000));
        assert_eq!(blocks(&page, &Rules::default()).len(), 1);
    }
}
