//! Projects -> rewritten projects, with the real rules.
#![expect(clippy::unwrap_used, reason = "what a test cannot prepare fails it")]

use lowtide_findings::{Finding, Threshold, judge};
use lowtide_fix::{Rewritten, converge, rewrite};
use lowtide_rules::{Candidate, check};
use lowtide_source::{Project, SourceFile};
use proptest::prelude::*;

const NESTED: &str = "\
def total(rows):
    return sum([sum([len(cell) for cell in row]) for row in rows])
";

fn parsed(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile::parse(*path, *text).unwrap()).collect()
}

fn advice(candidates: Vec<Candidate>) -> Vec<Finding> {
    let mut findings = judge(candidates, None, Threshold::default());
    findings.retain(|finding| finding.verdict.is_advice());
    findings
}

fn findings(files: &[SourceFile]) -> Vec<Finding> {
    advice(check(&Project::of(files)))
}

fn rewritten(files: &[(&str, &str)]) -> Rewritten {
    let parsed = parsed(files);
    let findings = findings(&parsed);
    rewrite(parsed, &findings)
}

#[test]
fn of_two_fixes_inside_each_other_both_are_made() {
    let result = rewritten(&[("a.py", NESTED)]);
    assert_eq!(
        result.files[0].after,
        "def total(rows):\n    return sum(sum(len(cell) for cell in row) for row in rows)\n"
    );
    assert_eq!((result.applied.len(), result.left_out.len()), (2, 0));
}

#[test]
fn only_the_findings_given_are_acted_on() {
    let files = [(
        "a.py",
        "def f(xs):\n    return sum([x + 1 for x in xs])\n\n\ndef g(xs):\n    return sum([x + 2 for x in xs])\n",
    )];
    let all = findings(&parsed(&files));
    assert_eq!(all.len(), 2);
    let result = rewrite(parsed(&files), &all[1..]);
    assert!(result.files[0].after.contains("sum([x + 1 for x in xs])"));
    assert!(result.files[0].after.contains("sum(x + 2 for x in xs)"));
}

#[test]
fn two_fixes_that_need_the_same_import_add_it_once() {
    let join = |name: &str| {
        format!(
            "def {name}(chunks):\n    data = b\"\"\n    for chunk in chunks:\n        data += bytes(chunk)\n    return data\n"
        )
    };
    let text = format!("\"\"\"Joins.\"\"\"\n\n{}\n\n{}", join("one"), join("two"));
    let result = rewritten(&[("a.py", &text)]);
    assert_eq!(result.applied.len(), 2);
    assert_eq!(result.files[0].after.matches("import").count(), 1, "{}", result.files[0].after);
}

#[test]
fn a_finding_whose_code_is_gone_is_left_out_with_a_reason() {
    let stale = findings(&parsed(&[("a.py", NESTED)]));
    let now = parsed(&[("a.py", "def total(rows):\n    return 0\n")]);
    let result = rewrite(now, &stale);
    assert!(result.files.is_empty() && result.applied.is_empty());
    assert_eq!(result.left_out.len(), 2);
    assert_eq!(result.left_out[0].reason, "another fix has changed this code");
}

#[test]
fn blocked_findings_are_never_made() {
    let text = "def f(xs):\n    ys = [x for x in xs]\n    return sum(ys) + len(ys)\n";
    let files = parsed(&[("a.py", text)]);
    let all = judge(check(&Project::of(&files)), None, Threshold::default());
    assert!(all.iter().any(|finding| !finding.candidate.blockers.is_empty()));
    assert!(rewrite(files, &all).files.is_empty());
}

#[test]
fn what_one_fix_uncovers_is_fixed_too_and_then_nothing_is_left() {
    let result = converge(parsed(&[("a.py", NESTED)]), &advice);
    let after = result.files[0].after.clone();
    assert!(!after.contains('['), "{after}");
    let again = converge(parsed(&[("a.py", &after)]), &advice);
    assert!(again.files.is_empty() && again.applied.is_empty());
}

#[test]
fn evidence_keeps_the_lines_of_the_file_as_it_was_given() {
    let text = "def join(chunks):\n    data = b\"\"\n    for chunk in chunks:\n        data += bytes(chunk)\n    return data\n\n\ndef total(xs):\n    return sum([x * 2 for x in xs])\n";
    let seen = std::cell::RefCell::new(Vec::new());
    let choose = |candidates: Vec<Candidate>| {
        seen.borrow_mut()
            .extend(candidates.iter().filter(|candidate| candidate.rule == "LT102").cloned());
        // First the fix that moves the other one down, then all.
        let mut findings = advice(candidates);
        if findings.iter().any(|finding| finding.candidate.rule == "LT105") {
            findings.retain(|finding| finding.candidate.rule == "LT105");
        }
        findings
    };
    let result = converge(parsed(&[("a.py", text)]), &choose);
    assert_eq!(result.applied.len(), 2);
    let spans: Vec<String> =
        seen.borrow().iter().map(|candidate| format!("{:?}", candidate.evidence)).collect();
    assert!(spans.len() >= 2 && spans.iter().all(|span| span == &spans[0]), "{spans:?}");
    let moved: Vec<u32> = seen.borrow().iter().map(|candidate| candidate.line).collect();
    assert!(moved[1] > moved[0], "{moved:?}");
}

/// A function with waste, or without.
fn any_function() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("def F(rows):\n    return sum([sum([len(c) for c in r]) for r in rows])\n"),
        Just("def F(xs):\n    ys = [x + 1 for x in xs]  # kept: é\n    for y in ys:\n        print(y)\n"),
        Just("def F(xs):\n    data = b''\n    for x in xs:\n        data += bytes(x)\n    return data\n"),
        Just("def F(path):\n    with open(path) as f:\n        lines = f.readlines()\n    for line in lines:\n        print(line)\n"),
        Just("def F(xs):\n    out = []\n    for x in xs:\n        out.append(x * 2)\n    return out\n\n\ndef use_F(xs):\n    return sum(F(xs))\n"),
        Just("def F(xs):\n\tys = [x for x in xs]\n\treturn ys\n"),
    ]
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_converges_parses_and_stays(functions in proptest::collection::vec(any_function(), 1..5), windows: bool) {
        let named = functions.iter().enumerate().map(|(number, text)| text.replace('F', &format!("f{number}")));
        let text = named.collect::<Vec<_>>().join("\n\n");
        let text = if windows { text.replace('\n', "\r\n") } else { text };
        let first = converge(parsed(&[("a.py", &text)]), &advice);
        let after = first.files.first().map_or(text.clone(), |file| file.after.clone());
        prop_assert!(SourceFile::parse("a.py", after.clone()).is_ok(), "{}", after);
        prop_assert_eq!(after.matches('\n').count() == after.matches("\r\n").count(), windows);
        let again = converge(parsed(&[("a.py", &after)]), &advice);
        prop_assert!(again.files.is_empty(), "{}", again.files[0].after);
        prop_assert!(first.left_out.is_empty(), "{:?}", first.left_out);
    }
}
