//! Tokens drawn for people: which are trained, which are only read.

use lam_signal::printable;

/// One token as people see it, or several that make one character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its text.
    pub text: String,
    /// How many tokens it is.
    pub tokens: usize,
    /// Whether the loss counts it.
    pub trained: bool,
    /// Whether it is a special token.
    pub special: bool,
}

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Terminal colours: trained tokens green, special tokens dim.
    Ansi,
    /// Text without colours: trained runs stand in ⟦ ⟧.
    Plain,
    /// HTML: trained runs in `<mark>`.
    Html,
}

/// Draws tokens, with the counts at the end.
pub fn draw(pieces: &[Piece], style: Style) -> String {
    let trained: usize = pieces.iter().filter(|piece| piece.trained).map(|piece| piece.tokens).sum();
    let total: usize = pieces.iter().map(|piece| piece.tokens).sum();
    let runs = pieces.chunk_by(|left, right| left.trained == right.trained && left.special == right.special);
    let text: String = runs.map(|run| draw_run(run, style)).collect();
    let count = format!("{trained} of {total} tokens are trained");
    match style {
        Style::Html => format!("<pre>{text}</pre>\n<p>{count}</p>\n"),
        _ => format!("{text}\n{count}\n"),
    }
}

/// A run of tokens that look the same.
fn draw_run(run: &[Piece], style: Style) -> String {
    let text: String = run.iter().map(|piece| piece.text.as_str()).collect();
    let first = &run[0];
    match (style, first.trained) {
        (Style::Ansi, true) => format!("\x1b[{}32m{}\x1b[0m", if first.special { "2;" } else { "" }, printable(&text)),
        (Style::Ansi, false) if first.special => format!("\x1b[2m{}\x1b[0m", printable(&text)),
        (Style::Ansi, false) => printable(&text).into_owned(),
        (Style::Plain, true) => format!("⟦{}⟧", printable(&text)),
        (Style::Plain, false) => printable(&text).into_owned(),
        (Style::Html, true) => format!("<mark>{}</mark>", escape(&text)),
        (Style::Html, false) => escape(&text),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
