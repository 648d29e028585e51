//! Which tasks are held out of a training set: decided by the task's id alone, so that every stage and run agrees.

/// Whether the task belongs to the held-out `share` (0 to 1) of all tasks.
pub fn is_held_out(task_id: &str, share: f64) -> bool {
    let hash = lam_store::hash_bytes(task_id.as_bytes());
    let place = u32::from_str_radix(&hash[..8], 16).expect("a hash is hex");
    f64::from(place) < share * f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_the_share_is_held_out_and_a_larger_share_holds_out_the_same_and_more() {
        let ids: Vec<String> = (0..2000).map(|number| format!("task-{number}")).collect();
        let held_out = |share: f64| ids.iter().filter(|id| is_held_out(id, share)).collect::<Vec<_>>();
        assert!(held_out(0.0).is_empty());
        let tenth = held_out(0.1);
        assert!((150..250).contains(&tenth.len()), "{}", tenth.len());
        let fifth = held_out(0.2);
        assert!(tenth.iter().all(|id| fifth.contains(id)));
    }
}
