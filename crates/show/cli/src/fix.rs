use crate::failure::{self, Failure};
use crate::terminal::Terminal;
use crate::{judged, sources};
use anyhow::Result;
use clap::Args;
use lowtide_findings::{Finding, Verdict};
use lowtide_fix::{LeftOut, Rewritten, converge, unified_diff};
use lowtide_profile::Profile;
use lowtide_rules::{Candidate, rule_called, rules};
use lowtide_source::Project;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// Options of `lowtide fix`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit status: 0, also if there is nothing to fix; 2 on an error, and then no file is changed."
)]
pub struct Options {
    /// Python files, or folders of them
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A capture that tells which places pay
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Show what would change [default]
    #[arg(long, conflicts_with = "write")]
    diff: bool,
    /// Change the files
    #[arg(long)]
    write: bool,
    /// Also make rewrites that no run has proven
    #[arg(long = "unsafe")]
    unproven: bool,
    /// Only this rule; may be given again
    #[arg(long = "rule", value_name = "CODE")]
    rules: Vec<String>,
}

/// Shows the rewrites as a diff, or makes them.
pub fn execute(options: &Options, terminal: &Terminal) -> Result<ExitCode> {
    let profile = options.profile.as_deref().map(Profile::read).transpose()?;
    let sources = sources::of_paths(&options.paths, terminal)?;
    let choice = Choice {
        codes: codes(&options.rules)?,
        asked: sources.asked,
        profile,
        unproven: options.unproven,
    };
    if !options.unproven {
        let candidates = lowtide_rules::check(&Project::of(&sources.files));
        tell_unsafe(choice.wanted(candidates).len(), terminal);
    }
    let rewritten = converge(sources.files, &|candidates| choice.made(candidates));
    tell_left_out(&rewritten.left_out, terminal);
    if options.write {
        write(&rewritten, terminal)?;
    } else {
        show(&rewritten, terminal)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Which findings are acted on.
struct Choice {
    /// Only of these rules; none means all.
    codes: Vec<&'static str>,
    /// Only in these files.
    asked: BTreeSet<PathBuf>,
    profile: Option<Profile>,
    /// Also what no run has proven.
    unproven: bool,
}

impl Choice {
    fn wanted(&self, candidates: Vec<Candidate>) -> Vec<Finding> {
        let mut findings = judged::judged(candidates, self.profile.as_ref());
        findings.retain(|finding| {
            let Candidate { rule, edits, .. } = &finding.candidate;
            finding.verdict.is_advice()
                && (self.codes.is_empty() || self.codes.contains(rule))
                && edits.iter().all(|edits| self.asked.contains(&edits.file))
        });
        findings
    }

    fn made(&self, candidates: Vec<Candidate>) -> Vec<Finding> {
        let mut findings = self.wanted(candidates);
        findings.retain(|finding| self.unproven || finding.verdict == Verdict::Proven);
        findings
    }
}

/// The codes of the rules named, by code or name.
fn codes(names: &[String]) -> Result<Vec<&'static str>> {
    names.iter().map(|name| Ok(rule_called(name).ok_or_else(|| unknown_rule(name))?.code)).collect()
}

/// An error for a rule that does not exist.
pub fn unknown_rule(name: &str) -> anyhow::Error {
    let known: Vec<String> =
        rules().iter().map(|rule| format!("{} {}", rule.code, rule.name)).collect();
    Failure::with_hint(
        format!("no such rule: {name}"),
        format!("the rules are {}", known.join(", ")),
    )
}

fn tell_unsafe(count: usize, terminal: &Terminal) {
    let (fixes, them) = if count == 1 { ("fix is", "it") } else { ("fixes are", "them") };
    if count > 0 {
        terminal.note(&format!(
            "lowtide: {count} {fixes} left out: no run has proven {them}\n\
             hint: --unsafe makes {them} all the same; `lowtide slim script.py` proves {them}\n"
        ));
    }
}

fn tell_left_out(left_out: &[LeftOut], terminal: &Terminal) {
    for LeftOut { finding, reason } in left_out {
        let candidate = &finding.candidate;
        let place = format!("{}:{}", candidate.file.display(), candidate.line);
        failure::warn(&anyhow::anyhow!("{place}: {} left out: {reason}", candidate.rule), terminal);
    }
}

fn show(rewritten: &Rewritten, terminal: &Terminal) -> Result<()> {
    let page = terminal.page();
    for file in &rewritten.files {
        let name = page.name(&file.path);
        let diff = unified_diff(name.trim_start_matches('/'), &file.before, &file.after);
        terminal.diff(&diff)?;
    }
    Ok(())
}

fn write(rewritten: &Rewritten, terminal: &Terminal) -> Result<()> {
    lowtide_fix::write(&rewritten.files)?;
    for file in &rewritten.files {
        terminal.note(&format!("lowtide: rewrote {}\n", file.path.display()));
    }
    Ok(())
}
