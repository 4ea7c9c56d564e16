//! How often words stand in their order, in one field of one entity.
//! Start reading at [`frequency`].

/// Counts a phrase: each list holds the places of one word, less the word's own place in the phrase.
///
/// Without `slop` all must be at one place; with it a match whose words lie `d` apart counts `1 / (1 + d)`.
pub(super) fn frequency(lists: &[Vec<i64>], slop: u32) -> f32 {
    if lists.iter().any(Vec::is_empty) {
        return 0.0;
    }
    if slop == 0 { exact(lists) } else { sloppy(lists, slop.into()) }
}

fn exact(lists: &[Vec<i64>]) -> f32 {
    let Some((first, others)) = lists.split_first() else { return 0.0 };
    let is_there = |place: &&i64| others.iter().all(|list| list.binary_search(place).is_ok());
    first.iter().filter(is_there).count() as f32
}

fn sloppy(lists: &[Vec<i64>], slop: i64) -> f32 {
    let mut at = vec![0; lists.len()];
    let place = |list: usize, at: usize| lists[list].get(at).copied();
    let mut end = lists.iter().map(|list| list[0]).max().unwrap_or_default();
    let mut frequency = 0.0;
    loop {
        let now = |list: usize| lists[list][at[list]];
        let Some(least) = (0..lists.len()).min_by_key(|list| now(*list)) else { return 0.0 };
        let next = (0..lists.len()).filter(|list| *list != least).map(now).min().unwrap_or(i64::MAX);
        let mut width = end - now(least);
        loop {
            at[least] += 1;
            match place(least, at[least]) {
                Some(place) if place <= next => width = width.min(end - place),
                moved => {
                    if width <= slop {
                        frequency += 1.0 / (1.0 + width as f32);
                    }
                    let Some(place) = moved else { return frequency };
                    end = end.max(place);
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lists: &[&[i64]], slop: u32, expected: f32) {
        let lists: Vec<Vec<i64>> = lists.iter().map(|list| list.to_vec()).collect();
        assert_eq!(frequency(&lists, slop), expected, "{lists:?}");
    }

    #[test]
    fn phrases_are_counted() {
        check(&[&[1, 7, 9], &[1, 9]], 0, 2.0);
        check(&[&[1], &[2]], 0, 0.0);
        check(&[&[1], &[]], 3, 0.0);
        check(&[&[1], &[2]], 1, 0.5);
        check(&[&[1, 5], &[1, 7]], 2, 1.0 + 1.0 / 3.0);
        check(&[&[1], &[9]], 3, 0.0);
    }
}
