//! Finds the word that was probably meant.

/// Gives the candidate at most two slips away from what was typed, the nearest first.
pub fn nearest<'c>(typed: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let typed = typed.to_ascii_uppercase();
    // Two slips in a three-letter word make any word of any other.
    let slips_max = match typed.chars().count() {
        0..=2 => return None,
        3..=4 => 1,
        5..=20 => 2,
        _ => return None,
    };
    let scored = candidates.map(|candidate| (slips(&typed, candidate), candidate));
    scored.filter(|(slips, _)| (1..=slips_max).contains(slips)).min_by_key(|(slips, _)| *slips).map(|(_, found)| found)
}

/// Counts letters added, lost, changed, and neighbours swapped.
fn slips(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(typed: &str, expected: Option<&str>) {
        assert_eq!(nearest(typed, ["MATCH", "MERGE", "RETURN", "SET"].into_iter()), expected, "{typed}");
    }

    #[test]
    fn finds_slips_of_the_finger() {
        check("MACTH", Some("MATCH"));
        check("retrun", Some("RETURN"));
        check("MERG", Some("MERGE"));
        check("ST", None);
        check("elephant", None);
    }
}
