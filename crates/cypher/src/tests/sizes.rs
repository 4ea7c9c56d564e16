//! Large and deep texts: bounded stack, linear time.

use super::outcome;
use crate::parse;

/// Parses on half the stack that a thread has by default: later stages need the rest.
fn on_small_stack(text: String) -> String {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            let outcome = outcome(&text);
            outcome.chars().take(120).collect()
        })
        .expect("a thread starts")
        .join()
        .expect("the parser neither panics nor overflows")
}

fn check_deep(open: &str, inside: &str, close: &str, prefix: &str) {
    let error = on_small_stack(format!("{prefix}{}{inside}{}", open.repeat(100_000), close.repeat(100_000)));
    assert!(error.contains("nested too deeply") || error.contains("levels"), "{prefix}{open}: {error}");
    let fine = on_small_stack(format!("{prefix}{}{inside}{}", open.repeat(90), close.repeat(90)));
    assert!(!fine.contains("levels"), "{prefix}{open}: {fine}");
}

#[test]
fn deep_nesting_is_an_error() {
    check_deep("(", "1", ")", "RETURN ");
    check_deep("[", "1", "]", "RETURN ");
    check_deep("{a: ", "1", "}", "RETURN ");
    check_deep("f(", "1", ")", "RETURN ");
    check_deep("NOT ", "true", "", "RETURN ");
    check_deep("- ", "x", "", "RETURN ");
    check_deep("x[", "1", "]", "RETURN ");
    check_deep("CASE WHEN ", "true", " THEN 1 END", "RETURN ");
    check_deep("[x IN ", "[]", "]", "RETURN ");
    check_deep("EXISTS { RETURN ", "1", " AS a }", "RETURN ");
    check_deep("CALL { ", "CREATE ()", " }", "");
    check_deep("(", "(a)-->(b)", ")", "MATCH p = ");
    check_deep("!", "A", "", "MATCH (n:");
    check_deep("FOREACH (x IN [1] | ", "CREATE (:A)", ")", "");
    check_deep("x.", "y", "", "RETURN ");
    check_deep("1 + ", "1", "", "RETURN ");
    check_deep("1 ^ ", "1", "", "RETURN ");
    let chain = on_small_stack(format!("RETURN 1{}", " IS NORMALIZED".repeat(100_000)));
    assert!(chain.contains("levels"), "{chain}");
}

#[test]
fn copies_of_copies_are_bounded() {
    let error = on_small_stack(format!("RETURN {}1{}", "CASE ".repeat(80), " WHEN < 1, < 2 THEN 1 END".repeat(80)));
    assert!(error.contains("nested too deeply"), "{error}");
    let error = on_small_stack(format!("RETURN {}1{}", "CASE x WHEN 1, 2, 3 THEN ".repeat(80), " END".repeat(80)));
    assert!(error.contains("nested too deeply"), "{error}");
}

#[test]
fn long_texts_take_linear_time() {
    let texts = [
        format!("RETURN [{}1]", "1, ".repeat(300_000)),
        format!("RETURN {}1 AS x", "(1 = 2) OR ".repeat(100_000)),
        format!("MATCH (a), (b) WHERE {}true RETURN 1", "(a)-->(b) AND ".repeat(50_000)),
        format!("RETURN 1 AS x{}", " UNION RETURN 1 AS x".repeat(10_000)),
        format!("CREATE (a){}", ", (a)-[:T]->(:L {x: 1})".repeat(40_000)),
        format!("MATCH {}(a) RETURN 1", "(a)-->".repeat(150_000)),
        format!("RETURN '{}'", "x".repeat(1_000_000)),
        format!("RETURN {}1{}", "[x IN [".repeat(40), ", 2]]".repeat(40)),
        format!("RETURN [{}1]", "[x IN l], ".repeat(100_000)),
        format!("RETURN 1 //{}", "-".repeat(1_000_000)),
        "(".repeat(1_000_000),
        "RETURN '".repeat(125_000),
        "/*".repeat(500_000),
    ];
    for text in texts {
        let before = types::Clock::now(&types::SystemClock);
        let _outcome = parse(&text);
        let time = types::Clock::now(&types::SystemClock).duration_since(before);
        let shown: String = text.chars().take(40).collect();
        // A debug build on a busy machine; quadratic time would be minutes.
        assert!(time.as_secs() < 5, "{shown}...: {time:?}");
    }
}
