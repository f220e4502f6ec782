//! Finds a shortest text that is in some languages and not in others, or says there is none.
//!
//! Walks the product of the globs' automata breadth first, and only over characters that make
//! a difference: those that some glob waits for, and one of each kind that none waits for.

use std::collections::BTreeMap;

use super::budget::{Budget, KEPT, Stop};
use super::language::{Class, Glob, Language, Unit, same};

/// A language that a text must be in, or must not be in.
pub(crate) type Demand<'a> = (&'a Language, bool);

pub(crate) fn find(demands: &[Demand<'_>], budget: &mut Budget) -> Result<Option<String>, Stop> {
    // Where case counts nowhere, any spelling is as good as the one written.
    let folded = demands.iter().all(|(l, _)| l.fold);
    let listed = demands.iter().filter(|(l, inside)| *inside && (folded || !l.fold));
    let shortest = listed.filter_map(|(l, _)| l.texts()).min_by_key(Vec::len);
    if let Some(texts) = shortest {
        for text in texts {
            budget.spend(demands.iter().map(|(l, _)| 1 + l.globs.len()).sum())?;
            if fits(&text, demands) {
                return Ok(Some(text));
            }
        }
        return Ok(None);
    }
    if demands.iter().any(|(l, inside)| !inside && l.is_all()) {
        return Ok(None);
    }
    budget.spend(demands.iter().map(|(l, _)| 1 + l.globs.len()).sum())?;
    match relevant(demands) {
        Some(parts) => Net::of(&parts).walk(budget),
        None => Ok(None),
    }
}

/// A demand, without the globs that cannot matter.
struct Part<'a> {
    globs: Vec<&'a Glob>,
    inside: bool,
    fold: bool,
}

/// Drops what no text can match that begins as demanded. `None`: nothing is left of a demand.
fn relevant<'a>(demands: &[Demand<'a>]) -> Option<Vec<Part<'a>>> {
    let mut parts: Vec<Part<'a>> = Vec::with_capacity(demands.len());
    let (wanted, unwanted): (Vec<Demand<'a>>, Vec<Demand<'a>>) =
        demands.iter().partition(|(_, inside)| *inside);
    for (at, (language, inside)) in wanted.iter().chain(&unwanted).enumerate() {
        let others = wanted.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, (l, _))| l);
        let meets = |glob: &&Glob| {
            others.clone().all(|other| {
                // Long lists are compared in the walk.
                other.globs.len() > 64
                    || other.globs.iter().any(|g| begin_alike(glob, g, language.fold || other.fold))
            })
        };
        let globs: Vec<&Glob> = language.globs.iter().filter(meets).collect();
        match (globs.is_empty(), inside) {
            (true, true) => return None,
            (true, false) => {}
            (false, _) => parts.push(Part { globs, inside: *inside, fold: language.fold }),
        }
    }
    Some(parts)
}

fn begin_alike(a: &[Unit], b: &[Unit], fold: bool) -> bool {
    for (a, b) in a.iter().zip(b) {
        match (a, b) {
            (Unit::Char(a), Unit::Char(b)) if same(*a, *b, fold) => {}
            (Unit::Char(_), Unit::Char(_)) => return false,
            (Unit::Star(_), _) | (_, Unit::Star(_)) => return true,
            (Unit::One(_), _) | (_, Unit::One(_)) => {}
        }
    }
    true
}

pub(crate) fn fits(text: &str, demands: &[Demand<'_>]) -> bool {
    demands.iter().all(|(language, inside)| language.matches(text) == *inside)
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Unit(Unit),
    End,
}

/// Positions that are active, ascending.
type State = Vec<u32>;

struct Net {
    places: Vec<Place>,
    /// The demand that each place belongs to.
    owner: Vec<usize>,
    /// Inside, and whether case is ignored.
    demands: Vec<(bool, bool)>,
    start: State,
    /// Case counts in some demands only.
    mixed: bool,
    kinds: Vec<(Class, &'static str)>,
}

/// For each kind of characters, those that may stand for the rest of them.
const KINDS: [(Class, &str); 5] = [
    (Class::Any, "xyzabcdefghijklmnopqrstuvw"),
    (Class::NoColon, ":"),
    (Class::Name, "/"),
    (Class::Digit, "1234567890"),
    (Class::Id, "XYZABCDEFGHIJKLMNOPQRSTUVW"),
];

impl Net {
    fn of(parts: &[Part<'_>]) -> Net {
        let mut net = Net {
            places: Vec::new(),
            owner: Vec::new(),
            demands: Vec::new(),
            start: Vec::new(),
            mixed: parts.iter().any(|part| !part.fold),
            kinds: Vec::new(),
        };
        let mut starts = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            net.demands.push((part.inside, part.fold));
            for glob in &part.globs {
                starts.push(net.places.len());
                net.add(glob, at);
            }
        }
        let mut classes = vec![Class::Any];
        for place in &net.places {
            match place {
                Place::Unit(Unit::Star(c) | Unit::One(c)) if !classes.contains(c) => classes.push(*c),
                Place::Unit(_) | Place::End => {}
            }
        }
        // What tells a class from the others also tells the classes within it.
        let tells = |kind: Class| match kind {
            Class::NoColon => classes.contains(&Class::NoColon) || classes.contains(&Class::Name),
            Class::Digit => classes.contains(&Class::Digit) || classes.contains(&Class::Id),
            other => classes.contains(&other),
        };
        net.kinds = KINDS.into_iter().filter(|(kind, _)| tells(*kind)).collect();
        let mut start = Vec::new();
        starts.into_iter().for_each(|place| net.enter(place, &mut start));
        start.sort_unstable();
        start.dedup();
        net.start = start;
        net
    }

    fn add(&mut self, glob: &Glob, owner: usize) {
        self.places.extend(glob.iter().map(|unit| Place::Unit(*unit)));
        self.places.push(Place::End);
        self.owner.resize(self.places.len(), owner);
    }

    fn place(&self, at: u32) -> Option<(Place, usize)> {
        let at = usize::try_from(at).ok()?;
        Some((*self.places.get(at)?, *self.owner.get(at)?))
    }

    /// A star may be left at once.
    fn enter(&self, mut place: usize, state: &mut State) {
        loop {
            state.extend(u32::try_from(place));
            match self.places.get(place) {
                Some(Place::Unit(Unit::Star(_))) => place += 1,
                _ => return,
            }
        }
    }

    fn step(&self, state: &State, c: char) -> State {
        let mut next = Vec::new();
        for at in state {
            let Some((Place::Unit(unit), owner)) = self.place(*at) else { continue };
            let fold = self.demands.get(owner).is_some_and(|(_, fold)| *fold);
            let Ok(at) = usize::try_from(*at) else { continue };
            match unit {
                Unit::Char(u) if same(u, c, fold) => self.enter(at + 1, &mut next),
                Unit::One(class) if class.has(c) => self.enter(at + 1, &mut next),
                Unit::Star(class) if class.has(c) => self.enter(at, &mut next),
                Unit::Char(_) | Unit::One(_) | Unit::Star(_) => {}
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Whether every demanded language still has a place, and no forbidden one is sure to match.
    fn lives(&self, state: &State) -> bool {
        let mut alive = vec![false; self.demands.len()];
        for at in state {
            let Some((place, owner)) = self.place(*at) else { continue };
            if let Some(slot) = alive.get_mut(owner) {
                *slot = true;
            }
            let last = matches!(self.place(at + 1), Some((Place::End, _)));
            let everything = matches!(place, Place::Unit(Unit::Star(Class::Any))) && last;
            if everything && self.demands.get(owner).is_some_and(|(inside, _)| !inside) {
                return false;
            }
        }
        self.demands.iter().zip(alive).all(|((inside, _), alive)| !inside || alive)
    }

    fn accepts(&self, state: &State) -> bool {
        let mut ended = vec![false; self.demands.len()];
        for at in state {
            if let Some((Place::End, owner)) = self.place(*at)
                && let Some(slot) = ended.get_mut(owner)
            {
                *slot = true;
            }
        }
        self.demands.iter().zip(ended).all(|((inside, _), ended)| *inside == ended)
    }

    /// The characters that make a difference in a state.
    fn choices(&self, state: &State) -> Vec<char> {
        let mut waited: Vec<Vec<char>> = vec![Vec::new(); self.demands.len()];
        let mut open = vec![false; self.demands.len()];
        for at in state {
            let Some((place, owner)) = self.place(*at) else { continue };
            let fold = self.demands.get(owner).is_some_and(|(_, fold)| *fold);
            match place {
                Place::Unit(Unit::Char(c)) => {
                    let Some(list) = waited.get_mut(owner) else { continue };
                    list.push(c);
                    if fold && self.mixed && c.is_ascii_alphabetic() {
                        let lower = c.is_ascii_lowercase();
                        list.push(if lower { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
                    }
                }
                Place::Unit(Unit::One(_) | Unit::Star(_)) => {
                    if let Some(slot) = open.get_mut(owner) {
                        *slot = true;
                    }
                }
                Place::End => {}
            }
        }
        // A demanded language that waits for characters alone leaves no other choice.
        let forced = self.demands.iter().zip(&waited).zip(&open);
        let forced = forced.filter(|(((inside, _), _), open)| *inside && !**open);
        if let Some(((_, chars), _)) = forced.min_by_key(|((_, chars), _)| chars.len()) {
            let mut chars = chars.clone();
            dedup(&mut chars);
            return chars;
        }
        let mut live: Vec<char> = waited.into_iter().flatten().collect();
        dedup(&mut live);
        let rest = |(_, pool): &(Class, &str)| pool.chars().find(|c| !live.contains(c));
        let mut choices: Vec<char> = self.kinds.iter().filter_map(rest).collect();
        choices.extend(live);
        choices
    }

    fn walk(&self, budget: &mut Budget) -> Result<Option<String>, Stop> {
        budget.spend(self.places.len())?;
        let mut seen: BTreeMap<State, ()> = BTreeMap::new();
        let mut queue: Vec<(State, usize, char)> = vec![(self.start.clone(), usize::MAX, ' ')];
        let (mut head, mut kept) = (0, 0_usize);
        if !self.lives(&self.start) {
            return Ok(None);
        }
        while let Some((state, ..)) = queue.get(head) {
            if self.accepts(state) {
                return Ok(Some(spell(&queue, head)));
            }
            let state = state.clone();
            for c in self.choices(&state) {
                budget.spend(state.len() + 1)?;
                let next = self.step(&state, c);
                if !self.lives(&next) || seen.contains_key(&next) {
                    continue;
                }
                kept += 2 * next.len() + 16;
                if kept > KEPT {
                    return Err(Stop::Spent);
                }
                seen.insert(next.clone(), ());
                queue.push((next, head, c));
            }
            head += 1;
        }
        Ok(None)
    }
}

/// Keeps the first of each: spellings as written come before others.
fn dedup(chars: &mut Vec<char>) {
    let mut seen = Vec::new();
    chars.retain(|c| {
        let new = !seen.contains(c);
        seen.push(*c);
        new
    });
}

fn spell(queue: &[(State, usize, char)], mut at: usize) -> String {
    let mut letters = Vec::new();
    while let Some((_, before, c)) = queue.get(at).filter(|(_, before, _)| *before != usize::MAX) {
        letters.push(*c);
        at = *before;
    }
    letters.into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::super::language::glob;
    use super::*;

    fn check(inside: &[&str], outside: &[&str], expected: Option<&str>) {
        let language = |p: &&str| Language::of(vec![glob(p, Class::Any)]);
        let (inside, outside): (Vec<_>, Vec<_>) =
            (inside.iter().map(language).collect(), outside.iter().map(language).collect());
        let demands: Vec<Demand<'_>> =
            inside.iter().map(|l| (l, true)).chain(outside.iter().map(|l| (l, false))).collect();
        let found = find(&demands, &mut Budget::default()).unwrap();
        assert_eq!(found.as_deref(), expected, "{inside:?} {outside:?}");
    }

    #[test]
    fn shortest_texts() {
        check(&["a*"], &[], Some("a"));
        check(&["a*", "*b"], &[], Some("ab"));
        check(&["a*"], &["a"], Some("ax"));
        check(&["a*"], &["a*"], None);
        check(&["a*"], &["a", "a?*"], None);
        check(&["a?"], &["ax"], Some("ay"));
        check(&["*"], &["", "?"], Some("xx"));
        check(&["*a*", "*b*"], &["*ab*"], Some("ba"));
        check(&["abc"], &["a*"], None);
        check(&["abc"], &["b*"], Some("abc"));
        check(&["?", "b"], &[], Some("b"));
        check(&[], &["*"], None);
    }

    #[test]
    fn classes_and_case() {
        let digits = Language::of(vec![vec![Unit::Star(Class::Digit)]]);
        let long = Language::of(vec![glob("??*", Class::Any)]);
        let found = find(&[(&digits, true), (&long, true)], &mut Budget::default()).unwrap();
        assert_eq!(found.as_deref(), Some("11"));
        let folded = Language::new(vec![glob("ab*", Class::Any)], true);
        let lower = Language::of(vec![glob("a*", Class::Any)]);
        let found = find(&[(&folded, true), (&lower, false)], &mut Budget::default()).unwrap();
        assert_eq!(found.as_deref(), Some("Ab"));
    }
}
