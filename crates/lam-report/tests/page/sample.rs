//! Which trajectories a page holds, which it lists, and what leads to them.

use std::fs;

use lam_store::write_trajectories;
use lam_types::{Complete, Trajectory};
use serde_json::Value;

use crate::{build, episodes, fixture, fresh};

/// What the page's script is given.
fn data(page: &str) -> Value {
    let begin = page.find("id=\"trajectory-data\">").unwrap() + "id=\"trajectory-data\">".len();
    serde_json::from_str(&page[begin..begin + page[begin..].find("</script>").unwrap()]).unwrap()
}

fn rows(page: &str) -> Vec<Value> {
    data(page)["trajectories"].as_array().unwrap().clone()
}

#[test]
fn families_are_counted_by_model_and_lead_to_their_trajectories() {
    let root = fresh("families");
    fixture::write_run(&root, 42, 0.0);
    let (page, figures) = build(&root);
    assert_eq!(figures["families"]["format_text"]["LAM4"], serde_json::json!({"solved": 8, "tasks": 12}));
    assert_eq!(figures["families"]["format_text"]["base"]["solved"], 0);
    for words in [
        "<h2>Families</h2>",
        "data-show-model=\"LAM4\" data-show-family=\"format_text\"",
        "data-show-family=\"format_text\"",
        "data-filter=\"fault\"",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let heads = page.matches("<th scope=\"row\"><a class=\"show\" href=\"#trajectories\" data-show-model=").count();
    assert_eq!(heads, 5, "the models of the online table that have trajectories");
}

#[test]
fn families_are_counted_over_all_seeds() {
    let root = fresh("families-of-seeds");
    for seed in 1..=3 {
        fixture::write_run(&root.join(format!("seed-{seed}")), seed, 0.0);
    }
    let (page, figures) = build(&root);
    assert_eq!(figures["families"]["format_text"]["LAM4"], serde_json::json!({"solved": 24, "tasks": 36}));
    assert!(page.contains("Counted over all seeds"));
}

#[test]
fn rows_tell_by_what_they_are_filtered() {
    let root = fresh("filters");
    fixture::write_run(&root, 42, 0.0);
    let rows = rows(&build(&root).0);
    assert_eq!(rows.len(), 60);
    let failed = rows.iter().find(|row| row["outcome"] == "failure" && row["model"] == "LAM4").unwrap();
    assert_eq!((&failed["length"], &failed["fault"]), (&3.into(), &"3".into()));
    let fine = rows.iter().find(|row| row["outcome"] == "success").unwrap();
    assert_eq!(fine["fault"], "none");
    assert_eq!(fine["file"], "eval-online/trajectories.parquet");
}

#[test]
fn what_has_no_room_is_listed_with_the_file_that_has_it() {
    let root = fresh("room");
    fixture::write_run(&root, 42, 0.0);
    let long = |number: u64| -> Trajectory {
        let mut one = episodes::trajectory(number, "LAM4");
        one.task.family = format!("family-{}", number % 10);
        one.verdict.complete = if number.is_multiple_of(2) { Complete::Yes } else { Complete::No };
        for (index, step) in one.steps.iter_mut().enumerate() {
            step.state.observation.document = format!("{number} {index} ").repeat(12_000);
        }
        one
    };
    let episodes: Vec<Trajectory> = (0..80).map(long).collect();
    write_trajectories(&root.join("eval-online/trajectories.parquet"), &episodes).unwrap();
    let (page, _) = build(&root);
    assert!(page.len() < 10 << 20, "{} bytes", page.len());
    let rows = rows(&page);
    let with_steps = rows.iter().filter(|row| row["steps"].is_array()).count();
    assert_eq!(rows.len(), 80, "all are listed");
    assert!((20..80).contains(&with_steps), "{with_steps}");
    for family in 0..10 {
        let of = |outcome: &str| {
            let is_of = |row: &&Value| row["family"] == format!("family-{family}") && row["outcome"] == outcome;
            rows.iter().filter(is_of).any(|row| row["steps"].is_array())
        };
        assert!(of("success") || of("failure"), "some of each family have room: {family}");
    }
    assert!(page.contains("about 6 MiB of steps") && page.contains("more episodes of evaluations are listed"));
}

#[test]
fn what_no_evaluation_has_is_drawn_and_the_rest_is_mentioned() {
    let root = fresh("collected");
    fixture::write_run(&root, 42, 0.0);
    let collected: Vec<Trajectory> = (0..30).map(|number| episodes::trajectory(100 + number, "a teacher")).collect();
    write_trajectories(&root.join("expert/expert_success.parquet"), &collected).unwrap();
    let (page, _) = build(&root);
    let of_teacher = rows(&page).iter().filter(|row| row["model"] == "a teacher").count();
    assert_eq!(of_teacher, 8, "four successes and four failures");
    assert!(page.contains("22 others stand in the"), "the rest is named");
    fs::remove_file(root.join("expert/expert_success.parquet")).unwrap();
}
