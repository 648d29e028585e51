//! What a run shows.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lam_pipeline::{JsonView, LineView, View, run, status};
use serde_json::Value;

use crate::fakes::{Fuse, Place, chain};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn show(place: &Place, view: &dyn View) {
    let _ = run(&place.load(&[]).unwrap(), &place.registry(), &place.options(), view);
}

/// The lines with every duration as `…`.
fn without_times(text: &str) -> String {
    let timed = |word: &str| word.chars().all(|c| c.is_ascii_digit() || c == '.') && word.contains('.');
    let mut lines = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').map(|word| if timed(word.trim_start_matches('(')) { "…" } else { word });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

#[test]
fn plain_lines() {
    let place = chain();
    place.light(Some((1, Fuse::Fail)));
    let paper = Paper::default();
    show(&place, &LineView::new(paper.clone(), Duration::from_secs(60)));
    place.light(None);
    show(&place, &LineView::new(paper.clone(), Duration::from_secs(60)));
    assert_eq!(
        without_times(&paper.text()),
        "[1/3] a (write): new\n\
         [1/3] a: done in … s\n\
         [2/3] b (write): new\n\
         [2/3] b: done in … s\n\
         [3/3] c (count): new\n\
         [3/3] c: stopped\n\
         [1/3] a: cached, nothing changed (took … s)\n\
         [2/3] b: cached, nothing changed (took … s)\n\
         [3/3] c (count): new; goes on where it stopped\n\
         [3/3] c: done in … s"
    );
}

#[test]
fn progress_in_lines_and_json() {
    let place = chain();
    let (lines, json) = (Paper::default(), Paper::default());
    show(&place, &LineView::new(lines.clone(), Duration::ZERO));
    assert!(lines.text().contains("[3/3] c: counting 4/4  loss 0.5\n"), "{}", lines.text());
    let other = chain();
    show(&other, &JsonView::new(json.clone(), Duration::ZERO));
    let events: Vec<Value> = json.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = events.iter().rfind(|event| event["event"] == "progress").unwrap();
    assert_eq!((last["stage"].as_str(), last["done"].as_u64(), last["of"].as_u64()), (Some("c"), Some(4), Some(4)));
    assert_eq!(events.last().unwrap()["event"], "finished");
}

#[test]
fn status_lines() {
    let place = chain();
    place.light(Some((1, Fuse::Fail)));
    place.run(&[]).unwrap_err();
    let text = status(&place.load(&[]).unwrap(), &place.path("runs")).unwrap().to_text();
    assert_eq!(
        text,
        "a  done               0.0 s  bytes 8\n\
         b  done               0.0 s  bytes 19\n\
         c  failed             0.0 s  the data are bad\n"
    );
}
