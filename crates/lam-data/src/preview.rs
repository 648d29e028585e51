//! An example as people see it, trained tokens coloured, and as Hugging Face's models take it.

use lam_prompt::{Renderer, Style, draw};
use lam_signal::printable;
use serde::Serialize;

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

/// What a model of Hugging Face's takes to give the same loss.
#[derive(Debug, Serialize)]
pub struct Inputs<'a> {
    /// The row that the example comes from.
    pub sample_id: &'a str,
    /// Prompt and answer. Shape: `[T]`
    pub input_ids: &'a [u32],
    /// The tokens that are learned, each at its own place; -100 where the loss does not count. Shape: `[T]`
    pub labels: Vec<i64>,
}

impl<'a> From<&'a Example> for Inputs<'a> {
    fn from(example: &'a Example) -> Self {
        let tokens = example.input_ids.iter().zip(&example.loss_mask);
        Self {
            sample_id: &example.sample_id,
            input_ids: &example.input_ids,
            labels: tokens.map(|(token, trained)| if *trained { i64::from(*token) } else { -100 }).collect(),
        }
    }
}
