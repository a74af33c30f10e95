use crate::located::Located;
use lowtide_findings::{Finding, Measurements, Threshold, judge};
use lowtide_profile::Profile;
use lowtide_rules::Candidate;
use lowtide_source::{Project, SourceFile};

/// Findings in these files, joined with a run if there was one.
pub fn findings(files: &[SourceFile], profile: Option<&Profile>) -> Vec<Finding> {
    judged(lowtide_rules::check(&Project::of(files)), profile)
}

/// These candidates, joined with a run if there was one.
pub fn judged(candidates: Vec<Candidate>, profile: Option<&Profile>) -> Vec<Finding> {
    let located = profile.map(Located::new);
    let run = located.as_ref().map(|located| located as &dyn Measurements);
    judge(candidates, run, Threshold::default())
}
