//! An example as people see it: trained tokens coloured, the counts below.

use lam_prompt::{Renderer, Style, draw};
use lam_signal::printable;

use crate::Example;

/// Draws one example under its name.
pub fn preview(renderer: &Renderer, example: &Example, style: Style) -> String {
    let pieces = renderer.preview(&example.input_ids, &example.loss_mask);
    let drawn = draw(&pieces, style);
    match style {
        Style::Html => format!("<h3>{}</h3>\n{drawn}", example.sample_id.replace('&', "&amp;").replace('<', "&lt;")),
        Style::Ansi | Style::Plain => format!("{}\n{drawn}", printable(&example.sample_id)),
    }
}
