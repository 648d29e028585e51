//! Columns of plain text, as wide as a terminal may be taken to be. Knows no figure.

/// Characters in a line at most.
pub const WIDTH: usize = 100;
/// Characters of what stands at the beginning of a line at most; what is longer has a line of its own.
const LONGEST_LABEL: usize = 40;
const GAP: &str = "  ";

/// Lines with a heading over them. `labels` columns stand first and to the left, the others to the right. Columns that have
/// no room beside the others follow below, with the labels once more.
pub fn grid(head: &[String], rows: &[Vec<String>], labels: usize) -> String {
    let width = |column: usize| {
        let cells = std::iter::once(&head[column]).chain(rows.iter().filter_map(|row| row.get(column)));
        cells.map(|cell| length(cell)).filter(|length| column >= labels || *length <= LONGEST_LABEL).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let label_width: usize = widths[..labels].iter().map(|width| width + GAP.len()).sum();
    let mut text = String::new();
    let mut next = labels;
    while next < head.len() {
        let first = next;
        let mut used = label_width + widths[first];
        next += 1;
        while next < head.len() && used + GAP.len() + widths[next] <= WIDTH {
            used += GAP.len() + widths[next];
            next += 1;
        }
        if first > labels {
            text.push('\n');
        }
        for row in std::iter::once(head).chain(rows.iter().map(Vec::as_slice)) {
            line(row, labels, first..next, &widths, &mut text);
        }
    }
    text
}

fn line(row: &[String], labels: usize, columns: std::ops::Range<usize>, widths: &[usize], text: &mut String) {
    let mut line = String::new();
    for (column, label) in row.iter().enumerate().take(labels) {
        if length(label) > widths[column] {
            line.push_str(label);
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(widths[..=column].iter().map(|width| width + GAP.len()).sum());
        } else {
            line.push_str(label);
            line.push_str(&" ".repeat(widths[column] - length(label)));
            line.push_str(GAP);
        }
    }
    for column in columns.clone() {
        let cell = row.get(column).map_or("", String::as_str);
        if column > columns.start {
            line.push_str(GAP);
        }
        line.push_str(&" ".repeat(widths[column].saturating_sub(length(cell))));
        line.push_str(cell);
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn length(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn labels_stand_to_the_left_and_figures_to_the_right() {
        let text = grid(&cells(&["model", "success", "n"]), &[cells(&["LAM1", "7.5 (1–9)", "20"])], 1);
        assert_eq!(text, "model    success   n\nLAM1   7.5 (1–9)  20\n");
    }

    #[test]
    fn what_has_no_room_follows_below_and_long_labels_have_their_line() {
        let (long, wide) = ("a model of a name that is longer than a label", "9".repeat(45));
        let rows = [cells(&["LAM1", &wide, &wide, "1"]), cells(&[long, "1", "2", "3"])];
        let text = grid(&cells(&["model", "a", "b", "c"]), &rows, 1);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches("LAM1").count(), 2);
        assert!(text.contains(&format!("\n{long}\n")), "{text}");
        assert!(text.ends_with(" 3\n") && text.contains("\n\nmodel"), "{text}");
    }
}
