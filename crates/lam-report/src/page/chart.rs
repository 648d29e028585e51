//! Line charts as SVG: axes with round numbers, a legend, a faint raw line under a smoothed one. Knows no metric.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::format;

/// One line of a chart.
pub struct Line<'a> {
    /// Its name in the legend.
    pub name: &'a str,
    /// Points (x, y) in order of x.
    pub points: &'a [(f64, f64)],
}

/// Size of the drawing, and the plot's distance from its edges: left, right, top, bottom.
const SIZE: (f64, f64) = (380.0, 210.0);
const MARGIN: (f64, f64, f64, f64) = (46.0, 10.0, 10.0, 34.0);
/// Points a line is reduced to, and from which number on a smoothed line is drawn as well.
const MOST_POINTS: usize = 240;
const SMOOTH_FROM: usize = 30;

/// The plot's scales.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
}

/// A chart of these lines over steps; nothing when no line has a finite point.
pub fn chart(title: &str, x_name: &str, lines: &[Line<'_>]) -> Markup {
    let lines: Vec<(&str, Vec<(f64, f64)>)> =
        lines.iter().map(|line| (line.name, reduce(line.points))).filter(|(_, points)| !points.is_empty()).collect();
    let Some(frame) = Frame::around(lines.iter().flat_map(|(_, points)| points)) else { return html! {} };
    html! {
        figure.chart {
            figcaption {
                strong { (title) }
                @if lines.len() > 1 {
                    span.legend { @for (index, (name, _)) in lines.iter().enumerate() {
                        i class={ "swatch s" (index + 1) } {} (name) " "
                    } }
                }
            }
            svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-label=(describe(title, &lines)) {
                (axes(&frame, x_name))
                @for (index, (_, points)) in lines.iter().enumerate() { (line(&frame, index + 1, points)) }
            }
        }
    }
}

impl Frame {
    fn around<'a>(points: impl Iterator<Item = &'a (f64, f64)>) -> Option<Self> {
        let mut frame: Option<Self> = None;
        for &(x, y) in points {
            let grown = frame.get_or_insert(Self { x: (x, x), y: (y, y) });
            grown.x = (grown.x.0.min(x), grown.x.1.max(x));
            grown.y = (grown.y.0.min(y), grown.y.1.max(y));
        }
        let mut frame = frame?;
        if frame.y.0 > 0.0 && frame.y.0 < frame.y.1 * 0.6 {
            frame.y.0 = 0.0;
        }
        let pad = if frame.y.1 > frame.y.0 { (frame.y.1 - frame.y.0) * 0.04 } else { frame.y.1.abs().max(1.0) * 0.1 };
        frame.y = (if frame.y.0 == 0.0 { 0.0 } else { frame.y.0 - pad }, frame.y.1 + pad);
        if frame.x.0 == frame.x.1 {
            frame.x = (frame.x.0 - 0.5, frame.x.1 + 0.5);
        }
        Some(frame)
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (left, right, top, bottom) = MARGIN;
        let across = (x - self.x.0) / (self.x.1 - self.x.0);
        let up = (y - self.y.0) / (self.y.1 - self.y.0);
        (left + across * (SIZE.0 - left - right), SIZE.1 - bottom - up * (SIZE.1 - top - bottom))
    }
}

fn axes(frame: &Frame, x_name: &str) -> Markup {
    let (left, right, _, bottom) = MARGIN;
    let floor = SIZE.1 - bottom;
    html! {
        @for tick in ticks(frame.y, 4) {
            @let y = frame.place((frame.x.0, tick)).1;
            line.grid x1=(left) x2=(SIZE.0 - right) y1=(px(y)) y2=(px(y)) {}
            text.tick x=(left - 6.0) y=(px(y + 3.5)) text-anchor="end" { (format::tick(tick)) }
        }
        @for tick in ticks(frame.x, 5) {
            @let x = frame.place((tick, frame.y.0)).0;
            line.tickmark x1=(px(x)) x2=(px(x)) y1=(floor) y2=(floor + 4.0) {}
            text.tick x=(px(x)) y=(floor + 15.0) text-anchor="middle" { (format::tick(tick)) }
        }
        line.axis x1=(left) x2=(SIZE.0 - right) y1=(floor) y2=(floor) {}
        text.axis-name x=((left + SIZE.0 - right) / 2.0) y=(SIZE.1 - 4.0) text-anchor="middle" { (x_name) }
    }
}

fn line(frame: &Frame, index: usize, points: &[(f64, f64)]) -> Markup {
    let smooth = points.len() >= SMOOTH_FROM;
    let last = points.last().map(|point| frame.place(*point));
    html! {
        path class={ "line s" (index) @if smooth { " raw" } } d=(path(frame, points)) {}
        @if smooth { path class={ "line s" (index) } d=(path(frame, &smoothed(points))) {} }
        @if points.len() < 12 {
            @for point in points { @let (x, y) = frame.place(*point); circle class={ "point s" (index) } cx=(px(x)) cy=(px(y)) r="2.5" {} }
        } @else if let (Some((x, y)), false) = (last, smooth) { circle class={ "point s" (index) } cx=(px(x)) cy=(px(y)) r="2.5" {} }
    }
}

fn path(frame: &Frame, points: &[(f64, f64)]) -> String {
    let mut d = String::new();
    for (index, point) in points.iter().enumerate() {
        let (x, y) = frame.place(*point);
        let letter = if index == 0 { 'M' } else { 'L' };
        write!(d, "{letter}{x:.1} {y:.1}").expect("writing to a string cannot fail");
    }
    d
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// Finite points only, averaged in buckets of equal length, or nearly.
fn reduce(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> = points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let buckets = finite.len().min(MOST_POINTS);
    let mean = |number: usize| {
        let bucket = &finite[number * finite.len() / buckets..(number + 1) * finite.len() / buckets];
        let count = bucket.len() as f64;
        (bucket.iter().map(|p| p.0).sum::<f64>() / count, bucket.iter().map(|p| p.1).sum::<f64>() / count)
    };
    (0..buckets).map(mean).collect()
}

/// Moving average over a tenth of the line, centred as far as there are points on both sides: narrower at the
/// beginning, where a line falls, and over the points before it at the end, where a single one would stick out.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let reach = (points.len() / 20).max(1);
    let mean = |index: usize| {
        let before = reach.min(index);
        let near = &points[index - before..=(index + before).min(points.len() - 1)];
        near.iter().map(|point| point.1).sum::<f64>() / near.len() as f64
    };
    (0..points.len()).map(|index| (points[index].0, mean(index))).collect()
}

/// Round numbers inside a range, about `count` of them.
fn ticks((low, high): (f64, f64), count: usize) -> Vec<f64> {
    let rough = (high - low) / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough).unwrap_or(power * 10.0);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|index| index as f64 * step).map(|tick| (tick / power * 1e6).round() / 1e6 * power).collect()
}

fn describe(title: &str, lines: &[(&str, Vec<(f64, f64)>)]) -> String {
    let ends = lines.iter().filter_map(|(name, points)| {
        let (first, last) = (points.first()?, points.last()?);
        Some(format!(
            "{name} from {} to {} between {} and {}",
            format::number(first.1),
            format::number(last.1),
            format::number(first.0),
            format::number(last.0)
        ))
    });
    format!("{title}: {}", ends.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks((0.0, 100.0), 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks((0.13, 0.42), 4), [0.2, 0.3, 0.4]);
    }

    #[test]
    fn long_lines_are_reduced_and_holes_left_out() {
        let points: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), if i == 3 { f64::NAN } else { 1.0 })).collect();
        let reduced = reduce(&points);
        assert!(reduced.len() <= MOST_POINTS && reduced.iter().all(|p| p.1 == 1.0));
    }

    #[test]
    fn no_bucket_is_a_rest_and_no_line_ends_in_its_last_point_alone() {
        let points: Vec<(f64, f64)> = (0..481).map(|i| (f64::from(i), if i == 480 { 9.0 } else { 1.0 })).collect();
        let reduced = reduce(&points);
        assert_eq!((reduced.len(), reduced[239].1), (240, (1.0 + 1.0 + 9.0) / 3.0));
        let smooth = smoothed(&points[381..]);
        assert_eq!(smooth.len(), 100);
        assert!((smooth[99].1 - (5.0 + 9.0) / 6.0).abs() < 1e-9, "{:?}", smooth[99]);
        let falling: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), 100.0 - f64::from(i))).collect();
        assert_eq!(smoothed(&falling)[..3], falling[..3], "the beginning stays");
    }

    #[test]
    fn a_flat_or_single_point_line_still_has_a_frame() {
        let text = chart("loss", "step", &[Line { name: "loss", points: &[(1.0, 0.0)] }]).into_string();
        assert!(text.contains("<svg") && !text.contains("NaN") && !text.contains("inf"));
        assert!(chart("loss", "step", &[]).into_string().is_empty());
    }
}
