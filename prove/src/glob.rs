//! Path patterns of load balancers: `*` is any run of characters, `?` any one of them.
//! A request's path is a pattern, too, where the gateway fills in a part.

/// Whether some path matches both.
pub(crate) fn meet(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // reach[j]: the pattern so far and the first j characters of `b` have a path in common.
    let star = |p: &[char], at: usize| p.get(at) == Some(&'*');
    let mut reach: Vec<bool> = (0..=b.len()).map(|j| (0..j).all(|k| star(&b, k))).collect();
    for i in 0..a.len() {
        let mut next = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            let above = reach.get(j).copied().unwrap_or(false);
            let left = j > 0 && next.get(j - 1).copied().unwrap_or(false);
            let before = j > 0 && reach.get(j - 1).copied().unwrap_or(false);
            let (x, y) = (a.get(i), j.checked_sub(1).and_then(|k| b.get(k)));
            let alike = y.is_some() && (x == y || x == Some(&'?') || y == Some(&'?'));
            let found = match x == Some(&'*') || y == Some(&'*') {
                // A star takes nothing, or one more character of the other.
                true => above || left,
                false => before && alike,
            };
            if let Some(slot) = next.get_mut(j) {
                *slot = found;
            }
        }
        reach = next;
    }
    reach.last().copied().unwrap_or(false)
}

/// Whether every path of `request` surely matches `pattern`: an equal text, or a beginning followed by a star.
pub(crate) fn covers(pattern: &str, request: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, "")) if !start.contains('?') => {
            let fixed = request.split(['*', '?']).next().unwrap_or_default();
            fixed.starts_with(start)
        }
        None => !request.contains(['*', '?']) && !pattern.contains('?') && pattern == request,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_a_path_matches_both() {
        for (a, b, expected) in [
            ("/orders", "/orders*", true),
            ("/orders/*", "/orders*", true),
            ("/catalogue", "/orders*", false),
            ("*", "/orders", true),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("/*x", "/y*", true),
            ("/*x", "/y", false),
            ("/a*", "/b*", false),
            ("", "*", true),
            ("", "", true),
            ("", "?", false),
            ("*/a", "b", false),
            ("ab*", "*ba", true),
        ] {
            assert_eq!(meet(a, b), expected, "{a} {b}");
            assert_eq!(meet(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_rule_covers_only_what_surely_matches() {
        for (pattern, request, expected) in [
            ("/orders*", "/orders/*", true),
            ("/orders*", "/orders", true),
            ("/orders/*", "/orders*", false),
            ("/orders", "/orders", true),
            ("/*/x", "/a/x", false),
            ("*", "*", true),
        ] {
            assert_eq!(covers(pattern, request), expected, "{pattern} {request}");
        }
    }
}
