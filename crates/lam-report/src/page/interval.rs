//! Values with their intervals on a common scale, as dots and whiskers made of plain boxes: they fit any width.

use lam_types::Estimate;
use maud::{Markup, html};

use crate::format;

/// One mark on a track.
pub struct Mark<'a> {
    /// Class that gives the colour and form: `one`, `two`, `reference`.
    pub class: &'a str,
    /// What it is, for readers of the text.
    pub name: &'a str,
    /// The figure, in percent.
    pub figure: Estimate,
}

/// Dots with whiskers between 0 and 100 %.
pub fn track(marks: &[Mark<'_>]) -> Markup {
    html! {
        div.track aria-hidden="true" {
            @for mark in marks {
                @if let Some([low, high]) = mark.figure.ci95 {
                    i class={ "whisker " (mark.class) } style=(span(low, high)) {}
                }
                i class={ "dot " (mark.class) } style={ "left:" (place(mark.figure.value)) "%" } title={ (mark.name) ": " (format::percent(mark.figure.value)) " %" } {}
            }
        }
    }
}

/// The scale under a column of tracks.
pub fn scale() -> Markup {
    html! {
        div.scale aria-hidden="true" {
            @for tick in [0, 25, 50, 75, 100] { span style={ "left:" (tick) "%" } { (tick) } }
        }
    }
}

fn place(value: f64) -> String {
    format!("{:.2}", value.clamp(0.0, 100.0))
}

fn span(low: f64, high: f64) -> String {
    let (low, high) = (low.clamp(0.0, 100.0), high.clamp(0.0, 100.0));
    format!("left:{low:.2}%;width:{:.2}%", (high - low).max(0.2))
}
