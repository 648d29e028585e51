//! HTML: headings, paragraphs and ordered lists, whatever they are wrapped in. Parsed as browsers parse.

use std::collections::HashSet;

use ego_tree::{NodeId, NodeRef};
use html5ever::tendril::TendrilSink;
use scraper::{ElementRef, Html, HtmlTreeSink, Node, Selector};

use super::block::{Block, Step, one_line, tidy};
use super::content::Fault;
use super::limits::{DEEPEST, check_html, too_deep};

/// Bytes that are parsed before depth and size are looked at: elements may be so much deeper than the limit.
const PIECE: usize = 1024;

/// Elements whose text does not belong to the page.
const HIDDEN: &[&str] = &[
    "script", "style", "noscript", "template", "head", "nav", "header", "footer", "aside", "form", "button", "svg",
    "table", "figure", "iframe", "select", "textarea",
];

/// Classes of the links beside a heading that lead to itself (Sphinx, MkDocs, Docusaurus).
const PERMALINKS: &[&str] = &["headerlink", "header-anchor", "hash-link", "anchor-link"];

/// Classes of a note's title (Sphinx, GitHub).
const ADMONITION_TITLES: &[&str] = &["admonition-title", "markdown-alert-title"];

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
///
/// # Errors
/// Elements that are nested too deeply or have too many attributes, with their line.
pub(crate) fn blocks(text: &str, rules: &Rules) -> Result<Vec<Block>, Fault> {
    check_html(text)?;
    let page = parsed(text)?;
    let root = Selector::parse(rules.root).ok().and_then(|selector| page.select(&selector).next());
    let reader = Reader { rules, around_lists: around_lists(&page) };
    let mut blocks = Vec::new();
    reader.walk(*root.unwrap_or_else(|| page.root_element()), &mut blocks);
    Ok(blocks)
}

/// The page, parsed piece by piece so that one that grows without measure is noticed on the way.
pub(super) fn parsed(text: &str) -> Result<Html, Fault> {
    let mut parser =
        html5ever::parse_document(HtmlTreeSink::new(Html::new_document()), html5ever::ParseOpts::default());
    let mut done = 0;
    while done < text.len() {
        let end = (done + PIECE..text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
        parser.process(text[done..end].into());
        let page = parser.tokenizer.sink.sink.0.borrow();
        let depth = page.tree.nodes().next_back().map_or(0, |node| node.ancestors().count());
        // Every node comes from a byte at least, but for those that the parser repeats on and on.
        if depth > DEEPEST || page.tree.values().len() > end + PIECE {
            return Err(too_deep(text, done));
        }
        done = end;
    }
    Ok(parser.finish())
}

/// Every node that has a list somewhere below it.
fn around_lists(page: &Html) -> HashSet<NodeId> {
    let mut around = HashSet::new();
    let is_list = |node: &NodeRef<'_, Node>| is_element(*node, &["ol", "ul"]);
    for list in page.tree.nodes().filter(is_list) {
        list.ancestors().take_while(|node| around.insert(node.id())).for_each(drop);
    }
    around
}

struct Reader<'r> {
    rules: &'r Rules,
    around_lists: HashSet<NodeId>,
}

impl Reader<'_> {
    fn walk(&self, node: NodeRef<'_, Node>, blocks: &mut Vec<Block>) {
        let mut loose = String::new();
        for child in children(node, self.rules) {
            let Some(element) = element(child) else {
                push_text(child, &mut loose);
                continue;
            };
            let name = element.value().name();
            if is_inline(name) && !self.has_list(child) {
                loose += &format!(" {}", inline(child, self.rules));
                continue;
            }
            close(&mut loose, blocks);
            match name {
                "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                    let level = name[1..].parse().unwrap_or(6);
                    blocks.push(Block::Heading(level, inline(child, self.rules)));
                }
                "pre" => blocks.push(Block::Code(one_line(&element.text().collect::<String>()))),
                "ol" => blocks.push(Block::Steps(first_of(element), items(child, self.rules))),
                "ul" if !child.descendants().any(|below| is_element(below, &["ol"])) => {
                    blocks.push(Block::Choices(items(child, self.rules).into_iter().map(|item| item.text).collect()));
                }
                "p" | "dt" | "dd" | "li" | "blockquote" if !self.has_list(child) => {
                    let text = inline(child, self.rules);
                    if !text.is_empty() {
                        blocks.push(Block::Text(text));
                    }
                }
                _ => self.walk(child, blocks),
            }
        }
        close(&mut loose, blocks);
    }

    fn has_list(&self, node: NodeRef<'_, Node>) -> bool {
        self.around_lists.contains(&node.id())
    }
}

/// The number of a list's first item.
fn first_of(list: ElementRef<'_>) -> u64 {
    let item = list.child_elements().find(|child| child.value().name() == "li");
    let said = item.and_then(|item| item.value().attr("value")).or_else(|| list.value().attr("start"));
    said.and_then(|number| number.trim().parse().ok()).unwrap_or(1)
}

/// Ends a run of text that no paragraph holds.
fn close(loose: &mut String, blocks: &mut Vec<Block>) {
    let text = tidy(&std::mem::take(loose));
    if !text.is_empty() {
        blocks.push(Block::Text(text));
    }
}

fn items(list: NodeRef<'_, Node>, rules: &Rules) -> Vec<Step> {
    let mut steps = Vec::new();
    for child in children(list, rules) {
        match element(child).map(|element| element.value().name()) {
            Some("li") => steps.push(item(child, rules)),
            // Written without an item around it, by mistake.
            Some("ol") => steps.extend(items(child, rules)),
            _ => {}
        }
    }
    steps.retain(|step| *step != Step::default());
    steps
}

fn item(node: NodeRef<'_, Node>, rules: &Rules) -> Step {
    let mut step = Step::default();
    let mut parts = String::new();
    gather(node, rules, &mut step, &mut parts);
    step.text = tidy(&parts);
    step
}

/// An item's own text, and the lists below it, through whatever they are wrapped in.
fn gather(node: NodeRef<'_, Node>, rules: &Rules, step: &mut Step, parts: &mut String) {
    for child in children(node, rules) {
        let Some(element) = element(child) else {
            push_text(child, parts);
            continue;
        };
        match element.value().name() {
            "ol" => step.steps.extend(items(child, rules)),
            "ul" => step.choices.extend(items(child, rules).into_iter().map(|item| item.text)),
            "pre" => {
                step.text = tidy(parts);
                step.take_code(&element.text().collect::<String>());
                parts.clone_from(&step.text);
            }
            name if is_inline(name) => *parts += &spelled(child, element, rules),
            _ => {
                parts.push(' ');
                gather(child, rules, step, parts);
                if has_class(element, ADMONITION_TITLES) {
                    parts.push(':');
                }
            }
        }
    }
}

/// The text of an element, in one line.
fn inline(node: NodeRef<'_, Node>, rules: &Rules) -> String {
    let mut text = String::new();
    inline_into(node, rules, &mut text);
    tidy(&text)
}

fn inline_into(node: NodeRef<'_, Node>, rules: &Rules, text: &mut String) {
    for child in children(node, rules) {
        match element(child) {
            None => push_text(child, text),
            Some(element) if is_inline(element.value().name()) => *text += &spelled(child, element, rules),
            Some(element) if element.value().name() == "pre" => {}
            Some(_) => {
                text.push(' ');
                inline_into(child, rules, text);
            }
        }
    }
}

/// An inline element's text; paths through menus with `>` between their parts.
fn spelled(node: NodeRef<'_, Node>, element: ElementRef<'_>, rules: &Rules) -> String {
    let mut text = String::new();
    inline_into(node, rules, &mut text);
    let text = text.replace('‣', ">");
    if has_class(element, rules.paths) { text.replace(" - ", " > ").replace(" – ", " > ") } else { text }
}

/// The children that are shown.
fn children<'a>(node: NodeRef<'a, Node>, rules: &Rules) -> Vec<NodeRef<'a, Node>> {
    let is_shown = |child: &NodeRef<'a, Node>| match element(*child) {
        None => true,
        Some(element) => {
            let is_hidden = HIDDEN.contains(&element.value().name()) || has_class(element, PERMALINKS);
            !is_hidden && !has_class(element, rules.left_out)
        }
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

fn is_element(node: NodeRef<'_, Node>, names: &[&str]) -> bool {
    element(node).is_some_and(|element| names.contains(&element.value().name()))
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
            Block::Steps(1, vec![first, second]),
            Block::Choices(vec!["bullet".into()]),
            Block::Text("loose text".into()),
        ];
        assert_eq!(blocks(page, &Rules::default()).unwrap(), expected);
    }

    #[test]
    fn lists_have_their_first_number_and_code_and_marks_have_their_places() {
        let page = "<h2>Installing<a class=\"headerlink\">¶</a></h2><ol start=3><li>Run:<div class=\"highlight\"><pre>cd x\n\
                    make</pre></div></li><li>Close.<div class=\"admonition note\"><p class=\"admonition-title\">Note</p><p>Slow.</p></div>\
                    </ol><pre>code</pre><ol><li value=5>Go.</ol>";
        let expected = [
            Block::Heading(2, "Installing".into()),
            Block::Steps(3, vec![Step::of("Run: cd x; make"), Step::of("Close. Note: Slow.")]),
            Block::Code("code".into()),
            Block::Steps(5, vec![Step::of("Go.")]),
        ];
        assert_eq!(blocks(page, &Rules::default()).unwrap(), expected);
    }

    #[test]
    fn towers_of_elements_are_refused_with_their_line_before_they_cost_time() {
        for tower in ["<div>", "<ol><li>", "<table><tr><td>", "<span>", "<b>", "<blockquote>", "<ul>", "<x-y>"] {
            let fault =
                blocks(&format!("<h1>Open a door</h1>\n{}", tower.repeat(100_000)), &Rules::default()).unwrap_err();
            assert_eq!((fault.line, fault.reason.as_str()), (2, "elements are nested deeper than 512"), "{tower}");
        }
        let formats: String = (0..300).map(|number| format!("<font color={number}>")).collect();
        let fault = blocks(&format!("<p>{formats}{}", "<p>x".repeat(100_000)), &Rules::default());
        assert!(fault.is_err(), "each paragraph opens all formats again");
        let fine = format!("<h1>Open a door</h1>{}<ol><li>x</ol>{}", "<div>".repeat(300), "<p>y".repeat(50_000));
        assert_eq!(blocks(&fine, &Rules::default()).unwrap().len(), 50_002);
    }
}
