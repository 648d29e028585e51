//! Some rows of many, drawn so that they are no easier than all of them. Knows of a row which group it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use lam_env::random::stream;
use lam_types::Phrasing;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The group that a row belongs to.
pub(super) struct Kind {
    /// Its family; `None` for a row made of others of several families.
    pub family: Option<String>,
    /// How it is worded.
    pub phrasing: Phrasing,
}

/// At most so many of some rows, 0 for all, in the order in which they stand. Which ones is drawn, wherever they stand:
/// rows of several families keep their share; of the others every family has one, if there is room, and its share of
/// what is left. In a family each wording has its share.
pub(super) fn at_most<T>(rows: Vec<T>, most: usize, seed: u64, kind: impl Fn(&T) -> Kind) -> Vec<T> {
    if most == 0 || most >= rows.len() {
        return rows;
    }
    let mut random = stream(&["rows"], seed);
    let (mut mixed, mut families) = (Vec::new(), BTreeMap::<String, BTreeMap<Phrasing, Vec<usize>>>::new());
    for (index, row) in rows.iter().enumerate() {
        let Kind { family, phrasing } = kind(row);
        match family {
            None => mixed.push(index),
            Some(family) => families.entry(family).or_default().entry(phrasing).or_default().push(index),
        }
    }
    let has_room = !mixed.is_empty() && most > families.len();
    let share = (most * mixed.len() + rows.len() / 2) / rows.len();
    mixed.shuffle(&mut random);
    mixed.truncate(share.max(usize::from(has_room)));
    let families: Vec<Vec<usize>> =
        families.into_values().map(|wordings| deal(shuffled(wordings, &mut random), &mut random)).collect();
    let firsts: BTreeSet<usize> = families.iter().map(|family| family[0]).collect();
    let (first, others): (Vec<usize>, Vec<usize>) =
        deal(families, &mut random).into_iter().partition(|row| firsts.contains(row));
    let others = first.into_iter().chain(others).take(most - mixed.len());
    let chosen: BTreeSet<usize> = others.chain(mixed.iter().copied()).collect();
    rows.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, row)| row).collect()
}

fn shuffled(wordings: BTreeMap<Phrasing, Vec<usize>>, random: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut wordings: Vec<Vec<usize>> = wordings.into_values().collect();
    wordings.iter_mut().for_each(|rows| rows.shuffle(random));
    wordings
}

/// The rows of all groups in an order of which every beginning holds of each group its share, within one row: those of
/// a group lie evenly between 0 and 1, from a drawn place on.
fn deal(groups: Vec<Vec<usize>>, random: &mut ChaCha8Rng) -> Vec<usize> {
    let mut places = Vec::new();
    for group in groups {
        let (size, start) = (group.len() as f64, random.random::<f64>());
        places.extend(group.into_iter().enumerate().map(|(turn, row)| ((turn as f64 + start) / size, row)));
    }
    places.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    places.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row: its number, its family ("" for several), whether it is in a wording that no phase trained on.
    type Row = (usize, String, bool);

    fn taken(rows: &[Row], most: usize, seed: u64) -> Vec<Row> {
        let kind = |(_, family, unseen): &Row| Kind {
            family: (!family.is_empty()).then(|| family.clone()),
            phrasing: if *unseen { Phrasing::Unseen } else { Phrasing::Seen },
        };
        at_most(rows.to_vec(), most, seed, kind)
    }

    fn families(rows: &[Row]) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        rows.iter().for_each(|(_, family, _)| *counts.entry(&**family).or_default() += 1);
        counts
    }

    /// 2,400 rows as `plans` leaves them: 70 families, ten of them ten times as large as the others, and behind them 600
    /// rows of several.
    fn many() -> Vec<Row> {
        let family = |row: usize| match row {
            0..680 => format!("small {}", row % 60),
            680..1800 => format!("large {}", row % 10),
            _ => String::new(),
        };
        (0..2400).map(|row| (row, family(row), row % 3 == 0)).collect()
    }

    #[test]
    fn rows_of_several_families_keep_their_share_wherever_they_stand() {
        let rows = many();
        let back: Vec<Row> = rows.iter().rev().cloned().collect();
        for (most, mixed) in [(1, 0), (2, 1), (10, 3), (71, 18), (100, 25), (300, 75), (2399, 600)] {
            for rows in [&rows, &back] {
                let few = taken(rows, most, 7);
                assert_eq!((few.len(), families(&few).get("").copied().unwrap_or(0)), (most, mixed), "{most} rows");
                let place = |row: &Row| rows.iter().position(|other| other == row);
                assert!(few.is_sorted_by_key(place), "they stand as they stood");
            }
        }
        assert_eq!(taken(&rows, 0, 7), rows);
        assert_eq!(taken(&rows, 2400, 7), rows);
        assert_eq!(taken(&rows, 300, 7), taken(&rows, 300, 7));
        assert_ne!(taken(&rows, 300, 7), taken(&rows, 300, 8));
    }

    #[test]
    fn a_single_row_of_several_families_stands_for_them_where_every_family_has_one() {
        let mut rows: Vec<Row> = (0..200).map(|row| (row, format!("family {}", row % 20), false)).collect();
        rows.extend([(200, String::new(), false), (201, String::new(), false)]);
        assert_eq!(families(&taken(&rows, 21, 1)).len(), 21);
        assert!(!families(&taken(&rows, 20, 1)).contains_key(""));
    }

    #[test]
    fn every_family_has_a_row_and_large_ones_have_more() {
        let few = taken(&many(), 300, 7);
        let counts = families(&few);
        let (small, large): (Vec<_>, Vec<_>) =
            counts.iter().filter(|(family, _)| !family.is_empty()).partition(|(family, _)| family.starts_with("small"));
        let sum = |part: &[(&&str, &usize)]| part.iter().map(|(_, count)| **count).sum::<usize>();
        assert_eq!((small.len(), large.len()), (60, 10));
        // Of 225 rows 85 and 140 would be their shares.
        assert!(sum(&small).abs_diff(85) <= 20 && sum(&small) + sum(&large) == 225, "{counts:?}");
    }

    #[test]
    fn few_rows_are_of_as_many_families_and_each_wording_has_its_share() {
        let rows: Vec<Row> = (0..420).map(|row| (row, format!("family {}", row % 70), row % 140 < 70)).collect();
        let few = taken(&rows, 10, 1);
        assert_eq!(families(&few).len(), 10);
        assert_ne!(families(&few), families(&taken(&rows, 10, 2)), "other families by another seed");
        let half = taken(&rows, 280, 1);
        assert_eq!(families(&half).len(), 70);
        let unseen = half.iter().filter(|(_, _, unseen)| *unseen).count();
        assert!(unseen.abs_diff(140) <= 10, "{unseen} of 280");
        assert!(half.iter().filter(|(row, ..)| *row < 210).count().abs_diff(140) <= 30, "no part of the file is first");
    }
}
