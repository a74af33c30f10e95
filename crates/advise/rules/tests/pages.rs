//! Every rule's page is a test: its examples must give the findings and diffs it shows, its near misses must be
//! refused for the reason it gives.
//!
//! A page is read from top to bottom. ```` ```python [file name] ```` blocks are files of a project; a
//! ```` ```finding ```` block lists what the rule says of them, one `file:line: message` each; a ```` ```diff ````
//! block is the whole edit. Under "Near misses", the heading above a block names the blocker in backticks, or
//! says `no finding`.

use lowtide_rules::{Candidate, Rule, rules};
use lowtide_source::{Project, SourceFile, apply_edits};
use similar::TextDiff;
use std::fmt::Write;

#[derive(Debug, Default, Clone)]
struct Case {
    heading: String,
    files: Vec<(String, String)>,
    finding: Option<String>,
    diff: Option<String>,
}

#[derive(PartialEq)]
enum Section {
    Text,
    Example,
    NearMisses,
}

/// The examples and the near misses of a page.
fn cases_of(page: &str) -> (Vec<Case>, Vec<Case>) {
    let (mut examples, mut near_misses) = (Vec::<Case>::new(), Vec::<Case>::new());
    let mut section = Section::Text;
    let mut heading = String::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            section = match title.trim() {
                "Example" | "Examples" => Section::Example,
                "Near misses" => Section::NearMisses,
                _ => Section::Text,
            };
        } else if let Some(title) = line.strip_prefix("### ") {
            title.trim().clone_into(&mut heading);
        } else if let Some(info) = line.strip_prefix("```") {
            let block: String = lines
                .by_ref()
                .take_while(|line| *line != "```")
                .fold(String::new(), |text, line| text + line + "\n");
            let cases = match section {
                Section::Example => &mut examples,
                Section::NearMisses => &mut near_misses,
                Section::Text => continue,
            };
            add_block(cases, &heading, info, block);
        }
    }
    (examples, near_misses)
}

fn add_block(cases: &mut Vec<Case>, heading: &str, info: &str, block: String) {
    let (kind, name) = info.split_once(' ').unwrap_or((info, "example.py"));
    let starts_case = cases.last().is_none_or(|case| {
        case.finding.is_some() || case.diff.is_some() || case.heading != heading
    });
    if kind == "python" && starts_case {
        cases.push(Case { heading: heading.to_owned(), ..Case::default() });
    }
    let case = cases.last_mut().expect("a page's case starts with a python block");
    match kind {
        "python" => case.files.push((name.to_owned(), block)),
        "finding" => case.finding = Some(block),
        "diff" => case.diff = Some(block),
        other => panic!("unknown kind of block: {other}"),
    }
}

fn candidates_of(rule: &Rule, files: &[(String, String)]) -> Vec<Candidate> {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(name, text)| SourceFile::parse(name, text.as_str()).expect("a page's code parses"))
        .collect();
    let project = Project::of(&files);
    let modules: Vec<_> = project.modules().map(|(id, _)| id).collect();
    (rule.check)(&project, &modules)
}

fn findings_text(candidates: &[Candidate]) -> String {
    candidates.iter().fold(String::new(), |mut text, candidate| {
        writeln!(text, "{}:{}: {}", candidate.file.display(), candidate.line, candidate.message)
            .expect("text takes text");
        text
    })
}

/// The texts of `files` with the edits of all candidates made.
fn fixed(candidates: &[Candidate], files: &[(String, String)]) -> Vec<(String, String)> {
    let fix = |(name, before): &(String, String)| {
        let all = candidates.iter().flat_map(|candidate| &candidate.edits);
        let own = all.filter(|edits| edits.file.as_os_str() == name.as_str());
        let mut edits: Vec<_> = own.flat_map(|file| file.edits.clone()).collect();
        edits.sort();
        edits.dedup();
        (name.clone(), apply_edits(before, &edits).expect("edits fit"))
    };
    files.iter().map(fix).collect()
}

fn diff_text(candidates: &[Candidate], files: &[(String, String)]) -> String {
    let mut text = String::new();
    for ((name, before), (_, after)) in files.iter().zip(fixed(candidates, files)) {
        SourceFile::parse(name, after.as_str()).expect("what a fix writes is Python");
        if after != *before {
            let diff = TextDiff::from_lines(before, &after);
            text += &diff.unified_diff().header(name, name).to_string();
        }
    }
    text
}

#[test]
fn every_page_has_its_sections() {
    assert!(!rules().is_empty());
    for rule in rules() {
        assert!(
            rule.page.starts_with(&format!("# {} {}\n", rule.code, rule.name)),
            "{}: title",
            rule.code
        );
        for section in
            ["What", "Why", "When it does not pay", "When it is refused", "Example", "Near misses"]
        {
            assert!(
                rule.page.contains(&format!("\n## {section}\n")),
                "{}: no section {section}",
                rule.code
            );
        }
    }
}

#[test]
fn every_example_is_found_and_fixed_as_its_page_says() {
    for rule in rules() {
        let (examples, _) = cases_of(rule.page);
        assert!(!examples.is_empty(), "{} has no example", rule.code);
        for case in examples {
            let candidates = candidates_of(rule, &case.files);
            let blockers: Vec<_> =
                candidates.iter().flat_map(|candidate| &candidate.blockers).collect();
            assert!(
                blockers.is_empty(),
                "{}: {:?} is refused: {blockers:?}",
                rule.code,
                case.files
            );
            assert_eq!(
                findings_text(&candidates),
                case.finding.expect("an example shows its finding"),
                "{}",
                rule.code
            );
            assert_eq!(
                diff_text(&candidates, &case.files),
                case.diff.expect("an example shows its diff"),
                "{}",
                rule.code
            );
        }
    }
}

#[test]
fn every_near_miss_is_refused_for_the_reason_its_heading_names() {
    for rule in rules() {
        let (_, near_misses) = cases_of(rule.page);
        assert!(!near_misses.is_empty(), "{} has no near miss", rule.code);
        for case in near_misses {
            let expected = case
                .heading
                .split('`')
                .nth(1)
                .unwrap_or_else(|| panic!("{}: name the blocker: {}", rule.code, case.heading));
            let candidates = candidates_of(rule, &case.files);
            if expected == "no finding" {
                assert!(candidates.is_empty(), "{}: {}: {candidates:?}", rule.code, case.heading);
                continue;
            }
            let names: Vec<_> = candidates
                .iter()
                .flat_map(|candidate| &candidate.blockers)
                .map(|blocker| blocker.name)
                .collect();
            assert!(
                names.contains(&expected),
                "{}: {}: blockers are {names:?}",
                rule.code,
                case.heading
            );
            assert!(
                candidates
                    .iter()
                    .any(|candidate| !candidate.blockers.is_empty() && candidate.edits.is_empty()),
                "{}",
                case.heading
            );
        }
    }
}

#[test]
fn fixing_an_example_twice_changes_nothing_more() {
    for rule in rules() {
        for case in cases_of(rule.page).0 {
            let fixed = fixed(&candidates_of(rule, &case.files), &case.files);
            let open: Vec<_> = candidates_of(rule, &fixed)
                .into_iter()
                .filter(|candidate| candidate.blockers.is_empty())
                .collect();
            assert!(open.is_empty(), "{}: {open:?}", rule.code);
        }
    }
}
