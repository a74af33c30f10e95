use crate::located::Located;
use lowtide_findings::{Finding, Measurements, Threshold, judge};
use lowtide_profile::Profile;
use lowtide_rules::Candidate;
use lowtide_source::{Project, SourceFile};
use lowtide_units::Bytes;

/// Findings in these files, joined with a run if there was one.
pub fn findings(files: &[SourceFile], profile: Option<&Profile>) -> Vec<Finding> {
    judged(lowtide_rules::check(&Project::of(files)), profile)
}

/// Whether any rewrite can pay in this run. It saves no more than what is measured for it: a part of the peak, or objects.
pub fn can_pay(profile: &Profile) -> bool {
    let peak = profile.peak().heap;
    let objects = profile.types().iter().map(|usage| usage.live.bytes).sum::<Bytes>();
    Threshold::default().shortfall(peak.max(objects), peak).is_none()
}

/// These candidates, joined with a run if there was one.
pub fn judged(candidates: Vec<Candidate>, profile: Option<&Profile>) -> Vec<Finding> {
    let located = profile.map(Located::new);
    let run = located.as_ref().map(|located| located as &dyn Measurements);
    judge(candidates, run, Threshold::default())
}
