//! Patterns over long texts, in steps: between two of them the statement can be ended.
//! Leaves Java's syntax, and texts that are done within a moment, to `pattern`.
//! Start reading at [`Stepping::matches`].

use std::ops::ControlFlow;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::{Anchored, Input, MatchKind};
use types::effort;

use super::pattern::SIZE_MAX_BYTES;

/// Bytes that the states of one run may take.
const STATES_MAX_BYTES: usize = 8 << 20;
/// How often they may be forgotten before it is slower to remember them than to do without.
const FORGOTTEN_MAX: usize = 8;
/// Looks at states of the pattern between two questions whether to go on: a few milliseconds.
const LOOKS_BETWEEN_QUESTIONS: usize = 1 << 20;
/// Looks at states that are done within a moment, however the engine does them.
const MOMENT_LOOKS: usize = 1 << 24;
/// Bytes of a text that are always done within a moment: a pattern has no more states than its size lets it have.
pub(super) const MOMENT_BYTES: usize = 1 << 10;

/// A pattern as an automaton, which reads a text byte by byte.
#[derive(Clone, Debug)]
pub(super) struct Stepping {
    nfa: NFA,
    dfa: DFA,
}

/// Why a run did not come to the end of the text.
enum Left {
    /// The statement may not go on.
    Over,
    /// The fast automaton cannot read this text, or forgets all the time.
    Slower,
}

impl Stepping {
    /// Builds the automaton of a pattern that the engine takes; nothing where it would be too large.
    pub(super) fn compile(pattern: &str) -> Option<Self> {
        let config = NFA::config().which_captures(WhichCaptures::None).nfa_size_limit(Some(SIZE_MAX_BYTES));
        let nfa = NFA::compiler().configure(config).build(pattern).ok()?;
        let config = DFA::config()
            // Only whether there is a match is asked, not which of several.
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(STATES_MAX_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(FORGOTTEN_MAX))
            .minimum_bytes_per_state(Some(10));
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa.clone()).ok()?;
        Some(Self { nfa, dfa })
    }

    /// Tells whether any engine is through with a text of so many bytes within a moment.
    pub(super) fn is_moment(&self, bytes: usize) -> bool {
        bytes.saturating_mul(self.nfa.states().len()) <= MOMENT_LOOKS
    }

    /// Tells whether the whole text matches; nothing where the statement may not go on.
    pub(super) fn matches(&self, text: &str) -> Option<bool> {
        match self.run_fast(text.as_bytes()) {
            Ok(matches) => Some(matches),
            Err(Left::Over) => None,
            Err(Left::Slower) => self.run_slow(text.as_bytes()),
        }
    }

    /// Bytes of a step: even if each of them makes a new state out of all states of the pattern, it is short.
    fn step_bytes(&self) -> usize {
        (LOOKS_BETWEEN_QUESTIONS / self.nfa.states().len().max(1)).max(1)
    }

    /// Reads the text with an automaton that makes its states as it needs them.
    fn run_fast(&self, text: &[u8]) -> Result<bool, Left> {
        let (dfa, mut cache) = (&self.dfa, Cache::new(&self.dfa));
        let input = Input::new(text).anchored(Anchored::Yes);
        let mut state = dfa.start_state_forward(&mut cache, &input).map_err(|_| Left::Slower)?;
        let mut at = 0;
        cache.search_start(at);
        for step in text.chunks(self.step_bytes()) {
            if !effort::look() {
                return Err(Left::Over);
            }
            for byte in step {
                state = dfa.next_state(&mut cache, state, *byte).map_err(|_| Left::Slower)?;
                if state.is_tagged() {
                    if state.is_dead() {
                        return Ok(false);
                    }
                    if state.is_quit() {
                        return Err(Left::Slower);
                    }
                }
            }
            at += step.len();
            cache.search_update(at);
        }
        state = dfa.next_eoi_state(&mut cache, state).map_err(|_| Left::Slower)?;
        cache.search_finish(at);
        Ok(state.is_match())
    }

    /// Reads the text keeping all places of the pattern at which it may be; nothing where the statement may not go on.
    fn run_slow(&self, text: &[u8]) -> Option<bool> {
        let states = self.nfa.states().len();
        let (mut now, mut next) = (Places::new(states), Places::new(states));
        let mut looks = 0;
        now.enter(&self.nfa, self.nfa.start_anchored(), text, 0);
        for (at, byte) in (1..).zip(text) {
            if now.reading.is_empty() {
                return Some(false);
            }
            next.clear();
            for place in &now.reading {
                if let ControlFlow::Continue(to) = read(self.nfa.state(*place), *byte) {
                    next.enter(&self.nfa, to, text, at);
                }
            }
            looks += now.looks + now.reading.len();
            if looks >= LOOKS_BETWEEN_QUESTIONS {
                looks = 0;
                if !effort::look() {
                    return None;
                }
            }
            std::mem::swap(&mut now, &mut next);
        }
        Some(now.is_match)
    }
}

/// Goes on from a state with a byte; breaks where it does not.
fn read(state: &State, byte: u8) -> ControlFlow<(), StateID> {
    let to = match state {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => sparse.matches_byte(byte),
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    };
    to.map_or(ControlFlow::Break(()), ControlFlow::Continue)
}

/// The states at which a pattern may be between two bytes.
struct Places {
    /// Those that read a byte.
    reading: Vec<StateID>,
    is_match: bool,
    /// By state: the round in which it was entered last.
    entered: Vec<u32>,
    round: u32,
    /// States that were entered in this round.
    looks: usize,
    stack: Vec<StateID>,
}

impl Places {
    fn new(states: usize) -> Self {
        Self { reading: Vec::new(), is_match: false, entered: vec![0; states], round: 1, looks: 0, stack: Vec::new() }
    }

    fn clear(&mut self) {
        self.reading.clear();
        (self.is_match, self.looks) = (false, 0);
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.entered.fill(0);
            self.round = 1;
        }
    }

    /// Enters a state before the byte at `at`, and all that follow from it without a byte.
    fn enter(&mut self, nfa: &NFA, state: StateID, text: &[u8], at: usize) {
        self.stack.push(state);
        while let Some(state) = self.stack.pop() {
            if self.entered[state.as_usize()] == self.round {
                continue;
            }
            self.entered[state.as_usize()] = self.round;
            self.looks += 1;
            match nfa.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => self.reading.push(state),
                State::Look { look, next } if nfa.look_matcher().matches(*look, text, at) => self.stack.push(*next),
                State::Union { alternates } => self.stack.extend(alternates.iter().rev()),
                State::BinaryUnion { alt1, alt2 } => self.stack.extend([*alt2, *alt1]),
                State::Capture { next, .. } => self.stack.push(*next),
                State::Match { .. } => self.is_match = true,
                State::Look { .. } | State::Fail => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn stepping(pattern: &str) -> Stepping {
        Stepping::compile(&format!(r"\A(?:{pattern})\z")).expect("is small")
    }

    /// Checks both automata against the engine that reads a text at once.
    #[track_caller]
    fn check(pattern: &str, text: &str) {
        let expected = regex::Regex::new(&format!(r"\A(?:{pattern})\z")).expect("is a pattern").is_match(text);
        let stepping = stepping(pattern);
        assert_eq!(stepping.matches(text), Some(expected), "{pattern} over {} bytes", text.len());
        assert_eq!(stepping.run_slow(text.as_bytes()), Some(expected), "{pattern} over {} bytes, slowly", text.len());
    }

    #[test]
    fn each_way_says_the_same() {
        let long = "lorem ipsum dolor sit amet, größer als ein Tag\n".repeat(300);
        let texts = ["", "a", "ab", "aab\n", "größe", "x größe y", &long];
        let patterns = [
            "",
            "a*b?",
            ".*",
            "(?s).*",
            "(?s).*Tag\\s",
            r"(?s).*\bals\b.*",
            r"(?s).*\bgröß.*",
            r"(?m)(?s)^lorem.*$\n?",
            "(a|b|ab)*",
            "(?i)GRÖSSE|größe",
            "[^a]+",
            r"(?s)(?:.*?ipsum){5,}.*",
            r"\Ba\B|\ba\b",
            "(?s).{3,900}",
        ];
        for pattern in patterns {
            texts.iter().for_each(|text| check(pattern, text));
        }
    }

    /// Says no once it was asked a few times.
    struct Impatient(AtomicUsize);

    impl effort::Watch for Impatient {
        fn may_go_on(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) < 3
        }
    }

    #[test]
    fn a_run_ends_soon_after_the_answer_was_no() {
        let text = "größe und a ".repeat(1 << 19);
        for pattern in ["(?s).*(a|b|c|größe){1000}.*x", r"(?s)(.*\ba\b){200}x"] {
            let stepping = stepping(pattern);
            assert!(!stepping.is_moment(text.len()));
            let _watched = effort::watch(Arc::new(Impatient(AtomicUsize::new(0))), usize::MAX);
            assert_eq!(stepping.matches(&text), None, "{pattern}");
        }
    }
}
